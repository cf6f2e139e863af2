"""Verdict documents of simulated studies, and their figures."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.holdout_gain import describe_holdout
from realmix.tasks.core.decision.verdict import decide
from realmix.tasks.core.report.describe_decision import describe_decision
from realmix.tasks.core.report.figures import draw_figures
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


def figures_of(document, oof):
    candidate, real_only = oof.predictions[6, 0], oof.predictions[0, 0]
    return draw_figures(document, oof.y, candidate, real_only)
