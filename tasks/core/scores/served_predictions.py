"""How the predictions of the arm that ships agree with the truth, on rows that its models had not seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.scores.out_of_fold import OutOfFold

N_BINS = 10
# Of a standard error, half the width of a 90 % interval.
NORMAL_QUANTILE = 1.645


def describe_predictions(oof: OutOfFold, arm: Arm, threshold: float | None) -> dict[str, Any]:
    """Describe an arm's out-of-fold predictions of the first repeat.

    Parameters
    ----------
    oof : OutOfFold
    arm : Arm
    threshold : float or None
        Probability of the positive class from which on a row is labelled positive; None where the most probable
        class is the label.

    Returns
    -------
    dict
        `arm`, `n_rows`, `calibration` and `confusion` of
        :class:`realmix.tasks.core.report.model_evidence.ModelEvidence`.
    """
    predicted = oof.predictions[oof.arms.index(arm), 0]
    rows = np.flatnonzero(np.isfinite(predicted.reshape(len(predicted), -1)).all(axis=1))
    y, predicted = oof.y[rows], predicted[rows]
    described = {"arm": arm.name, "n_rows": len(rows), "confusion": None}
    if not oof.is_classification:
        return {**described, "calibration": calibration_bins(predicted, y)}
    code = np.ones(len(y), dtype=int) if oof.has_two_classes else predicted.argmax(axis=1)
    probability, is_class = predicted[np.arange(len(y)), code], (y == code).astype(float)
    decided = predicted.argmax(axis=1) if threshold is None else (predicted[:, 1] >= threshold).astype(int)
    costs = None if oof.costs is None else oof.costs[rows]
    return {
        **described,
        "calibration": calibration_bins(probability, is_class),
        "confusion": {
            "threshold": threshold,
            "counts": confusion_counts(y, decided, predicted.shape[1]),
            **decision_costs(costs, decided),
        },
    }


def calibration_bins(predicted: np.ndarray, observed: np.ndarray) -> list[dict[str, Any]]:
    """Compare predictions with what was observed, in at most ten bins of equally many rows.

    Parameters
    ----------
    predicted, observed : ndarray of shape (n_rows,)

    Returns
    -------
    list of dict
        Fields of :class:`realmix.tasks.core.report.model_evidence.CalibrationBin`, lowest predictions first.

    Examples
    --------
    >>> bins = calibration_bins(np.linspace(0, 1, 20), np.linspace(0, 1, 20))
    >>> len(bins), round(bins[0]["predicted"], 3) == round(bins[0]["observed"], 3)
    (10, True)
    """
    order = np.argsort(predicted, kind="stable")
    found = []
    for rows in np.array_split(order, min(N_BINS, len(order))):
        mean = float(observed[rows].mean())
        reach = NORMAL_QUANTILE * float(observed[rows].std()) / len(rows) ** 0.5
        bounds = {"low": mean - reach, "high": mean + reach}
        found.append(
            {"n_rows": len(rows), "predicted": float(predicted[rows].mean()), "observed": mean} | bounds
        )
    return found


def confusion_counts(y: np.ndarray, decided: np.ndarray, n_classes: int) -> list[list[int]]:
    """Count rows by true and decided class.

    Examples
    --------
    >>> confusion_counts(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    [[1, 1], [0, 1]]
    """
    counts = np.bincount(y.astype(int) * n_classes + decided, minlength=n_classes**2)
    found: list[list[int]] = counts.reshape(n_classes, n_classes).tolist()
    return found


def decision_costs(costs: np.ndarray | None, decided: np.ndarray) -> dict[str, float | None]:
    """Return the cost per row of decisions, and of the one class for all rows that costs least."""
    if costs is None:
        return {"cost_per_row": None, "cost_of_one_class": None}
    return {
        "cost_per_row": float(costs[np.arange(len(costs)), decided].mean()),
        "cost_of_one_class": float(costs.mean(axis=0).min()),
    }
