"""What more real rows would bring: the learning curve of real only read beyond the table, in gains, money and days.

A slice has a curve of its own, made of fits that saw fewer of its rows and all others. It tells what rows of this
slice alone would bring to the slice; that they neither help nor harm other rows is assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.scores.learning_curve import PowerLaw, fit_power_law
from realmix.tasks.core.table.card import DataCard

# Both bounds of an 80 % interval.
QUANTILES = (0.1, 0.5, 0.9)
N_STEPS = 4
# A gain worth collecting rows for, in margins of the metric: 1 % of a loss, 0.6 points of a share.
WORTHWHILE_MARGINS = 2.0
N_POINTS = 25


@dataclass(frozen=True)
class Scored:
    """Scores of real only after several numbers of rows, on the same folds.

    Attributes
    ----------
    n_rows : ndarray of shape (n_sizes,)
        Training rows, rising; of a slice, those of the slice.
    scores : ndarray of shape (n_sizes, n_folds)
        In the metric's units.
    metric : MetricSpec
    n_fitted : float
        All training rows of the largest fits.
    overlap : float
        Validation rows of a fold per training row.
    """

    n_rows: np.ndarray
    scores: np.ndarray
    metric: MetricSpec
    n_fitted: float
    overlap: float

    def power_law(self) -> PowerLaw:
        """Continue the scores; see :func:`realmix.tasks.core.scores.learning_curve.fit_power_law`."""
        return fit_power_law(
            self.n_rows, self.scores, self.metric, n_fitted=self.n_fitted, overlap=self.overlap
        )


@dataclass(frozen=True)
class ScoredSlice:
    """Scores on a slice where it was thinned, and how it weighs in the whole.

    Attributes
    ----------
    name : str
    n_all : int
        Its rows in the whole table.
    scored : Scored
    weight : float
        Gain over all rows per gain on the slice.
    """

    name: str
    n_all: int
    scored: Scored
    weight: float


def describe_collecting(
    scored: Scored, slices: Sequence[ScoredSlice], card: DataCard, *, arm: str, n_all: int
) -> dict[str, Any]:
    """Build the ``collecting`` of a verdict document.

    Parameters
    ----------
    scored : Scored
        Of all rows, as they come.
    slices : sequence of ScoredSlice
    card : DataCard
        May declare the cost of one more row, in money and in days.
    arm : str
        Name of the best real-only arm at the largest size.
    n_all : int
        Rows in the table, all of which the shipped model learns from.

    Returns
    -------
    dict
        `steps` and `slices` tell what `n_more` rows bring: `gain` is the median, `interval` holds 80 %,
        `chance_below` is that of a gain smaller than `worthwhile`; `is_guess` where the law is read at more than
        `MAX_EXTRAPOLATION` times the rows of the largest fit. `overall_gain` is that of a slice's rows on
        all rows.
    """
    law = scored.power_law()
    return {
        "metric": scored.metric.name,
        "arm": arm,
        "n_rows": n_all,
        "measured_to": round(law.n_max),
        "worthwhile": worthwhile(scored.metric),
        "currency": None if card.price_per_row is None else card.currency,
        "measured": [
            {"n_rows": round(n), "score": score}
            for n, score in zip(scored.n_rows, scored.scores.mean(axis=1), strict=True)
        ],
        "curve": _curve(law, scored.n_rows[0], 2 * n_all),
        "steps": [_step(law, n_all, n_more, card) for n_more in [*round_steps(n_all), n_all]],
        "slices": [_slice(each, card) for each in slices],
    }


def round_steps(n_rows: int) -> list[int]:
    """Return the largest round numbers below `n_rows`, rising.

    Examples
    --------
    >>> round_steps(2000), round_steps(299), round_steps(60)
    ([100, 200, 500, 1000], [20, 50, 100, 200], [10, 20, 50])
    """
    round_numbers = (digit * 10**power for power in range(1, 12) for digit in (1, 2, 5))
    return list(takewhile(lambda number: number < n_rows, round_numbers))[-N_STEPS:]


def worthwhile(metric: MetricSpec) -> float:
    """Return the smallest gain worth collecting rows for."""
    return WORTHWHILE_MARGINS * metric.margin


def _step(law: PowerLaw, n_from: int, n_more: int, card: DataCard) -> dict[str, Any]:
    gain = law.gain(n_from, n_from + n_more)
    low, median, high = law.quantiles(gain, QUANTILES)
    return {
        "n_more": n_more,
        "gain": median,
        "interval": [low, high],
        "chance_below": law.chance_below(gain, worthwhile(law.metric)),
        "money": None if card.price_per_row is None else n_more * card.price_per_row,
        "days": None if card.days_per_row is None else n_more * card.days_per_row,
        "is_guess": law.is_guess(n_from + n_more),
    }


def _slice(found: ScoredSlice, card: DataCard) -> dict[str, Any]:
    law = found.scored.power_law()
    n_more = round_steps(found.n_all)[-1]
    step = _step(law, found.n_all, n_more, card)
    return {
        "name": found.name,
        "metric": found.scored.metric.name,
        "margin_is_relative": found.scored.metric.margin_is_relative,
        "n_rows": found.n_all,
        **step,
        "overall_gain": found.weight * step["gain"],
    }


def _curve(law: PowerLaw, n_first: float, n_last: float) -> list[dict[str, Any]]:
    """Describe the curve with its 80 % band for the figure."""
    points = []
    for n_rows in np.geomspace(n_first, n_last, N_POINTS):
        low, score, high = law.quantiles(law.scores(n_rows), QUANTILES)
        points.append({"n_rows": round(float(n_rows)), "score": score, "low": low, "high": high})
    return points
