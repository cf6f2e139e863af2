"""Every arm on the study's own folds and on rows that it never saw: the lines of ``arms.csv``.

They say what a kind of mix is worth on tables like these, which one small table cannot.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.learners import arms_of
from realmix.tasks.core.decision.race import heats, judge
from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.study.out_of_fold import null_models
from tests.panel.outside import metric_of

if TYPE_CHECKING:
    from tests.panel.runs import Record


def arms_to_score(oof: OutOfFold) -> list[Arm]:
    """The best setting of each mix and learner, and whatever a decision may be about.

    Settings that ran to the end of the race come first. Where a run was not raced the race is replayed, and
    the arms of both are taken.
    """
    metric = metric_of(oof.is_classification)
    found: dict[Arm, None] = {}
    for seen in (oof, race_again(oof, metric)):
        found |= dict.fromkeys(best_settings(scored(seen, metric)))
        found |= dict.fromkeys(decided_about(seen, metric))
    return list(found)


def scored(oof: OutOfFold, metric: MetricSpec) -> ScoredArms:
    """Scores of all arms."""
    return ScoredArms(oof, metric, null_models())


def best_settings(case: ScoredArms) -> list[Arm]:
    """The best setting of each mix and learner by cross-validation."""
    arms = case.oof.arms
    order = sorted(
        range(len(arms)), key=lambda place: (arms[place].name in case.oof.exits, -case.utility[place])
    )
    first: dict[tuple[Mix, str], Arm] = {}
    for place in order:
        first.setdefault((arms[place].mix, arms[place].model), arms[place])
    return list(first.values())


def decided_about(oof: OutOfFold, metric: MetricSpec) -> list[Arm]:
    """Winner, incumbent and best mix of the study and of each learner."""
    null = null_models()
    models = {arm.model for arm in oof.arms} - null
    found = []
    for case in [
        scored(oof, metric),
        *(scored(arms_of(oof, {model, *null}), metric) for model in sorted(models)),
    ]:
        places = [case.winner, case.incumbent, *([] if case.best_mix is None else [case.best_mix])]
        found += [case.oof.arms[place] for place in places]
    return found


def race_again(oof: OutOfFold, metric: MetricSpec) -> OutOfFold:
    """Run the race over a full grid of predictions: what left early is forgotten from there on.

    A run that was raced is as it was.
    """
    if oof.exits:
        return oof
    blocks = oof.fold_rows
    n_first = sum(repeat == 0 for repeat, _ in blocks)
    run, exits = 0, {}
    for heat in heats(range(len(blocks)), n_first=n_first, raced=True)[:-1]:
        run += len(heat)
        folds = np.full_like(oof.folds, -1)
        for repeat, rows in blocks[:run]:
            folds[repeat, rows] = oof.folds[repeat, rows]
        live = [place for place, arm in enumerate(oof.arms) if arm.name not in exits]
        so_far = dataclasses.replace(
            oof, folds=folds, arms=tuple(oof.arms[i] for i in live), predictions=oof.predictions[live]
        )
        exits |= judge(so_far, metric, n_first=n_first, n_blocks=len(blocks))
    return dataclasses.replace(oof, exits=exits)


def arm_lines(record: Record) -> Iterator[dict[str, Any]]:
    """Lines of a run: one for each arm that was scored outside, and one for the teacher.

    Changes are shares of a reference's loss, negative = better: in the folds, of the best arm of the same
    learner on real rows alone; outside, of the mean of its tunings. XGBoost's count for the class prior and
    ensembles. Errors are those of the change: in the folds as Nadeau and Bengio correct it, outside that of the test rows.
    """
    case = scored(record.oof, record.metric)
    for place, arm in enumerate(case.oof.arms):
        if record.has(arm.name):
            own = {"learner": arm.model, **arm.mix.to_dict(), "trial": arm.trial}
            yield own | in_folds(case, place, record) | outside(record, arm.name, arm.model)
    best = case.scores[real_only_of(case, record.reference_of("teacher"))]
    folds = {"oof_loss": record.teacher_loss, "oof_change": record.teacher_loss / best - 1}
    yield {"learner": "teacher"} | folds | outside(record, "teacher", "teacher")


def in_folds(case: ScoredArms, place: int, record: Record) -> dict[str, float]:
    """What the study's own folds say of an arm; an arm that left the race has seen fewer of them."""
    reference = real_only_of(case, record.reference_of(case.oof.arms[place].model))
    is_itself = place == reference
    return {
        "oof_folds": float(np.isfinite(case.folds[place]).sum()),
        "oof_loss": float(case.scores[place]),
        "oof_change": 0.0 if is_itself else -float(case.fold_gains(place, reference).mean()),
        "oof_se": 0.0 if is_itself else float(case.t_test(place, reference).standard_error),
    }


def real_only_of(case: ScoredArms, learner: str) -> int:
    """The best arm of a learner on real rows alone."""
    place = case.best(case.where(lambda arm: arm.mix == Mix() and arm.model == learner))
    assert place is not None
    return place


def outside(record: Record, name: str, learner: str) -> dict[str, float]:
    """What the rows that judge say of a model."""
    moved, error = record.change(name, record.reference(learner))
    return {"outside_loss": record.score(name), "outside_change": moved, "se": error}
