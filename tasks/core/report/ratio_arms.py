"""The arms of one learner, whose scores at each amount of synthetic rows can be compared with its score on real rows."""

from __future__ import annotations

from dataclasses import dataclass

from realmix.tasks.core.report.verdict_document import ArmOfStudy, VerdictDocument


@dataclass(frozen=True)
class RatioArms:
    """What is drawn of the amounts of synthetic rows.

    Attributes
    ----------
    learner : str
        That of real only, or of the best mix where the former takes no synthetic rows.
    arms : tuple of ArmOfStudy
        Its arms with synthetic rows, best first, without those that left the race early, scored on few folds.
    real_only : str
        Name of its arm on real rows alone.
    score : float or None
        Of that arm.
    """

    learner: str
    arms: tuple[ArmOfStudy, ...]
    real_only: str
    score: float | None


def ratio_arms(document: VerdictDocument) -> RatioArms:
    """Collect the arms of the learner of real only: two learners differ by more than their rows.

    Parameters
    ----------
    document : VerdictDocument
    """
    left = {each.arm for each in document.race.dropped} if document.race else set()
    usable = [
        arm for arm in document.arms if arm.synthesizer and arm.score is not None and arm.name not in left
    ]
    mix, incumbent = document.validation.mix, document.real_only.model
    of_mix = next((arm.model for arm in document.arms if mix and arm.name == mix.name), incumbent)
    learner = (
        incumbent if any(arm.model == incumbent and arm.role == "candidate" for arm in usable) else of_mix
    )
    own = next((each.real_only for each in document.learners if each.model == learner), None)
    real_only = document.validation.real_only if own is None or learner == incumbent else own
    return RatioArms(
        learner, tuple(arm for arm in usable if arm.model == learner), real_only.name, real_only.score
    )
