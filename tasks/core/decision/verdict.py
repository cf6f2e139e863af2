"""The verdict: gates, one of three outcomes (proven, expected to help, keep real only) and the reason in words.

Proof asks the folds of this table alone. What one small table can rarely prove, many tables may show: *expected to
help* asks for the gain to expect when the folds are read beside other tables, of a mix whose recipe was fixed
before, and for a small chance of harm. Where the features are not clearly better than a constant other tables say
nothing of this one, and it ships nothing. ``tests/nulls/test_simulated.py`` simulates what ships by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from realmix.tasks.core.contracts.specs import NULL_MODEL
from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.gates import (
    NORMAL_QUANTILE,
    Gate,
    candidate_gate,
    expectation_gates,
    proof_gates,
    why_not,
)
from realmix.tasks.core.decision.outcomes import EXPECTED, NOT_DECIDED, PROVEN, SHIPPING, Outcome
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.mixes.in_words import (
    a_learner,
    mix_in_words,
    synthesizer_in_words,
)
from realmix.tasks.core.plan.priors import UNSEEN, Prior, Priors, committed_priors
from realmix.tasks.core.scores.significance import rows_to_prove
from realmix.tasks.core.words import (
    gain_and_interval,
    gain_in_words,
    mixes_in_words,
    share_in_words,
)

# Of the variance of a gain measured in folds, the part that one trained model keeps; calibrated on the panel (README,
# "what is promised").
TRAINING_SHARE = 0.5


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
        candidate_gate(comparison),
        *(Gate("veto", False, None, None, veto, SHIPPING) for veto in vetoes),
        *proof_gates(comparison, margin),
        *expectation_gates(comparison, margin, posterior.mean, loss_chance),
    )
    for outcome in SHIPPING:
        if all(gate.passed for gate in gates if outcome in gate.needed_for):
            return _ship(comparison, outcome, gates, margin, posterior, loss_chance)
    return _keep_real_only(comparison, gates, why_not(gates, EXPECTED), posterior.mean, loss_chance)


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
        reason = f"Not proven: {why_not(gates, PROVEN)}{_realism(c)}"
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
