"""Verdict documents of simulated studies, and their figures."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.holdout_gain import describe_holdout
from realmix.tasks.core.decision.verdict import decide
from realmix.tasks.core.report.describe_decision import describe_decision
from realmix.tasks.core.report.verdict_document import VerdictDocument

TABLE = {
    "name": "bank", "source": "bank.csv", "target": "subscribed", "task": "binary", "classes": ["no", "yes"],
    "positive": "yes", "n_rows": 300, "n_development": 150, "n_holdout": 150, "n_features": 4,
}  # fmt: skip

# Verdicts on two learners.
ON_REAL_ROWS = {"name": "real/linear", "score": 0.5}
BOOSTED = {
    "model": "xgboost", "word": "keep real only", "sentence": "", "reason": "", "real_only": ON_REAL_ROWS, "mix": None,
    "gain": None, "interval": None, "smallest_provable_gain": 0.02, "distance": 0.0,
}  # fmt: skip
TREE = BOOSTED | {
    "model": "decision-tree", "word": "proven", 
    "mix": {"name": "sequential-trees/5/teacher/decision-tree", "score": 0.4, "gain": 0.1, "interval": [0.05, 0.15]},
    "gain": 0.09, "interval": [0.06, 0.12], "distance": -0.11,
}  # fmt: skip

GROUP = {
    "group": "sex: group 1 of 3", "n": 90, "real_only": 0.2, "mix": 0.4, "difference": 0.2, "interval": [0.1, 0.3],
    "note": "",
}  # fmt: skip
UNJUDGED = GROUP | {
    "group": "sex: group 3 of 3", "n": 7, "real_only": None, "mix": None, "difference": None, "interval": None,
    "note": "not judged (n = 7)",
}  # fmt: skip
FAIRNESS = {
    "limit": 0.05, "minimum": 20, "unit": "share", "mix": "ctgan/1/joint/linear",
    "gaps": [
        {"grouping": "sex", "rate": "selection rate", "denominator": "rows", "real_only": 0.1, "mix": 0.3,
         "n_judged": 2, "pair": ["sex: group 1 of 3", "sex: group 2 of 3"], "widening": 0.2, "interval": [0.1, 0.3],
         "p_value": 0.001, "caught_from": 0.12, "vetoes": True, "groups": [GROUP, UNJUDGED], "n_unlisted": 0},
    ],
    "data": {
        "mix": "ctgan/1/joint", "unknown": [], "sentence": "The synthetic rows change the share of a group.",
        "groups": [
            {"group": "sex: group 1 of 3", "n_real": 90, "n_synthetic": 20, "real_share": 0.9, "synthetic_share": 0.2,
             "share_is_shifted": True, "real_label_rate": 0.2, "synthetic_label_rate": 0.2,
             "label_rate_is_shifted": False, "note": ""},
        ],
    },
    "repairs": [
        {"name": "reweighed", "column": "sex", "in_words": "weighed", "score": 0.5, "gain": -0.04,
         "interval": [-0.06, -0.02], "gaps": {"selection rate": [0.1, 0.02], "error": [0.05, 0.06]}},
    ],
    "sentence": "The best mix widens a gap beyond the card's limit: selection rate by sex.",
}  # fmt: skip

# What ships on validation rows, and the rows of the best mix.
EVIDENCE = {
    "arm": "ctgan/1/teacher/linear", "n_rows": 150, "importance_metric": "log_loss", "importance_is_relative": True,
    "importance": [
        {"feature": "age <b>", "worsens": 0.18, "low": 0.12, "high": 0.25},
        {"feature": "job", "worsens": 0.0, "low": -0.01, "high": 0.01},
    ],
    "calibration": [
        {"n_rows": 75, "predicted": 0.1, "observed": 0.12, "low": 0.05, "high": 0.2},
        {"n_rows": 75, "predicted": 0.8, "observed": 0.5, "low": 0.4, "high": 0.6},
    ],
    "confusion": {"threshold": 0.125, "counts": [[90, 10], [20, 30]], "cost_per_row": 1.25, "cost_of_one_class": 3.5},
}  # fmt: skip
LIKENESS = {
    "synthesizer": "ctgan", "n_real": 120, "n_synthetic": 240, "n_other_real": 30,
    "scores": [{"name": "KSComplement", "score": 0.9, "of_other_real": 0.95}],
    "columns": [
        {"name": "age", "kind": "numeric", "score_name": "KSComplement", "score": 0.9, "of_other_real": 0.95,
         "bins": ["18 to 40", "40 to 80"], "real": [0.5, 0.5], "synthetic": [0.3, 0.7]},
        {"name": "job", "kind": "categorical", "score_name": "TVComplement", "score": 0.8, "of_other_real": 0.9,
         "bins": ["<nurse>", "others"], "real": [0.9, 0.1], "synthetic": [0.8, 0.2]},
        {"name": "religion", "kind": "categorical", "score_name": "TVComplement", "score": 0.7, "of_other_real": 0.9,
         "bins": [], "real": [], "synthetic": []},
    ],
    "correlations": [
        {"first": "age", "second": "income", "real": 0.5, "synthetic": 0.1},
        {"first": "age", "second": "height", "real": 0.0, "synthetic": 0.02},
    ],
}  # fmt: skip


def changed(document, **fields):
    """Return the document with other fields."""
    return VerdictDocument.build(document.to_dict() | fields)


def build(oof, metric, **changes):
    comparison = compare(oof, metric, seed=0, n_bootstrap=100)
    verdict = decide(comparison, margin=metric.margin)
    realised = {
        "n_rows": 150,
        "real_only": {"score": 0.8, "interval": [0.7, 0.9]},
        "mix": {"score": 0.9, "interval": [0.8, 0.95]},
        "gain": comparison.promised_gain,
        "interval": [0.0, 0.2],
        "standard_error": 0.02,
        "decisions_served": [1, 2],
    }
    on_holdout = changes.pop(
        "holdout",
        describe_holdout(
            comparison.promised_gain,
            comparison.promised_interval,
            realised,
            is_relative=comparison.margin_is_relative,
        ),
    )
    plan = {"n_folds": 5, "left_out": ["ctgan at ratio 4"]} | changes.pop("plan", {})
    params = {arm.name: {"max_depth": 3} for arm in oof.arms}
    missing = changes.pop("missing", [])
    fields = {
        "schema_version": 1,
        "realmix_version": "0.1.0",
        "study": "bank",
        "table": TABLE | changes.pop("table", {}),
        "holdout_reason": None,
        "complete": not missing,
        "missing": missing,
        "plan": plan,
        "seconds": {"train": 12.5},
        "seeds": {"study": 0},
        "digests": {"snapshot": "abc"},
        "versions": {"numpy": np.__version__},
        "provenance": {"owner": "Bank & Sons", "licence": "CC BY 4.0"},
    }
    decided = describe_decision(comparison, verdict, on_holdout, params, plan.get("expected_provable_gain"))
    return VerdictDocument.build(fields | decided | changes)
