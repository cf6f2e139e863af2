"""What the synthetic rows say of groups: shares of the rows, and labels, held against the real training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.fairness.assessment import SyntheticGroups
from realmix.tasks.core.fairness.groups import Grouping, groupings, joined
from realmix.tasks.core.fairness.rates import MIN_ROWS
from realmix.tasks.core.scores.significance import holm
from realmix.tasks.core.scores.slices import VETO_LEVEL


def describe_synthetic_groups(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    real_labels: np.ndarray,
    synthetic_labels: np.ndarray,
    weight: np.ndarray,
    unknown: Sequence[str],
    limit: float,
    mix: str,
) -> SyntheticGroups:
    """Compare the groups of synthetic rows with those of the real rows that they were made from.

    A share or a rate is shifted where it differs by more than `limit`, significant after Holm over all groups
    and both questions.

    Parameters
    ----------
    real, synthetic : DataFrame of shape (n_rows, n_columns)
        Canonical sensitive features of a fold's training rows.
    real_labels, synthetic_labels : ndarray of shape (n_rows,)
        Probability of the positive class that the rows are trained with, or the target in standard deviations.
    weight : ndarray of shape (n_real,)
    unknown : sequence of str
        Sensitive columns that no synthetic row has.
    limit : float
    mix : str
        Name of the mix that the rows belong to.

    Returns
    -------
    SyntheticGroups
    """
    of_real = groupings(real, crossed=False)
    of_synthetic = {each.name: each for each in groupings(synthetic, reference=real, crossed=False)}
    found = [
        row
        for each in of_real
        for row in _compared(
            each, of_synthetic[each.name], real_labels, synthetic_labels, weight, limit=limit
        )
    ]
    adjusted = iter(holm([p for row in found for p in row["p"] if p is not None]))
    for row in found:
        share, rate = (p is not None and next(adjusted) <= VETO_LEVEL for p in row.pop("p"))
        row |= {"share_is_shifted": share, "label_rate_is_shifted": rate}
    return SyntheticGroups.of(
        {"mix": mix, "groups": found, "unknown": tuple(unknown), "sentence": _sentence(found, unknown)}
    )


def _compared(
    real: Grouping,
    synthetic: Grouping,
    real_labels: np.ndarray,
    synthetic_labels: np.ndarray,
    weight: np.ndarray,
    *,
    limit: float,
) -> list[dict[str, Any]]:
    """Describe each group; ``p`` holds the p-values of a shift of its share and of its labels, None where unjudged."""
    ones = np.ones(len(synthetic.codes))
    rows = []
    for group, label in enumerate(real.labels):
        of_real, of_synthetic = real.codes == group, synthetic.codes == group
        n_real, n_synthetic = int(of_real.sum()), int(of_synthetic.sum())
        is_judged = n_real >= MIN_ROWS
        both = is_judged and n_synthetic >= MIN_ROWS
        row: dict[str, Any] = {
            "group": label,
            "n_real": n_real,
            "n_synthetic": n_synthetic,
            "real_share": None,
            "synthetic_share": None,
            "real_label_rate": None,
            "synthetic_label_rate": None,
            "note": "" if both else f"not judged (n = {min(n_real, n_synthetic):,})",
            "p": [None, None],
        }
        if is_judged:
            shares = (of_real.astype(float), weight), (of_synthetic.astype(float), ones)
            row["real_share"], row["synthetic_share"], row["p"][0] = _shift(*shares, limit)
        if both:
            labels = (
                (real_labels[of_real], weight[of_real]),
                (synthetic_labels[of_synthetic], ones[of_synthetic]),
            )
            row["real_label_rate"], row["synthetic_label_rate"], row["p"][1] = _shift(*labels, limit)
        rows.append(row)
    return rows


def _shift(
    real: tuple[np.ndarray, np.ndarray], synthetic: tuple[np.ndarray, np.ndarray], limit: float
) -> tuple[float, float, float]:
    """Return both weighted means, and the p-value of a difference beyond the limit in either direction."""
    from scipy import stats

    (mean, variance), (other, of_other) = (_mean(*each) for each in (real, synthetic))
    # The least variance is that of one row that is otherwise.
    error = np.sqrt(max(variance, len(real[0]) ** -2.0) + of_other)
    return mean, other, float(2 * stats.norm.sf((abs(other - mean) - limit) / error))


def _mean(values: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    share = weight / weight.sum()
    mean = float(share @ values)
    return mean, float((share**2) @ (values - mean) ** 2)


def _sentence(found: Sequence[dict[str, Any]], unknown: Sequence[str]) -> str:
    shares = [f"'{row['group']}'" for row in found if row["share_is_shifted"]]
    rates = [f"'{row['group']}'" for row in found if row["label_rate_is_shifted"]]
    parts = []
    if shares:
        parts.append(f"The synthetic rows change the share of {joined(shares)}.")
    if rates:
        parts.append(f"They change the labels of {joined(rates)}.")
    if found and not parts:
        parts.append(
            "The synthetic rows were not found to shift the share of any group or the labels in it beyond the limit."
        )
    if unknown:
        parts.append(f"No synthetic row has {joined(list(unknown))}, so its groups cannot be compared.")
    return " ".join(parts)
