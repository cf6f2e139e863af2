"""Privacy: pools whose leak is known beside those of the synthesizers."""

from __future__ import annotations

from realmix.tasks.core.privacy.assessment import PrivacyAssessment, assess_trials
from realmix.tasks.core.privacy.controls import STATED_SHARE, ControlPool, measure_controls
from realmix.tasks.core.privacy.study_privacy import judge_pool
from realmix.tasks.core.privacy.trial import Trial
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.trust.section import Section, percent
from tests.trust.subjects import SEED, Subject

ATTACKED = ("gaussian-copula", "dp", "sequential-trees", "smote", "neighbour-swap", "duplicates")


def privacy(subject: Subject) -> Section:
    """Attack controls and pools."""
    controls = measure_controls(subject.rows, subject.schema, seed=SEED)
    found = {name: assess(subject, name, controls) for name in ATTACKED}
    header = (
        "pool",
        "taken for a leak",
        "recognized at 1 % false positives (95 %)",
        "worst attack",
        "whole copies",
        "to be shared",
    )
    rows = [
        (
            f"control: {in_words(each)}",
            f"{each.n_caught} of {each.n_repeats}",
            f"{each.n_members} members",
            "",
            "",
            "",
        )
        for each in controls
    ] + [pool_row(name, assessment) for name, assessment in found.items()]
    return Section("Privacy of synthetic rows", header, rows, must_be(controls, found))


def assess(subject: Subject, synthesizer: str, controls: tuple[ControlPool, ...]) -> PrivacyAssessment:
    """Attack the rows of a synthesizer."""
    real = subject.real
    trial = Trial(subject.pool(synthesizer), real.learned, real.unseen, real.reference, subject.schema, SEED)
    return assess_trials([trial], controls, seed=SEED, n_persons=len(real.learned))


def pool_row(name: str, found: PrivacyAssessment) -> tuple[str, ...]:
    """Describe one pool."""
    measured = found.measured
    low, high = (percent(bound) for bound in measured.tpr_interval)
    judged = judge_pool(name, found, releasable=SYNTHESIZERS[name].releasable, max_tpr=None)
    return (
        name,
        "yes" if found.is_leaking else "no",
        f"{percent(measured.tpr)} ({low} to {high})",
        measured.worst_attack,
        f"{measured.copied_members} of {measured.n_members}",
        "yes" if judged.may_be_shared else "no",
    )


def in_words(control: ControlPool) -> str:
    """Name a control."""
    return f"{percent(control.copied_share)} copied rows" if control.copied_share else "independent real rows"


def must_be(controls: tuple[ControlPool, ...], found: dict[str, PrivacyAssessment]) -> dict[str, bool]:
    """Say what the controls must have shown."""
    caught = {each.copied_share: each.n_caught / each.n_repeats for each in controls}
    return {
        "independent real rows are taken for a leak at most once in five (1 % is meant)": caught[0.0] <= 0.2,
        "more copies are caught at least as often, and 50 % always": caught[STATED_SHARE]
        <= caught[0.1]
        <= caught[0.5]
        == 1,
        "copies of the learned rows are found to leak": found["duplicates"].is_leaking,
        "nothing that is found to leak may be shared": not any(
            judge_pool(name, each, releasable=True, max_tpr=None).may_be_shared
            for name, each in found.items()
            if each.is_leaking
        ),
    }
