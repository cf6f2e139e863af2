"""The verdict: gates, one of three outcomes (proven, chosen, keep real only) and the reason in words.

One rule differs from the first draft of the method. It chose a mix whose shrunken *naive* gain
was above zero with a small chance of a loss beyond the margin. Where all arms are equal and
their differences are small against the margin, such a loss is impossible and any positive
noise ships: up to 81 % of simulated null studies (63 % after the duplicates gate), whatever the
prior's deviation, because shrinking towards zero never changes a sign. Here the *promised*
gain, corrected for the choice, is shrunk, and must reach the margin: at most 3.5 % of null
studies at any noise tried. ``tests/nulls/test_simulated.py`` simulates it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from realmix.tasks.core.contracts.specs import DUPLICATES, ENSEMBLE, NULL_MODEL
from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.holdout_gain import describe_holdout, score_holdout
from realmix.tasks.core.decision.ranking import ControlTest
from realmix.tasks.core.mixes.arms import Arm, mix_in_words
from realmix.tasks.core.plan.priors import Priors, committed_priors
from realmix.tasks.core.scores.significance import SIGNIFICANCE_LEVEL, rows_to_prove
from realmix.tasks.core.words import gain_in_words, interval_in_words, mixes_in_words

__all__ = ["Gate", "Verdict", "decide", "describe_holdout", "score_holdout"]

Outcome = Literal["proven", "chosen, not proven", "keep real only", "not decided"]
NOT_DECIDED: Outcome = "not decided"

CALIBRATION_TOLERANCE = 0.01
LOSS_CHANCE = 0.02


@dataclass(frozen=True)
class Gate:
    """One condition, and whether it was met.

    `measured` and `required` are numbers where there are any; `needed_for` lists the outcomes that
    need this gate.
    """

    name: str
    passed: bool
    measured: float | None
    required: float | None
    sentence: str
    needed_for: tuple[Outcome, ...] = ("proven",)


@dataclass(frozen=True)
class Verdict:
    """The decision.

    Attributes
    ----------
    outcome : {"proven", "chosen, not proven", "keep real only", "not decided"}
        Not decided where no generator's rows could be compared with real only.
    sentence : str
        The decision in short.
    reason : str
        Why this outcome and no better one.
    gates : tuple of Gate
    ships : Arm
        What is shipped: the best mix, or the best real-only arm.
    shrunken_gain, loss_chance : float or None
        Posterior mean of the gain, and the chance of a loss larger than the margin.
    smallest_provable_gain : float
    rows_to_prove : int or None
        Real rows at which the promised gain could be proven; None for one below the margin, which never is.
    """

    outcome: Outcome
    sentence: str
    reason: str
    gates: tuple[Gate, ...]
    ships: Arm
    shrunken_gain: float | None
    loss_chance: float | None
    smallest_provable_gain: float
    rows_to_prove: int | None

    @property
    def is_mix_shipped(self) -> bool:
        """True where a mix ships, False for the incumbent."""
        return self.outcome in ("proven", "chosen, not proven")


def decide(
    comparison: Comparison, *, margin: float, vetoes: Sequence[str] = (), priors: Priors | None = None
) -> Verdict:
    """Return which outcome the comparison supports.

    Parameters
    ----------
    comparison : Comparison
    margin : float
        Smallest gain that matters, in the units of the comparison's gains.
    vetoes : sequence of str
        Sentences of privacy, fairness, slice or rule checks that forbid shipping a mix.
    priors : Priors, optional
        The committed ones when None; a panel scores a table with priors that never saw it.

    Returns
    -------
    Verdict
        Always "keep real only" with a veto, without candidates, or where real only won; "not decided" where
        every mix of a generator failed or was refused.
    """
    if comparison.failed_candidates and not comparison.has_candidates:
        return _not_decided(comparison)
    if comparison.best_mix is None:
        why = (
            "Every mix was dropped in the race."
            if comparison.has_candidates
            else "No mix was to be compared."
        )
        return _keep_real_only(comparison, (), why, None, None)
    shrunken, loss_chance = shrink(comparison, margin, priors)
    gates = (
        _candidate_gate(comparison),
        *(Gate("veto", False, None, None, veto, ("proven", "chosen, not proven")) for veto in vetoes),
        _control_gate(DUPLICATES, comparison.beats_duplicates, ("proven", "chosen, not proven")),
        *_proof_gates(comparison, margin),
        *_shrunken_gates(comparison, margin, shrunken, loss_chance),
    )
    if comparison.winner.mix.role == "candidate":
        for outcome in ("proven", "chosen, not proven"):
            if all(gate.passed for gate in gates if outcome in gate.needed_for):
                return _ship(comparison, outcome, gates, margin, shrunken, loss_chance)
    return _keep_real_only(comparison, gates, _why_not(gates, "chosen, not proven"), shrunken, loss_chance)


def shrink(comparison: Comparison, margin: float, priors: Priors | None = None) -> tuple[float, float]:
    """Shrink the best mix's gain by the prior of its family at this number of rows.

    Returns
    -------
    mean : float
        Empirical-Bayes mean of the promised gain.
    loss_chance : float
        Chance that the true gain is below ``-margin``.
    """
    from scipy import stats

    assert comparison.best_mix is not None
    prior = (priors or committed_priors()).prior_of(comparison.best_mix.mix.label_rule, comparison.n_rows)
    expected = prior.scaled(comparison.margin_is_relative).posterior(
        comparison.promised_gain, comparison.standard_error
    )
    if expected.sd == 0:
        return expected.mean, float(expected.mean < -margin)
    return expected.mean, float(stats.norm.cdf((-margin - expected.mean) / expected.sd))


def _candidate_gate(comparison: Comparison) -> Gate:
    """Require that the best mix has the best score of all; real only wins a tie."""
    relative, gain = comparison.margin_is_relative, comparison.challenger_gain
    won = comparison.winner.mix.role == "candidate"
    words = f"scored {gain_in_words(abs(gain), relative)} {'better' if gain > 0 else 'worse'} than real only"
    return Gate("best score", won, gain, 0.0, f"The best mix {words}.", ("proven", "chosen, not proven"))


def _proof_gates(c: Comparison, margin: float) -> list[Gate]:
    """List the gates of the outcome "proven", apart from duplicates."""
    relative, low = c.margin_is_relative, c.promised_interval[0]
    promised = gain_in_words(c.promised_gain, relative)
    gates = [
        Gate(
            "promised gain", c.promised_gain >= margin, c.promised_gain, margin,
            f"The promised gain is {promised}; {gain_in_words(margin, relative)} is worth having.",
        ),
        Gate(
            "interval", low > 0, low, 0.0,
            f"Its 90 % interval is {interval_in_words(c.promised_interval, relative)}; "
            "it must lie above 0.",
        ),
        Gate(
            "significance", c.p_value <= SIGNIFICANCE_LEVEL, c.p_value, SIGNIFICANCE_LEVEL,
            f"The best of so many mixes looks as good by chance alone with probability {c.p_value:.2g}; "
            f"at most {SIGNIFICANCE_LEVEL:g} is allowed.",
        ),
    ]  # fmt: skip
    assert c.best_mix is not None
    if c.best_mix.mix.label_rule == "teacher":
        gates.append(_control_gate("distillation", c.beats_distillation))
    if c.best_mix.mix.balance == "balanced":
        gates.append(_control_gate("class weights", c.beats_class_weights))
    if c.calibration_change is not None:
        gates.append(_calibration_gate(c.calibration_change))
    return gates


def _calibration_gate(change: float) -> Gate:
    return Gate(
        "calibration", change <= CALIBRATION_TOLERANCE, change, CALIBRATION_TOLERANCE,
        f"The Brier score of its probabilities got {abs(change):.2%} {'worse' if change > 0 else 'better'}; "
        f"at most {CALIBRATION_TOLERANCE:.0%} worse is allowed.",
    )  # fmt: skip


def _control_gate(name: str, test: ControlTest | None, needed_for: tuple[Outcome, ...] = ("proven",)) -> Gate:
    """Require that a control is beaten: a mix that does not has added rows, not information."""
    if test is None:
        return Gate(f"beats {name}", False, None, 0.0, f"The control {name} was not run.", needed_for)
    outcome = "is clearly better than" if test.beats else "is not clearly better than"
    sentence = f"The best mix {outcome} the control {name}."
    return Gate(f"beats {name}", test.beats, test.interval[0], 0.0, sentence, needed_for)


def _shrunken_gates(c: Comparison, margin: float, shrunken: float, loss_chance: float) -> list[Gate]:
    """List the gates of the outcome "chosen, not proven", apart from duplicates."""
    relative: bool = c.margin_is_relative
    return [
        Gate(
            "expected gain", shrunken >= margin, shrunken, margin,
            f"Allowing for luck, the gain to expect is {gain_in_words(shrunken, relative)}; "
            f"{gain_in_words(margin, relative)} is worth having.", ("chosen, not proven",),
        ),
        Gate(
            "chance of a loss", loss_chance <= LOSS_CHANCE, loss_chance, LOSS_CHANCE,
            f"The chance of a loss larger than {gain_in_words(margin, relative)} is {loss_chance:.1%}; "
            f"at most {LOSS_CHANCE:.0%} is allowed.", ("chosen, not proven",),
        ),
    ]  # fmt: skip


def _why_not(gates: Iterable[Gate], outcome: Outcome) -> str:
    """Join the sentences of the failed gates that an outcome needs."""
    return " ".join(gate.sentence for gate in gates if outcome in gate.needed_for and not gate.passed)


def _ship(
    c: Comparison,
    outcome: Outcome,
    gates: tuple[Gate, ...],
    margin: float,
    shrunken: float,
    loss_chance: float,
) -> Verdict:
    relative = c.margin_is_relative
    recipe = f"train {c.winner.model} on your real rows plus {mix_in_words(c.winner.mix)}"
    if outcome == "proven":
        sentence = (
            f"Proven: {recipe}. It is better than real rows alone by about "
            f"{gain_in_words(c.promised_gain, relative)} of {c.metric} "
            f"(90 % interval {interval_in_words(c.promised_interval, relative)})."
        )
        reason = f"Every gate was passed.{_realism(c)}"
    else:
        sentence = (
            f"Chosen, not proven: {recipe}. Expect about {gain_in_words(shrunken, relative)} of {c.metric}; "
            f"the chance of a loss larger than {gain_in_words(margin, relative)} is {loss_chance:.1%}."
            f"{_constant_warning(c)}"
        )
        reason = f"Not proven: {_why_not(gates, 'proven')}{_realism(c)}"
    return Verdict(
        outcome, sentence, reason, gates, c.winner, shrunken, loss_chance,
        c.smallest_provable_gain, _rows_to_prove(c),
    )  # fmt: skip


def _realism(c: Comparison) -> str:
    """Return a sentence on whether the realism of the best mix's rows matters; none where it was not compared."""
    if c.best_mix is None or c.beats_shuffled is None:
        return ""
    if c.beats_shuffled.beats:
        return (
            f" The realism of {c.best_mix.mix.synthesizer} matters: its rows are clearly better than rows whose "
            "columns were shuffled."
        )
    return (
        f" The realism of {c.best_mix.mix.synthesizer} was not shown to matter: its rows are not clearly better than "
        "rows whose columns were shuffled."
    )


def _keep_real_only(
    c: Comparison, gates: tuple[Gate, ...], why: str, shrunken: float | None, loss_chance: float | None
) -> Verdict:
    reason = why
    if math.isfinite(c.smallest_provable_gain):
        provable = gain_in_words(c.smallest_provable_gain, c.margin_is_relative)
        reason += f" The smallest provable gain, measured on these {c.n_rows:,} rows, is {provable}."
    learner = "an ensemble of unlike models" if c.incumbent.model == ENSEMBLE else c.incumbent.model
    sentence = (
        f"Keep real only: train {learner} on {mix_in_words(c.incumbent.mix)}. "
        f"No synthetic rows were shown to make it better.{_constant_warning(c)}"
    )
    return Verdict(
        "keep real only", sentence, reason, gates, c.incumbent, shrunken, loss_chance,
        c.smallest_provable_gain, _rows_to_prove(c),
    )  # fmt: skip


def _constant_warning(c: Comparison) -> str:
    """Say where features tell nothing of the target, or not clearly anything."""
    if c.incumbent.model == NULL_MODEL:
        return " Warning: no model was better than a constant, so a constant ships: these features do not tell the target."
    if c.beats_constant is None or c.beats_constant.beats:
        return ""
    gain, interval = c.beats_constant.gain, c.beats_constant.interval
    return (
        f" Warning: {c.incumbent.model} on real rows is not clearly better than a constant (by "
        f"{gain_in_words(gain, c.margin_is_relative)}, 90 % interval {interval_in_words(interval, c.margin_is_relative)})."
    )


def _not_decided(c: Comparison) -> Verdict:
    """Return the outcome of a study in which no generator's rows could be compared."""
    failed = c.failed_candidates
    name, why = next(iter(failed.items()))
    reason = f"Every mix failed or was refused ({mixes_in_words(len(failed))}); the first, {name}: {why.rstrip('.')}."
    sentence = (
        f"Not decided. {reason} Nothing was compared with real only, whose model is kept but promoted nowhere: "
        "mend this and run the study again."
    )
    return Verdict(NOT_DECIDED, sentence, reason, (), c.incumbent, None, None, c.smallest_provable_gain, None)


def _rows_to_prove(c: Comparison) -> int | None:
    if not math.isfinite(c.smallest_provable_gain) or c.promised_gain < c.margin:
        return None
    return rows_to_prove(c.promised_gain, provable=c.smallest_provable_gain, n_rows=c.n_rows)
