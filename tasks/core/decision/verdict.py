"""The verdict: gates, one of three outcomes (proven, expected to help, keep real only) and the reason in words.

Proof asks the folds of this table alone. What one small table can rarely prove, many tables may show: *expected to
help* asks for the gain to expect when the folds are read beside other tables, of a mix whose recipe was fixed
before, and for a small chance of harm. Where the features are not clearly better than a constant other tables say
nothing of this one, and it ships nothing. ``tests/nulls/test_simulated.py`` simulates what ships by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from realmix.tasks.core.contracts.specs import DUPLICATES, NULL_MODEL
from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.holdout_gain import describe_holdout, score_holdout
from realmix.tasks.core.decision.ranking import ControlTest
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.mixes.in_words import (
    a_learner,
    arm_in_words,
    mix_in_words,
    synthesizer_in_words,
)
from realmix.tasks.core.plan.priors import UNSEEN, Prior, Priors, committed_priors
from realmix.tasks.core.scores.significance import SIGNIFICANCE_LEVEL, rows_to_prove
from realmix.tasks.core.words import (
    gain_and_interval,
    gain_in_words,
    interval_in_words,
    mixes_in_words,
    share_in_words,
    width_of,
)

__all__ = ["Gate", "Verdict", "decide", "describe_holdout", "score_holdout"]

# The third was given by earlier versions, whose documents are read.
Outcome = Literal["proven", "expected to help", "chosen, not proven", "keep real only", "not decided"]
PROVEN: Outcome = "proven"
EXPECTED: Outcome = "expected to help"
NOT_DECIDED: Outcome = "not decided"
SHIPPING: tuple[Outcome, ...] = (PROVEN, EXPECTED)

CALIBRATION_TOLERANCE = 0.01
LOSS_CHANCE = 0.1
# Of the variance of a gain measured in folds, the part that one trained model keeps; calibrated on the panel (README,
# "what is promised").
TRAINING_SHARE = 0.5
# Half the width of a 90 % interval, in standard deviations.
NORMAL_QUANTILE = 1.645


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
    needed_for: tuple[Outcome, ...] = (PROVEN,)


@dataclass(frozen=True)
class Verdict:
    """The decision.

    Attributes
    ----------
    outcome : {"proven", "expected to help", "keep real only", "not decided"}
        Not decided where no generator's rows could be compared with real only.
    sentence : str
        The decision in short.
    reason : str
        Why this outcome and no better one.
    gates : tuple of Gate
    ships : Arm
        What is shipped: the best mix, or the best real-only arm.
    promised_gain, promised_interval
        Of what ships over real only, with a 90 % interval: of a default recipe from the folds and other tables, of
        another mix from the folds alone, less its optimism; 0 where real only stays.
    shrunken_gain, loss_chance : float or None
        Posterior mean of the gain of the best mix, and the chance of a loss larger than the margin.
    smallest_provable_gain : float
    rows_to_prove : int or None
        Real rows at which the promised gain could be proven; None for one below the margin, which never is.
    """

    outcome: Outcome
    sentence: str
    reason: str
    gates: tuple[Gate, ...]
    ships: Arm
    promised_gain: float
    promised_interval: tuple[float, float]
    shrunken_gain: float | None
    loss_chance: float | None
    smallest_provable_gain: float
    rows_to_prove: int | None

    @property
    def is_mix_shipped(self) -> bool:
        """True where a mix ships, False for the incumbent."""
        return self.outcome in SHIPPING


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
    posterior = shrink(comparison, priors)
    loss_chance = posterior.chance_below(-margin)
    gates = (
        _candidate_gate(comparison),
        *(Gate("veto", False, None, None, veto, SHIPPING) for veto in vetoes),
        *_proof_gates(comparison, margin),
        *_expectation_gates(comparison, margin, posterior.mean, loss_chance),
    )
    for outcome in SHIPPING:
        if all(gate.passed for gate in gates if outcome in gate.needed_for):
            return _ship(comparison, outcome, gates, margin, posterior, loss_chance)
    return _keep_real_only(comparison, gates, _why_not(gates, EXPECTED), posterior.mean, loss_chance)


def shrink(comparison: Comparison, priors: Priors | None = None) -> Prior:
    """Return the gain to expect of the model that would ship, from these folds and from other tables.

    Other tables show what a learner gains by its default recipe; of any other mix nothing is expected. A default recipe
    was fixed before, so its measured gain counts as it is, and that of another mix less its optimism. One model is
    trained in the end: the part of the error that is due to one set of training rows stays in the deviation.
    """
    prior, measured = UNSEEN, comparison.challenger_gain
    if comparison.is_recipe:
        known = priors or committed_priors()
        prior = known.gain_of(comparison.incumbent.model, comparison.n_rows, comparison.explained)
    elif comparison.winner == comparison.best_mix:
        measured = comparison.promised_gain
    error = comparison.standard_error
    posterior = prior.scaled(comparison.margin_is_relative).posterior(measured, error)
    return Prior(posterior.mean, math.hypot(posterior.sd, math.sqrt(TRAINING_SHARE) * error))


def _candidate_gate(comparison: Comparison) -> Gate:
    """Require that the best mix has the best score of all; real only wins a tie."""
    relative, gain = comparison.margin_is_relative, comparison.challenger_gain
    won = comparison.winner.mix.role == "candidate"
    size = gain_in_words(abs(gain), relative, 2 * NORMAL_QUANTILE * comparison.standard_error)
    words = f"scored {size} {'better' if gain > 0 else 'worse'} than real only"
    if gain > 0 and not won:
        words += f", but {_why_not_best(comparison)}"
    return Gate("best score", won, gain, 0.0, f"The best mix {words}.")


def _why_not_best(c: Comparison) -> str:
    """Say why the best mix does not win although it scored better than real only."""
    assert c.best_mix is not None
    if c.winner != c.incumbent:
        return f"better still was: {arm_in_words(c.winner.mix, c.winner.model)}"
    if c.best_mix.model != c.incumbent.model:
        return f"not by two standard errors, which {a_learner(c.best_mix.model)} needs to ship in place of {a_learner(c.incumbent.model)}"
    return "other real rows alone scored better still"


def _proof_gates(c: Comparison, margin: float) -> list[Gate]:
    """List the gates of the outcome "proven", apart from the best score."""
    relative, low = c.margin_is_relative, c.promised_interval[0]
    size = "It does not win in these folds, so they alone promise no gain"
    bounds = "Of a gain that is not promised there is no interval"
    if c.winner == c.best_mix:
        gain = gain_in_words(c.promised_gain, relative, width_of(c.promised_interval))
        size = f"In these folds alone, less its optimism, it gains {gain}"
        bounds = f"The 90 % interval of that gain is {interval_in_words(c.promised_interval, relative)}"
    gates = [
        Gate(
            "gain less optimism", c.promised_gain >= margin, c.promised_gain, margin,
            f"{size}; {gain_in_words(margin, relative)} is worth having.",
        ),
        Gate("interval", low > 0, low, 0.0, f"{bounds}; it must lie above 0."),
        Gate(
            "significance", c.p_value <= SIGNIFICANCE_LEVEL, c.p_value, SIGNIFICANCE_LEVEL,
            f"The best of so many mixes looks as good by chance alone with probability {c.p_value:.2g}; "
            f"at most {SIGNIFICANCE_LEVEL:g} is allowed.",
        ),
    ]  # fmt: skip
    assert c.best_mix is not None
    if c.best_mix.mix.label_rule == "joint":
        gates.append(_control_gate(DUPLICATES, c.beats_duplicates))
    elif c.incumbent.mix.name != "distillation":  # which the test above is about
        gates.append(_control_gate("distillation", c.beats_distillation))
    if c.best_mix.mix.balance == "balanced":
        gates.append(_control_gate("class weights", c.beats_class_weights))
    if c.calibration_change is not None:
        gates.append(_calibration_gate(c.calibration_change))
    return gates


def _calibration_gate(change: float) -> Gate:
    return Gate(
        "calibration", change <= CALIBRATION_TOLERANCE, change, CALIBRATION_TOLERANCE,
        f"The Brier score of its probabilities got {share_in_words(abs(change))} {'worse' if change > 0 else 'better'}; "
        f"at most {share_in_words(CALIBRATION_TOLERANCE)} worse is allowed.",
    )  # fmt: skip


def _control_gate(name: str, test: ControlTest | None) -> Gate:
    """Require that a control is beaten: a mix that does not has added rows or labels, not information.

    The teacher's labels are information, on repeated real rows too: there duplicates decide only what is said.
    """
    if test is None:
        return Gate(f"beats {name}", False, None, 0.0, f"The control {name} was not run.")
    outcome = "is clearly better than" if test.beats else "is not clearly better than"
    sentence = f"The best mix {outcome} the control {name}."
    return Gate(f"beats {name}", test.beats, test.interval[0], 0.0, sentence)


def _expectation_gates(c: Comparison, margin: float, expected: float, loss_chance: float) -> list[Gate]:
    """List the gates of the outcome "expected to help"."""
    relative: bool = c.margin_is_relative
    constant = c.beats_constant
    knows = constant is not None and constant.beats
    return [
        Gate(
            "expected gain", expected >= margin, expected, margin,
            f"{'With what other tables showed' if c.is_recipe else 'As most mixes bring little'}, the gain to expect is "
            f"{gain_in_words(expected, relative)}; "
            f"{gain_in_words(margin, relative)} is worth having.", (EXPECTED,),
        ),
        Gate(
            "chance of a loss", loss_chance <= LOSS_CHANCE, loss_chance, LOSS_CHANCE,
            f"The chance of a loss larger than {gain_in_words(margin, relative)} is {share_in_words(loss_chance)}; "
            f"at most {share_in_words(LOSS_CHANCE)} is allowed.", (EXPECTED,),
        ),
        Gate(
            "beats a constant", knows, None if constant is None else constant.interval[0], 0.0,
            f"On real rows the model is {'' if knows else 'not '}clearly better than a constant; otherwise other "
            "tables say nothing of this one.", (EXPECTED,),
        ),
        Gate(
            "default recipe", c.is_recipe, None, None,
            "The best mix is the default recipe of its model, which other tables were studied with."
            if c.is_recipe
            else "Other tables were studied with other mixes, so they say nothing of this one.",
            (EXPECTED,),
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
    posterior: Prior,
    loss_chance: float,
) -> Verdict:
    assert c.best_mix is not None
    relative = c.margin_is_relative
    recipe = f"train {a_learner(c.best_mix.model)} on your real rows plus {mix_in_words(c.best_mix.mix)}"
    if c.is_recipe:
        reach = NORMAL_QUANTILE * posterior.sd
        gain, interval = posterior.mean, (posterior.mean - reach, posterior.mean + reach)
    else:  # no other table says what it may bring
        gain, interval = c.promised_gain, c.promised_interval
    promise = f"a gain in {c.metric} of about {gain_and_interval(gain, interval, relative)}"
    if outcome == PROVEN:
        sentence = f"Proven: {recipe}. It is better than real rows alone; expect {promise}."
        of_one = (
            " Proven is a gain on average over training sets like yours; the interval is that of the one model trained in the "
            "end, which may lose."
        )
        reason = f"Every gate of proof was passed.{of_one if interval[0] < 0 else ''}{_realism(c)}"
    else:
        sentence = (
            f"Expected to help, not proven: {recipe}. Judging by these rows and by other tables, expect {promise}; "
            f"the chance of a loss larger than {gain_in_words(margin, relative)} is {share_in_words(loss_chance)}."
        )
        reason = f"Not proven: {_why_not(gates, PROVEN)}{_realism(c)}"
    return Verdict(
        outcome, sentence, reason, gates, c.best_mix, gain, interval, posterior.mean, loss_chance,
        c.smallest_provable_gain, _rows_to_prove(c),
    )  # fmt: skip


def _realism(c: Comparison) -> str:
    """Return what the best mix owes to new and to realistic rows; nothing where it was not compared."""
    assert c.best_mix is not None
    name, sentences = synthesizer_in_words(c.best_mix.mix.synthesizer or ""), []
    if c.best_mix.mix.label_rule == "teacher" and c.beats_duplicates is not None:
        clearly = "are clearly" if c.beats_duplicates.beats else "are not clearly"
        sentences.append(
            f"The rows of {name} {clearly} better than your real rows repeated with the same labels."
        )
    if c.beats_shuffled is not None and c.beats_shuffled.beats:
        sentences.append(
            "Their realism matters: they are clearly better than rows whose columns were shuffled."
        )
    elif c.beats_shuffled is not None:
        sentences.append(
            "Their realism was not shown to matter: they are not clearly better than rows whose columns were shuffled."
        )
    return "".join(f" {sentence}" for sentence in sentences)


def _keep_real_only(
    c: Comparison, gates: tuple[Gate, ...], why: str, shrunken: float | None, loss_chance: float | None
) -> Verdict:
    reason = why
    if math.isfinite(c.smallest_provable_gain):
        provable = gain_in_words(c.smallest_provable_gain, c.margin_is_relative)
        reason += (
            f" So few rows ({c.n_rows:,}) can prove no gain at all."
            if c.margin_is_relative and c.smallest_provable_gain >= 1
            else f" The smallest provable gain, measured on these {c.n_rows:,} rows, is {provable}."
        )
    sentence = (
        f"Keep real only: train {a_learner(c.incumbent.model)} on {mix_in_words(c.incumbent.mix)}. "
        f"No synthetic rows were shown to make it better.{_constant_warning(c)}"
    )
    return Verdict(
        "keep real only", sentence, reason, gates, c.incumbent, 0.0, (0.0, 0.0), shrunken, loss_chance,
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
        f" Warning: {a_learner(c.incumbent.model)} on real rows is not clearly better than a constant: by "
        f"{gain_and_interval(gain, interval, c.margin_is_relative)}."
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
    return Verdict(
        NOT_DECIDED,
        sentence,
        reason,
        (),
        c.incumbent,
        0.0,
        (0.0, 0.0),
        None,
        None,
        c.smallest_provable_gain,
        None,
    )


def _rows_to_prove(c: Comparison) -> int | None:
    if not math.isfinite(c.smallest_provable_gain) or c.promised_gain < c.margin:
        return None
    return rows_to_prove(c.promised_gain, provable=c.smallest_provable_gain, n_rows=c.n_rows)
