"""Gaps between groups, and whether a mix widens one: a test of all pairs of groups and all rates at once.

The gap that a mix widens is that of a pair of groups: ``|mix(a) - mix(b)| - |real only(a) - real only(b)|``.
The difference between the largest gap of the mix and that of real only would be no base of a test: the
largest of several noisy gaps is too large by chance, and more so where all groups are alike. In 400
simulations of eight groups of 300 rows together, at a growth of exactly the limit, a test of it refused 13 %
instead of 5 %, and it found a growth of twice the limit in 6 % of the cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from realmix.tasks.core.fairness.groups import Grouping
from realmix.tasks.core.fairness.rates import GroupMeans, Rate, group_means
from realmix.tasks.core.scores.draws import small_sample_factor
from realmix.tasks.core.scores.significance import POWER_QUANTILE, critical_value
from realmix.tasks.core.scores.slices import NORMAL_QUANTILE, VETO_LEVEL

N_DRAWS = 2000
# More units than this are added up at random, which changes no covariance but by chance: 3 %.
MAX_BUCKETS = 2000
REAL_ONLY, MIX = 0, 1


@dataclass(frozen=True)
class Widening:
    """The pair of groups whose gap a mix widens most clearly.

    Attributes
    ----------
    pair : tuple of int
        Groups, the one with the larger rate under the mix first.
    widening : float
        Gap of the mix minus gap of real only.
    interval : tuple of float
        Of 90 %, for this pair alone.
    p_value : float
        Chance that any pair of any rate looks as much wider, although none is by more than the limit.
    caught_from : float
        Widening that four of five studies like this one would refuse.
    vetoes : bool
    """

    pair: tuple[int, int]
    widening: float
    interval: tuple[float, float]
    p_value: float
    caught_from: float
    vetoes: bool


@dataclass(frozen=True)
class MeasuredGap:
    """A rate in the groups of one grouping.

    Attributes
    ----------
    grouping : Grouping
    rate : Rate
    of_groups : GroupMeans
    intervals : ndarray of shape (n_groups, 2)
        Of 90 %, of the mix's rate minus that of real only; NaN where a group is not judged.
    widening : Widening or None
        None without a mix, or with fewer than two judged groups.
    """

    grouping: Grouping
    rate: Rate
    of_groups: GroupMeans
    intervals: np.ndarray
    widening: Widening | None

    @property
    def gaps(self) -> np.ndarray:
        """Largest minus smallest rate of the judged groups for each arm; NaN for fewer than two."""
        judged = self.of_groups.means[self.of_groups.is_judged]
        n_arms = self.of_groups.means.shape[1]
        return np.ptp(judged, axis=0) if len(judged) > 1 else np.full(n_arms, np.nan)


def measure_gaps(
    rates: Sequence[Rate],
    groupings: Sequence[Grouping],
    *,
    weight: np.ndarray,
    units: np.ndarray,
    limit: float,
    widening: float,
    seed: int,
) -> list[MeasuredGap]:
    """Measure every rate in every grouping, and test whether any pair's gap grew by more than `limit`.

    A pair counts as wider only where two one-sided tests agree: with ``d`` the difference of the two groups,
    ``d_mix - d_real`` and ``d_mix + d_real`` both lie beyond the limit. All of these are means, so that their
    errors are known. How large the largest ``d_mix - d_real`` gets by chance is simulated from the luck of
    every unit; of each pair one of the two binds, and the other sum has as many members.

    Parameters
    ----------
    rates : sequence of Rate
        Of real only and, where there is one, the mix.
    groupings : sequence of Grouping
        Of the validated rows.
    weight, units : ndarray of shape (n_validated,)
        Weight of each row, and what is drawn together with it.
    limit : float
        Growth of a gap that the card allows, in the units of the rates.
    widening : float
        Nadeau-Bengio factor, >= 1, for the variance of training sets.
    seed : int

    Returns
    -------
    list of MeasuredGap
        By grouping, then rate.

    References
    ----------
    Berger 1982, intersection-union tests, https://doi.org/10.1080/00401706.1982.10487790;
    Hothorn, Bretz, Westfall 2008, simultaneous inference, https://doi.org/10.1002/bimj.200810425
    """
    number = np.unique(units, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    bucket = rng.permutation(number.max() + 1) % MAX_BUCKETS
    luck = rng.normal(size=(N_DRAWS, bucket.max() + 1))
    cells = [_Cell.of(rate, grouping, weight, number, widening) for grouping in groupings for rate in rates]
    largest = np.full(N_DRAWS, -np.inf)
    for cell in (cell for cell in cells if cell.n_pairs):
        np.maximum(largest, cell.largest_by_chance(luck, bucket), out=largest)
    return [cell.measured(limit, largest) for cell in cells]


@dataclass(frozen=True)
class _Cell:
    """One rate in one grouping.

    `deviations` is what each unit adds to the error of the mean of each judged group, shape (n_units,
    n_judged, n_arms); `scales` the factor on the error of each judged group.
    """

    grouping: Grouping
    rate: Rate
    found: GroupMeans
    deviations: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(
        cls, rate: Rate, grouping: Grouping, weight: np.ndarray, unit: np.ndarray, widening: float
    ) -> _Cell:
        found = group_means(rate, grouping, weight, unit)
        n_units, n_arms = unit.max() + 1, rate.values.shape[1]
        deviations = np.zeros((n_units, int(found.is_judged.sum()), n_arms))
        scales = np.empty(deviations.shape[1])
        for place, group in enumerate(np.flatnonzero(found.is_judged)):
            rows = np.flatnonzero(rate.is_counted & (grouping.codes == group))
            share = weight[rows] / weight[rows].sum()
            parts = share[:, None] * (rate.values[rows] - found.means[group])
            np.add.at(deviations[:, place], unit[rows], parts)
            scales[place] = widening * small_sample_factor(len(np.unique(unit[rows])))
        return cls(grouping, rate, found, deviations, scales)

    @property
    def judged(self) -> np.ndarray:
        return np.flatnonzero(self.found.is_judged)

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the two sides of every pair of judged groups, as places among these."""
        return np.triu_indices(len(self.judged), k=1)

    @property
    def n_pairs(self) -> int:
        """Pairs that can be tested: none without a mix."""
        return len(self.pairs[0]) if self.rate.values.shape[1] > 1 else 0

    @property
    def floor(self) -> np.ndarray:
        """Return the least variance, that of one row decided otherwise: no rate of few rows is known exactly."""
        return 1.0 / self.found.n_rows[self.judged] ** 2

    def errors(self, sign: float) -> np.ndarray:
        """Return the standard error of ``d_mix + sign * d_real`` of every pair, shape (n_pairs,)."""
        combined = self.deviations[..., MIX] + sign * self.deviations[..., REAL_ONLY]
        first, second = self.pairs
        covariance = combined.T @ combined
        least = np.maximum(self.floor - np.diag(covariance), 0.0)
        variances = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
        scale = np.maximum(self.scales[first], self.scales[second])
        errors: np.ndarray = scale * np.sqrt(variances + least[first] + least[second])
        return errors

    def largest_by_chance(self, luck: np.ndarray, bucket: np.ndarray) -> np.ndarray:
        """Simulate the largest standardised ``d_mix - d_real`` of any pair, shape (n_draws,), from units' luck."""
        change = self.deviations[..., MIX] - self.deviations[..., REAL_ONLY]
        order = np.argsort(bucket, kind="stable")
        summed = np.add.reduceat(change[order], np.searchsorted(bucket[order], np.arange(luck.shape[1])))
        first, second = self.pairs
        spread = np.sqrt(((summed[:, first] - summed[:, second]) ** 2).sum(axis=0))
        of_groups = luck @ summed
        drawn = (of_groups[:, first] - of_groups[:, second]) / np.where(spread > 0, spread, 1.0)
        largest: np.ndarray = np.abs(drawn).max(axis=1)
        return largest

    def measured(self, limit: float, largest: np.ndarray) -> MeasuredGap:
        widest = self._widest(limit, largest) if self.n_pairs else None
        return MeasuredGap(self.grouping, self.rate, self.found, self._intervals(), widest)

    def _widest(self, limit: float, largest: np.ndarray) -> Widening:
        first, second = self.pairs
        means = self.found.means[self.judged]
        real, mix = (means[first] - means[second]).T
        sign = np.where(mix >= 0, 1.0, -1.0)
        change, total = self.errors(-1.0), self.errors(1.0)
        is_same_side = sign * real >= 0
        binding, other = np.where(is_same_side, change, total), np.where(is_same_side, total, change)
        wider = np.abs(mix) - np.abs(real)
        statistic = np.minimum((wider - limit) / binding, (np.abs(mix) + np.abs(real) - limit) / other)
        place = int(np.argmax(statistic))
        sides = (first[place], second[place]) if sign[place] > 0 else (second[place], first[place])
        reach = NORMAL_QUANTILE * binding[place]
        critical = critical_value(largest, VETO_LEVEL)
        return Widening(
            pair=(int(self.judged[sides[0]]), int(self.judged[sides[1]])),
            widening=float(wider[place]),
            interval=(float(wider[place] - reach), float(wider[place] + reach)),
            p_value=float((1 + (largest >= statistic[place]).sum()) / (1 + len(largest))),
            caught_from=float(limit + (critical + POWER_QUANTILE) * binding[place]),
            vetoes=bool(statistic[place] > critical),
        )

    def _intervals(self) -> np.ndarray:
        intervals = np.full((len(self.found.n_rows), 2), np.nan)
        if self.rate.values.shape[1] > 1:
            apart = self.deviations[..., MIX] - self.deviations[..., REAL_ONLY]
            reach = NORMAL_QUANTILE * self.scales * np.sqrt(np.maximum((apart**2).sum(axis=0), self.floor))
            middle = self.found.means[self.judged] @ np.array([-1.0, 1.0])
            intervals[self.judged] = np.column_stack([middle - reach, middle + reach])
        return intervals
