"""Gates: the conditions of each outcome, whether they were met, and a sentence on each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from realmix.tasks.core.contracts.specs import DUPLICATES
from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.outcomes import EXPECTED, PROVEN, Outcome
from realmix.tasks.core.decision.ranking import ControlTest
from realmix.tasks.core.mixes.in_words import a_learner, arm_in_words
from realmix.tasks.core.scores.significance import SIGNIFICANCE_LEVEL
from realmix.tasks.core.words import gain_in_words, interval_in_words, share_in_words, width_of

CALIBRATION_TOLERANCE = 0.01
LOSS_CHANCE = 0.1
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


def candidate_gate(comparison: Comparison) -> Gate:
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


def proof_gates(c: Comparison, margin: float) -> list[Gate]:
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


def expectation_gates(c: Comparison, margin: float, expected: float, loss_chance: float) -> list[Gate]:
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


def why_not(gates: Iterable[Gate], outcome: Outcome) -> str:
    """Join the sentences of the failed gates that an outcome needs."""
    return " ".join(gate.sentence for gate in gates if outcome in gate.needed_for and not gate.passed)
