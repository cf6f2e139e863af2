"""Privacy of synthetic rows: what attacks measured, what the card declares, and what both mean together."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

import pandas as pd

from realmix.tasks.core.documents import Known, Number, Part
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.privacy.controls import ControlPool, measure_controls, power_in_words
from realmix.tasks.core.privacy.disclosure import Attempts, disclose
from realmix.tasks.core.privacy.exposure import Combined, Declared, combine
from realmix.tasks.core.privacy.membership import (
    FALSE_ALARM_RATE,
    FALSE_POSITIVE_RATE,
    WHOLE_COPIES,
    Membership,
)
from realmix.tasks.core.privacy.trial import Trial
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Schema

# Fewer rows of a kind cannot show a leak.
MIN_ROWS, MIN_ROWS_OF_TRIAL = 40, 10
MAX_RISKIEST = 10
CONFIDENCE = 0.95


class AttackResult(Part):
    """One membership attack: members recognized at 1 % false positives, and its p-value, not corrected.

    `auc` is the chance that it ranks a member above another row; null for whole copies, which have no ranks.
    """

    name: str
    tpr: Number
    auc: Known
    p_value: Number


class Disclosure(Part):
    """How often an attack succeeds on members, and the same attack on rows that were not learned.

    Wilson intervals, 95 %. `exceeds_control` after the correction for the number of these attacks.
    """

    name: str
    n_attacks: int
    rate: Number
    interval: tuple[Number, Number]
    n_controls: int
    control_rate: Number
    control_interval: tuple[Number, Number]
    p_value: Number
    exceeds_control: bool


class Measured(Part):
    """What attacks found, and nothing that anybody assumed.

    `tpr` is the largest share of members that one attack recognizes while it takes 1 % of other rows for members;
    its Clopper-Pearson interval, 95 %, allows for the number of attacks, and `false_positive_interval` says how well
    the 1 % is known with so many rows. `members_flagged` of `n_attacked` members are recognized: of many rows a sample
    is attacked. `advantage` is `tpr` less 1 %.
    `riskiest` are labels of the index of the members that most attacks recognize, where a leak was found: never their
    cells.
    """

    n_pools: int
    n_synthetic: int
    n_members: int
    n_non_members: int
    n_attacked: int
    false_positive_rate: Number
    false_positive_interval: tuple[Number, Number]
    worst_attack: str
    tpr: Number
    tpr_interval: tuple[Number, Number]
    advantage: Number
    members_flagged: int
    copied_members: int
    copied_non_members: int
    p_corrected: Number
    attacks: tuple[AttackResult, ...]
    disclosures: tuple[Disclosure, ...]
    riskiest: tuple[int | str, ...]


class PrivacyAssessment(Part):
    """Privacy of the pools of one synthesizer, in three blocks that are never mixed.

    `is_leaking` if the membership attacks find more than chance explains, at a false-alarm rate of 1 %;
    `finds_copies` if at least 16 of 20 control pools with 5 % copied rows were caught at this number of rows, so
    that "no leak found" says something.
    """

    is_leaking: bool
    finds_copies: bool
    sentence: str
    measured: Measured
    declared: Declared | None
    combined: Combined | None
    controls: tuple[ControlPool, ...]

    def exceeds(self, max_tpr: float) -> bool:
        """Return whether a leak was found in which more members are recognized than a limit allows."""
        return self.is_leaking and self.measured.tpr > max_tpr


def assess_privacy(
    synthetic: pd.DataFrame,
    members: pd.DataFrame,
    non_members: pd.DataFrame,
    reference: pd.DataFrame,
    schema: Schema,
    *,
    seed: int,
    secrets: Sequence[str] = (),
    declared: Declared | None = None,
) -> PrivacyAssessment:
    """Attack synthetic rows as somebody would who has rows of the same kind.

    Parameters
    ----------
    synthetic : DataFrame of shape (n_synthetic, n_modelled)
        Canonical, as all four.
    members : DataFrame of shape (n_members, n_modelled)
        Rows that the synthesizer learned from.
    non_members, reference : DataFrame of shape (about n_members, n_modelled)
        Two samples of rows that it did not learn from, cut at random from the same table. Rows of one person
        belong on one side only.
    schema : Schema
    seed : int
    secrets : sequence of str
        Modelled columns whose cells an attacker would guess; the target where none is named.
    declared : Declared, optional
        What the table's card says of attackers and of harm.

    Returns
    -------
    PrivacyAssessment

    Raises
    ------
    BadInput
        If there are fewer than `MIN_ROWS` rows of a kind.

    Examples
    --------
    >>> import numpy as np
    >>> from realmix.tasks.core.table.infer_schema import infer_schema
    >>> numbers = np.random.default_rng(0).normal(size=(240, 3))
    >>> rows = pd.DataFrame(numbers, columns=["a", "b", "c"])
    >>> members, unseen, reference = (rows.iloc[part : part + 80] for part in (0, 80, 160))
    >>> schema = infer_schema(rows, "c")
    >>> assess_privacy(members, members, unseen, reference, schema, seed=0).measured.copied_members
    80
    """
    trial = Trial(synthetic, members, non_members, reference, schema, seed)
    controls = measure_controls(pd.concat([members, non_members, reference]), schema, seed=seed)
    return assess_trials(
        [trial], controls, seed=seed, secrets=secrets, declared=declared, n_persons=len(members)
    )


def assess_trials(
    trials: Sequence[Trial],
    controls: tuple[ControlPool, ...],
    *,
    seed: int,
    n_persons: int,
    secrets: Sequence[str] = (),
    declared: Declared | None = None,
) -> PrivacyAssessment:
    """Assess several pools of one synthesizer together; see :func:`assess_privacy`.

    Parameters
    ----------
    trials : sequence of Trial
        No real row may be a member in two of them, nor unseen in two.
    controls : tuple of ControlPool
        From :func:`~realmix.tasks.core.privacy.controls.measure_controls`, of the same real rows.
    seed : int
    n_persons : int
        Rows that the synthesizer learns from when it is used.
    secrets, declared
        As of :func:`assess_privacy`.
    """
    check_sizes(trials)
    membership = Membership.attack(trials, seed=derive_seed(seed, "membership"))
    asked = tuple(secrets) or (trials[0].schema.target,)
    by_trial = [disclose(trial, asked) for trial in trials]
    attempts = [functools.reduce(operator.add, of_kind) for of_kind in zip(*by_trial, strict=True)]
    measured = _measure(trials, membership, attempts)
    finds_copies, power = power_in_words(controls)
    return PrivacyAssessment(
        is_leaking=membership.is_leaking,
        finds_copies=finds_copies,
        sentence=_sentence(membership.is_leaking, measured, power),
        measured=measured,
        declared=declared,
        combined=_combine(declared, membership.is_leaking, measured, n_persons) if declared else None,
        controls=controls,
    )


def check_sizes(trials: Sequence[Trial]) -> None:
    """Raise if there are fewer than `MIN_ROWS` rows of a kind, or `MIN_ROWS_OF_TRIAL` in a trial.

    Raises
    ------
    BadInput
    """
    for kind in ("synthetic", "members", "non_members", "reference"):
        sizes = [len(getattr(trial, kind)) for trial in trials]
        if sum(sizes) < MIN_ROWS or min(sizes) < MIN_ROWS_OF_TRIAL:
            raise BadInput(
                f"Privacy cannot be assessed with {sum(sizes)} rows of the kind {kind}; expected at least {MIN_ROWS} of "
                "each: synthetic, members, non-members and reference. Hold back more rows."
            )


def _measure(trials: Sequence[Trial], membership: Membership, attempts: Sequence[Attempts]) -> Measured:
    worst = membership.worst
    accused, wrong = membership.accused[worst], membership.falsely_accused(worst)
    tpr, names = float(accused.mean()), [WHOLE_COPIES, *membership.attacks]
    return Measured(
        n_pools=len(trials),
        n_synthetic=sum(len(trial.synthetic) for trial in trials),
        n_members=len(membership.copied),
        n_non_members=len(membership.unseen_copied),
        n_attacked=len(accused),
        false_positive_rate=FALSE_POSITIVE_RATE,
        false_positive_interval=share_interval(int(wrong.sum()), len(wrong), CONFIDENCE),
        worst_attack=worst,
        tpr=tpr,
        tpr_interval=share_interval(int(accused.sum()), len(accused), 1 - (1 - CONFIDENCE) / len(names)),
        advantage=tpr - FALSE_POSITIVE_RATE,
        members_flagged=int(accused.sum()),
        copied_members=int(membership.copied.sum()),
        copied_non_members=int(membership.unseen_copied.sum()),
        p_corrected=membership.p_corrected,
        attacks=tuple(_attack_result(membership, name) for name in names),
        disclosures=tuple(_disclosure(each, len(attempts)) for each in attempts),
        riskiest=membership.most_exposed(MAX_RISKIEST) if membership.is_leaking else (),
    )


def _combine(declared: Declared, is_leaking: bool, measured: Measured, n_persons: int) -> Combined:
    """Combine; where no leak was found, the best of many attacks is taken for the chance that it is."""
    low, high = measured.tpr_interval
    if is_leaking:
        return combine(declared, measured.tpr, (low, high), n_persons)
    return combine(declared, FALSE_POSITIVE_RATE, (0.0, high), n_persons)


def _attack_result(membership: Membership, name: str) -> AttackResult:
    copies = name == WHOLE_COPIES
    return AttackResult(
        name=name,
        tpr=float(membership.accused[name].mean()),
        auc=None if copies else membership.auc(name),
        p_value=membership.p_copies if copies else membership.p_of_attacks[name],
    )


def _disclosure(attempts: Attempts, n_kinds: int) -> Disclosure:
    n_attacks, n_controls = max(attempts.n_attacks, 1), max(attempts.n_controls, 1)
    return Disclosure(
        name=attempts.name,
        n_attacks=attempts.n_attacks,
        rate=attempts.n_hits / n_attacks,
        interval=share_interval(attempts.n_hits, n_attacks, CONFIDENCE, "wilson"),
        n_controls=attempts.n_controls,
        control_rate=attempts.n_control_hits / n_controls,
        control_interval=share_interval(attempts.n_control_hits, n_controls, CONFIDENCE, "wilson"),
        p_value=attempts.p_value,
        exceeds_control=attempts.p_value < FALSE_ALARM_RATE / n_kinds,
    )


def share_interval(n_hits: int, n: int, confidence: float, method: str = "exact") -> tuple[float, float]:
    """Return the interval of a share: exact (Clopper-Pearson) or Wilson's.

    Examples
    --------
    >>> low, high = share_interval(0, 300, 0.95)
    >>> low, round(high, 3)
    (0.0, 0.012)
    """
    from scipy.stats import binomtest

    interval = binomtest(n_hits, n).proportion_ci(confidence, method=method)
    return float(interval.low), float(interval.high)


def _sentence(is_leaking: bool, measured: Measured, power: str) -> str:
    low, high = (f"{100 * bound:.2g} %" for bound in measured.tpr_interval)
    if not is_leaking:
        return (
            f"No leak found in {measured.n_members:,} learned rows: no attack recognizes more of them than chance "
            f"explains, and the one that recognizes most at most {high}. {power}"
        )
    return (
        f"Leak found: the attack '{measured.worst_attack}' recognizes {100 * measured.tpr:.2g} % (95 % interval {low} to "
        f"{high}) of the rows that the synthesizer learned, while it takes 1 % of other rows for learned ones. The rows "
        "of this pool must not be shared."
    )
