"""The part of the verdict document that a comparison and its verdict fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.holdout_gain import first_line
from realmix.tasks.core.decision.verdict import Verdict
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.mixes.in_words import mix_in_words

# Fields of the comparison that the document repeats under `validation`.
VALIDATION_FIELDS = (
    "n_rows", "n_folds", "n_validation", "n_train", "naive_gain",
    "optimism", "challenger_gain", "standard_error", "p_corrected", "p_holm", "p_max", "p_value",
    "share_of_folds_won", "beats_duplicates", "beats_shuffled", "beats_distillation",
    "beats_class_weights", "beats_constant",
    "calibration_change", "smallest_provable_gain", "finalists",
)  # fmt: skip


def describe_decision(
    comparison: Comparison,
    verdict: Verdict,
    holdout: Mapping[str, Any] | None,
    params: Mapping[str, Mapping[str, Any]],
    expected_provable_gain: float | None,
) -> dict[str, Any]:
    """Return the fields of the verdict document from `word` to `disqualified`, and `holdout`.

    Parameters
    ----------
    comparison, verdict
    holdout : mapping or None
        From :func:`realmix.tasks.core.decision.holdout_gain.describe_holdout`, or, if real only ships, from
        :func:`realmix.tasks.core.decision.holdout_gain.describe_real_only_holdout`.
    params : mapping of arm name to hyper-parameters
        For the shipped and the real-only arm.
    expected_provable_gain : float or None
        Estimate of the plan.
    """
    return {
        "word": verdict.outcome,
        "sentence": first_line(verdict.sentence, holdout),
        "reason": verdict.reason,
        "winner": _describe_arm(verdict.ships, params, comparison.thresholds),
        "real_only": _describe_arm(comparison.incumbent, params, comparison.thresholds),
        "metric": _describe_metric(comparison),
        "validation": {
            **_describe_validation(comparison, verdict),
            "expected_provable_gain": expected_provable_gain,
        },
        "holdout": holdout,
        "gates": verdict.gates,
        "arms": comparison.arms,
        "disqualified": comparison.disqualified,
    }


def _describe_arm(
    arm: Arm, params: Mapping[str, Mapping[str, Any]], thresholds: Mapping[str, float]
) -> dict[str, Any]:
    return {
        "name": arm.name,
        "mix": arm.mix.name,
        "recipe": arm.mix.to_dict(),
        "in_words": mix_in_words(arm.mix),
        "model": arm.model,
        "trial": arm.trial,
        "params": params[arm.name],
        "threshold": thresholds.get(arm.name),
    }


def _describe_metric(comparison: Comparison) -> dict[str, Any]:
    return {
        "name": comparison.metric,
        "direction": "higher is better" if comparison.greater_is_better else "lower is better",
        "margin": comparison.margin,
        "margin_is_relative": comparison.margin_is_relative,
    }


def _describe_validation(comparison: Comparison, verdict: Verdict) -> dict[str, Any]:
    numbers = {name: getattr(comparison, name) for name in VALIDATION_FIELDS}
    return {
        "real_only": _scored(comparison, comparison.incumbent),
        "mix": _scored(comparison, comparison.best_mix),
        **numbers,
        "promised_gain": verdict.promised_gain,
        "promised_interval": verdict.promised_interval,
        "shrunken_gain": verdict.shrunken_gain,
        "loss_chance": verdict.loss_chance,
        "rows_to_prove": verdict.rows_to_prove,
    }


def _scored(comparison: Comparison, arm: Arm | None) -> dict[str, Any] | None:
    if arm is None:
        return None
    row = comparison.row(arm)
    return {"name": row.name, "score": row.score, "interval": row.interval}
