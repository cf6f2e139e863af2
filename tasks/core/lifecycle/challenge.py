"""Comparison of champion and challenger on rows that neither was fitted on."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.holdout_gain import score_holdout, served_predictions
from realmix.tasks.core.fairness.gaps import MeasuredGap, measure_gaps
from realmix.tasks.core.fairness.groups import Grouping
from realmix.tasks.core.fairness.rates import Rate
from realmix.tasks.core.lifecycle.entries import Gate, Judgement, Word
from realmix.tasks.core.scores.slices import MIN_ROWS, PairedLosses, Slice, slice_gains
from realmix.tasks.core.words import gain_and_interval, gain_in_words, interval_in_words, width_of

Finding = Literal["better", "worse", "undecided", "not worse", "not shown to be as good"]
OVERALL_NUMBERS = ("rows_needed", "champion_score", "challenger_score", "gain", "interval", "tolerance")
# Fewer rows of a class cannot be compared.
MIN_CLASS_ROWS = 10
# z_.95 + z_.80: a bound of the 90 % interval stays within the tolerance with 80 % power.
REACH = 1.645 + 0.842
# Smaller relative changes of the Brier score do not count as a change in calibration.
CALIBRATION_MARGIN = 0.01
# Per 1,000 rows; smaller differences are noise of the clock and of other processes.
SERVING_FLOOR_SECONDS = 0.01


@dataclass(frozen=True)
class Compared:
    """Rows that neither version was fitted on, with the predictions of both.

    Attributes
    ----------
    y : ndarray of shape (n_rows,)
        Class codes (int) or numbers.
    champion, challenger : ndarray of shape (n_rows[, n_classes])
        Class probabilities or numbers.
    units : ndarray of shape (n_rows,)
        Rows of one unit are drawn together.
    weight : ndarray of shape (n_rows,)
    groups : mapping of column to slices
        Of every column on which no group may be worse.
    sensitive : collection of str
        Columns among them whose gap between groups must not grow.
    champion_seconds, challenger_seconds : float
        To serve 1,000 rows.
    decisions_served : tuple of int
        Smallest and largest number of decisions that a row was used in, with this one.
    costs : ndarray of shape (n_rows, n_classes), optional
        Cost of each decision on a row, where the card gives costs.
    champion_threshold, challenger_threshold : float or None
        With which each labels rows of two classes; None: the most probable class.
    """

    y: np.ndarray
    champion: np.ndarray
    challenger: np.ndarray
    units: np.ndarray
    weight: np.ndarray
    groups: Mapping[str, Sequence[Slice]] = field(default_factory=dict)
    sensitive: Collection[str] = ()
    champion_seconds: float = 0.0
    challenger_seconds: float = 0.0
    decisions_served: tuple[int, int] = (1, 1)
    costs: np.ndarray | None = None
    champion_threshold: float | None = None
    challenger_threshold: float | None = None

    @property
    def n_rows(self) -> int:
        """Rows compared."""
        return len(self.y)

    def scored(self, metric: MetricSpec, seed: int) -> dict[str, Any]:
        """Score both with :func:`realmix.tasks.core.decision.holdout_gain.score_holdout`, the challenger as mix."""
        return score_holdout(
            self.y,
            self.challenger,
            self.champion,
            metric,
            seed,
            groups=self.units,
            sample_weight=self.weight,
            costs=self.costs,
            thresholds=(self.challenger_threshold, self.champion_threshold),
        )

    def losses(self, metric: MetricSpec) -> PairedLosses:
        """Compute the losses of both, the champion's first; `metric` must have a ``row_loss``."""
        assert metric.row_loss is not None
        truth = self.costs if metric.scores_costs else self.y
        assert truth is not None
        served = (self.champion, self.champion_threshold), (self.challenger, self.challenger_threshold)
        both = [metric.row_loss(truth, served_predictions(metric, *each)) for each in served]
        return PairedLosses(metric, np.arange(self.n_rows), np.column_stack(both), self.units, self.weight)


def undecided(
    reason: str, metric: str, *, drift_is_critical: bool, n_rows: int = 0, gates: tuple[Gate, ...] = ()
) -> Judgement:
    """Return the judgement that two versions cannot be compared yet, with the reason.

    Examples
    --------
    >>> undecided("No row is new.", "log_loss", drift_is_critical=True).reason
    'No row is new. Drift is critical: whether the challenger takes over waits for approval.'
    """
    if drift_is_critical:
        reason += " Drift is critical: whether the challenger takes over waits for approval."
    unknown = dict.fromkeys((*OVERALL_NUMBERS, "decisions_served"))
    found = {
        "word": "not yet decidable",
        "reason": reason,
        "gates": gates,
        "metric": metric,
        "n_rows": n_rows,
    }
    return Judgement.build({**found, **unknown, "waits_for_approval": drift_is_critical})


def judge_challenger(
    compared: Compared,
    metric: MetricSpec,
    *,
    by_rows: MetricSpec,
    calibration: MetricSpec | None,
    tolerance: float,
    max_slowdown: float,
    seed: int,
    drift_is_critical: bool = False,
) -> Judgement:
    """Decide whether the challenger may replace the champion.

    It must be better, or shown not to be worse on enough rows; not worse on any declared group or
    in calibration; no less fair; and not much slower.

    Parameters
    ----------
    compared : Compared
    metric : MetricSpec
        Of the decision.
    by_rows : MetricSpec
        A mean over rows, for groups: `metric` itself if it is one.
    calibration : MetricSpec or None
        The Brier score; None for regression.
    tolerance : float
        Loss that still counts as "not worse", a share of the champion's score, in (0, 1).
    max_slowdown : float
        Serving time relative to the champion's, >= 1.
    seed : int
        Of the bootstraps.
    drift_is_critical : bool

    Returns
    -------
    Judgement
        "not yet decidable" with fewer than 50 rows, with fewer than 10 of a class, and if the
        interval of the gain contains 0 on fewer rows than `rows_needed`.
    """
    too_few = _why_too_few(compared)
    if too_few:
        rows = Gate("rows", None, too_few, {"n_rows": compared.n_rows})
        return undecided(
            too_few, metric.name, drift_is_critical=drift_is_critical, n_rows=compared.n_rows, gates=(rows,)
        )
    overall, found = _overall(compared, metric, tolerance, seed)
    paired = compared.losses(by_rows)
    gates = (
        overall,
        _slices_gate(paired, compared.groups, seed),
        *([_calibration_gate(compared, calibration, seed)] if calibration else []),
        *([fairness_gate(paired, compared, seed)] if compared.sensitive else []),
        _serving_gate(compared, max_slowdown),
    )
    word = _word(found, gates)
    waits = drift_is_critical and word == "not yet decidable"
    numbers = overall.numbers
    return Judgement.build(
        {
            "word": word,
            "reason": _reason(word, gates)
            + (" Drift is critical: this waits for approval." if waits else ""),
            "gates": gates,
            "metric": metric.name,
            "n_rows": compared.n_rows,
            **{name: numbers[name] for name in OVERALL_NUMBERS},
            "waits_for_approval": waits,
            "decisions_served": compared.decisions_served,
        }
    )


def rows_needed(standard_error: float, n_rows: int, tolerance: float) -> int:
    """Return the rows that show, with 80 % power, that a gain of zero is no loss beyond `tolerance`.

    Parameters
    ----------
    standard_error : float
        Of the gain, measured on `n_rows` rows; it shrinks with their square root.
    n_rows : int
    tolerance : float
        In units of the gain.

    Examples
    --------
    >>> rows_needed(0.02, n_rows=400, tolerance=0.02)
    2475
    """
    return max(MIN_ROWS, math.ceil(n_rows * (REACH * standard_error / tolerance) ** 2))


def _why_too_few(compared: Compared) -> str | None:
    n_rows = compared.n_rows
    if n_rows < MIN_ROWS:
        return (
            f"{n_rows:,} rows came since the champion on which neither model was fitted; "
            f"a comparison needs at least {MIN_ROWS}."
        )
    if compared.champion.ndim == 2:
        counts = np.bincount(compared.y, minlength=compared.champion.shape[1])
        if counts.min() < MIN_CLASS_ROWS:
            return (
                f"Of the {n_rows:,} rows on which neither model was fitted {counts.min()} are of the rarest "
                f"class; a comparison needs at least {MIN_CLASS_ROWS}."
            )
    return None


def _overall(compared: Compared, metric: MetricSpec, tolerance: float, seed: int) -> tuple[Gate, Finding]:
    scored = compared.scored(metric, seed)
    champion, challenger = scored["real_only"]["score"], scored["mix"]["score"]
    # A champion that finds nothing (F1 of 0) has nothing to lose a share of.
    allowed = tolerance * (1.0 if metric.margin_is_relative else max(abs(champion), metric.margin))
    needed = rows_needed(scored["standard_error"], compared.n_rows, allowed)
    interval = (scored["interval"][0], scored["interval"][1])
    found = _finding(scored["gain"], interval, allowed, is_enough=compared.n_rows >= needed)
    relative = metric.margin_is_relative
    sentence = (
        f"On {compared.n_rows:,} rows on which neither model was fitted the challenger's gain in {metric.name} "
        f"is {gain_in_words(scored['gain'], relative, width_of(interval))} (90 % interval "
        f"{interval_in_words(interval, relative)}; "
        f"champion {champion:.4g}, challenger {challenger:.4g}): "
        f"{_finding_in_words(found, gain_in_words(allowed, relative), needed)}."
    )
    numbers = {
        "finding": found,
        "champion_score": champion,
        "challenger_score": challenger,
        "gain": scored["gain"],
        "interval": interval,
        "standard_error": scored["standard_error"],
        "tolerance": allowed,
        "n_rows": compared.n_rows,
        "rows_needed": needed,
    }
    passed = None if found == "undecided" else found in ("better", "not worse")
    return Gate("overall", passed, sentence, numbers), found


def _finding(gain: float, interval: tuple[float, float], allowed: float, *, is_enough: bool) -> Finding:
    low, high = interval
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    if not is_enough:
        return "undecided"
    return "not worse" if low > -allowed and gain >= 0 else "not shown to be as good"


def _finding_in_words(found: Finding, allowed: str, needed: int) -> str:
    if found == "undecided":
        return f"about {needed:,} rows are needed to tell a loss of {allowed}"
    return f"not worse, for a loss of {allowed} is allowed" if found == "not worse" else found


def _slices_gate(paired: PairedLosses, groups: Mapping[str, Sequence[Slice]], seed: int) -> Gate:
    """Check that no declared group of enough rows loses, the number of groups allowed for."""
    slices = [s for of_column in groups.values() for s in of_column]
    found = [s for s in slice_gains(paired, slices, widening=1.0, seed=seed) if s.n_rows >= MIN_ROWS]
    lost = [s for s in found if s.vetoes]
    relative = paired.metric.margin_is_relative
    named = "; ".join(f"'{s.name}' ({interval_in_words(s.interval, relative)})" for s in lost)
    sentence = f"It loses on {named}." if lost else f"It loses on none of {len(found)} declared groups."
    numbers = [{"name": s.name, "n_rows": s.n_rows, "gain": s.gain, "interval": s.interval} for s in found]
    return Gate("slices", not lost, sentence, {"metric": paired.metric.name, "slices": numbers})


def _calibration_gate(compared: Compared, calibration: MetricSpec, seed: int) -> Gate:
    scored = compared.scored(calibration, seed)
    gain, interval = scored["gain"], scored["interval"]
    passed = not (gain < -CALIBRATION_MARGIN and interval[1] < 0)
    relative = calibration.margin_is_relative
    sentence = (
        f"Its {calibration.name} score is {'not worse' if passed else 'worse'}: gain "
        f"{gain_and_interval(gain, interval, relative)}."
    )
    return Gate("calibration", passed, sentence, {"gain": gain, "interval": interval})


def fairness_gate(paired: PairedLosses, compared: Compared, seed: int) -> Gate:
    """Check that no gap between two groups of a sensitive column grows beyond the metric's margin.

    Gaps are of the mean loss, as :func:`measure_gaps` tests them: the number of pairs and columns is allowed for.

    Parameters
    ----------
    paired : PairedLosses
        Of the champion and the challenger.
    compared : Compared
    seed : int

    Returns
    -------
    Gate
        Passed also where no two groups have enough rows to be judged.
    """
    metric, relative = paired.metric, paired.metric.margin_is_relative
    mean = np.average(paired.losses[:, 0], weights=paired.weight)
    losses = paired.losses / (float(mean) or 1.0) if relative else paired.losses
    groupings = [_grouping(column, compared) for column in compared.sensitive]
    measured = measure_gaps(
        [Rate(metric.name, losses, np.ones(compared.n_rows, dtype=bool), "rows")],
        [each for each in groupings if len(each.labels) > 1],
        weight=paired.weight,
        units=paired.units,
        limit=metric.margin,
        widening=1.0,
        seed=seed,
    )
    found = {gap.grouping.name: _widest(gap) for gap in measured if gap.widening is not None}
    grown = [
        f"between '{gap['pair'][0]}' and '{gap['pair'][1]}' grows by {gain_in_words(gap['growth'], relative)} "
        f"(90 % interval {interval_in_words(gap['interval'], relative)})"
        for gap in found.values()
        if gap["is_wider"]
    ]
    sentence = (
        f"The gap in loss {' and '.join(grown)}; {gain_in_words(metric.margin, relative)} is allowed."
        if grown
        else f"The gap between groups was not found to grow for any of {len(found)} sensitive columns."
    )
    return Gate("fairness", not grown, sentence, {"metric": metric.name, "gaps": found})


def _grouping(column: str, compared: Compared) -> Grouping:
    """Group rows by the slices of a column that have enough rows."""
    groups = [each for each in compared.groups.get(column, ()) if each.rows.sum() >= MIN_ROWS]
    codes = np.full(compared.n_rows, -1)
    for place, group in enumerate(groups):
        codes[group.rows] = place
    return Grouping(column, tuple(group.name for group in groups), codes)


def _widest(gap: MeasuredGap) -> dict[str, Any]:
    """Describe the pair of groups whose gap grows most clearly, beside the largest gap of both models."""
    assert gap.widening is not None
    champion, challenger = gap.gaps
    return {
        "champion": float(champion),
        "challenger": float(challenger),
        "pair": [gap.grouping.labels[group] for group in gap.widening.pair],
        "growth": gap.widening.widening,
        "interval": gap.widening.interval,
        "p_value": gap.widening.p_value,
        "caught_from": gap.widening.caught_from,
        "is_wider": gap.widening.vetoes,
    }


def _serving_gate(compared: Compared, max_slowdown: float) -> Gate:
    champion, challenger = compared.champion_seconds, compared.challenger_seconds
    limit = max(max_slowdown * champion, champion + SERVING_FLOOR_SECONDS)
    passed = challenger <= limit
    sentence = (
        f"It serves 1,000 rows in {1000 * challenger:.3g} ms, the champion in {1000 * champion:.3g} ms; "
        f"at most {1000 * limit:.3g} ms are allowed."
    )
    numbers = {"champion_seconds": champion, "challenger_seconds": challenger, "limit_seconds": limit}
    return Gate("serving", passed, sentence, numbers)


def _word(found: Finding, gates: Sequence[Gate]) -> Word:
    if found == "undecided":
        return "not yet decidable"
    return "promote" if all(gate.passed for gate in gates) else "keep champion"


def _reason(word: Word, gates: Sequence[Gate]) -> str:
    """Join the comparison itself with every failed gate."""
    overall, *others = gates
    failed = [gate.sentence for gate in others if gate.passed is False]
    if word == "promote":
        return f"{overall.sentence} Every other gate passed."
    return " ".join([overall.sentence, *failed])
