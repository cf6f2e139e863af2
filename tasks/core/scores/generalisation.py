"""Overfitting, slices and shift of the best mix, as one part of the verdict document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.scores.significance import corrected_resampled_t
from realmix.tasks.core.scores.slices import MIN_ROWS, SliceGain, worst_gain

# Mean training and validation scores of one arm in every fold: two sequences of length n_folds.
TrainingValidation = tuple[Sequence[float], Sequence[float]]


def describe_gap(
    metric: MetricSpec,
    real_only: TrainingValidation,
    mix: TrainingValidation | None,
    *,
    n_validation: float,
    n_train: float,
) -> dict[str, Any]:
    """Compare the scores of each arm on its own real training rows and on validation rows.

    Parameters
    ----------
    metric : MetricSpec
    real_only, mix : pair of sequences of float
        Scores on training rows and on validation rows per fold; NaN where undefined. `mix` is
        None if there is no mix.
    n_validation, n_train : float
        Rows per fold.

    Returns
    -------
    dict
        `real_only` and `mix`, each with `training`, `validation` and `gap` in the metric's units
        (positive = overfits); `difference` of the gaps, mix minus real only, with its corrected
        90 % `interval`; `sentence`. Undefined values are None.
    """
    gaps = {name: _fold_gaps(metric, scores) for name, scores in (("real_only", real_only), ("mix", mix))}
    described: dict[str, Any] = {
        "real_only": _mean_scores(real_only, gaps["real_only"]),
        "mix": None if mix is None else _mean_scores(mix, gaps["mix"]),
    }
    paired = gaps["mix"] - gaps["real_only"]
    paired = paired[np.isfinite(paired)]
    test = None
    if len(paired) > 1:
        test = corrected_resampled_t(paired, n_validation=n_validation, n_train=n_train)
    described["difference"] = test and test.mean
    described["interval"] = test and test.interval
    return described | {"sentence": _gap_sentence(metric, described)}


def describe_generalisation(
    metric: MetricSpec, slices: Sequence[SliceGain], shift: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Build the ``generalisation`` of a verdict document from slices and shift.

    Parameters
    ----------
    metric : MetricSpec
        Of the scores of slices and shift.
    slices : sequence of SliceGain
        Empty if no mix could be compared.
    shift : mapping or None
        From :func:`realmix.tasks.core.scores.shift.describe_ends` or ``describe_stretches``.

    Returns
    -------
    dict
        `metric`, `margin_is_relative` (of the gains here), `gap` (None, see :func:`with_gap`),
        `slices`, `worst_slice_gain`, `shift`, `sentence`.
    """
    sentences = [_slice_sentence(slices), shift["sentence"] if shift else ""]
    return {
        "metric": metric.name,
        "margin_is_relative": metric.margin_is_relative,
        "gap": None,
        "slices": slices,
        "worst_slice_gain": worst_gain(slices),
        "shift": shift,
        "sentence": " ".join(sentence for sentence in sentences if sentence),
    }


def with_gap(found: Mapping[str, Any], gap: Mapping[str, Any]) -> dict[str, Any]:
    """Add the result of :func:`describe_gap`, with its sentence first."""
    return {**found, "gap": gap, "sentence": f"{gap['sentence']} {found['sentence']}".strip()}


def _fold_gaps(metric: MetricSpec, scores: TrainingValidation | None) -> np.ndarray:
    """Return the gap of every fold, positive = better on training rows; one NaN without scores."""
    if scores is None:
        return np.array([np.nan])
    training, validation = (np.asarray(each, dtype=float) for each in scores)
    return np.asarray(training - validation if metric.greater_is_better else validation - training)


def _mean_scores(scores: TrainingValidation, gaps: np.ndarray) -> dict[str, float | None]:
    """Average over the folds that define both scores."""
    known = np.isfinite(gaps)
    if not known.any():
        return dict.fromkeys(("training", "validation", "gap"))
    training, validation = (float(np.asarray(each, dtype=float)[known].mean()) for each in scores)
    return {"training": training, "validation": validation, "gap": float(gaps[known].mean())}


def _gap_sentence(metric: MetricSpec, gap: Mapping[str, Any]) -> str:
    real_only, mix = gap["real_only"], gap["mix"]
    if real_only["gap"] is None:
        return f"How much either model overfits is unknown: {metric.name} is undefined on these folds."
    own = (
        f"Real only scores {metric.name} {real_only['training']:.4g} on its own training rows and "
        f"{real_only['validation']:.4g} on unseen ones"
    )
    if mix is None or mix["gap"] is None or gap["interval"] is None:
        return f"{own}: a gap of {real_only['gap']:.3g}."
    low, high = gap["interval"]
    word = "less than" if high < 0 else "more than" if low > 0 else "about as much as"
    return f"{own}. The mix overfits {word} real only: gap {mix['gap']:.3g} against {real_only['gap']:.3g}."


def _slice_sentence(slices: Sequence[SliceGain]) -> str:
    large = [s for s in slices if s.n_rows >= MIN_ROWS]
    if not large:
        return ""
    lost = [s.name for s in large if s.interval is not None and s.interval[1] < 0]
    if not lost:
        return f"On none of {len(large)} slices is the mix clearly worse than real only."
    return (
        f"On {len(lost)} of {len(large)} slices the mix is clearly worse than real only: {', '.join(lost)}."
    )
