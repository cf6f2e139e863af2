"""Fairness: the gaps that a mix widens, beside a mix that changes nothing and one that harms a group."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.fairness.assessment import (
    SHARE,
    Fairness,
    Gap,
    assess_fairness,
    in_unit,
    interval_in_unit,
)
from realmix.tasks.core.fairness.groups import groupings
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.mixes.pools import draw_pool
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.scores.significance import widening_factor
from realmix.tasks.core.splits.folds import make_folds
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.trust.section import Section
from tests.trust.subjects import SEED, Subject

LEARNER, SYNTHESIZER, N_FOLDS = "linear", "gaussian-copula", 5
REAL_ONLY, MIX = Arm(Mix(), LEARNER), Arm(Mix(SYNTHESIZER, 1.0), LEARNER)
# Rows that the control leaves out, at random: a model that is as fair, and another one.
LEFT_OUT = 0.1
# What is left of the chance of the first class that the control gives the members of one group.
HARM = 0.4
HEADER = ("mix", "refused", "clearest widening", "by (90 %)", "found in four of five from")


def fairness(subject: Subject) -> Section:
    """Judge three mixes by the gaps of the card's sensitive columns."""
    real, fewer, mixed = predictions(subject)
    judged = {
        f"{SYNTHESIZER}, one row per real row": judge(subject, real, mixed),
        "control: real rows alone, a tenth left out": judge(subject, real, fewer),
        "control: one group's chance of the first class cut to two fifths": judge(
            subject, real, harmed(subject, real)
        ),
    }
    equal, harm = list(judged.values())[1:]
    controls = {
        "an equally fair model is not refused (5 % would be, at most)": not refused(equal),
        "a model that harms a group is refused": bool(refused(harm)),
    }
    rows = [describe(name, found) for name, found in judged.items()]
    return Section("Fairness between groups", HEADER, rows, controls)


def predictions(subject: Subject) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predict each row by models that did not see it: of real rows, of nine tenths of them, and of a mix."""
    schema, rows = subject.schema, subject.rows
    found = np.empty((3, len(rows), len(schema.classes)))
    for fold in range(N_FOLDS):
        is_out = folds_of(subject) == fold
        training, unseen = rows[~is_out].reset_index(drop=True), rows[is_out]
        pool, _ = draw_pool(
            SYNTHESIZERS[SYNTHESIZER],
            subject.card,
            training,
            schema=schema,
            n_rows_by_class=None,
            n_rows=len(training),
            seed_key=("trust", "fold", fold),
            max_steps=None,
        )
        fewer = training.sample(frac=1 - LEFT_OUT, random_state=fold)
        sets = (training, fewer, pd.concat([training, pool], ignore_index=True))
        for place, each in enumerate(sets):
            found[place, is_out] = fitted(subject, each).predict(unseen[schema.feature_names])
    return found[0], found[1], found[2]


def fitted(subject: Subject, training: pd.DataFrame):
    """Fit the learner on rows of equal weight."""
    spec, schema = MODELS[LEARNER], subject.schema
    model = spec.build(schema, spec.search_space(0, schema), SEED, 1)
    return model.fit(training[schema.feature_names], schema.one_hot_target(training), np.ones(len(training)))


def folds_of(subject: Subject) -> np.ndarray:
    """Fold of each row."""
    y = subject.schema.encode_target(subject.rows)
    return make_folds(y, np.arange(len(y)), subject.schema.task, n_folds=N_FOLDS, n_repeats=1, seed=SEED)[0]


def harmed(subject: Subject, predicted: np.ndarray) -> np.ndarray:
    """Take from the second group of the first sensitive column most of its chance of the first class."""
    grouping = groupings(subject.rows[[subject.card.sensitive[0]]], crossed=False)[0]
    found = predicted.copy()
    found[grouping.codes == 1, 0] *= HARM
    found[:, 1] = 1 - found[:, 0]
    return found


def judge(subject: Subject, real: np.ndarray, other: np.ndarray) -> Fairness:
    """Compare the rates of two models in every group."""
    y, folds = subject.schema.encode_target(subject.rows), folds_of(subject)
    n_train = len(y) * (1 - 1 / N_FOLDS)
    oof = OutOfFold((REAL_ONLY, MIX), y, folds[None], np.stack([real, other])[:, None], n_train)
    return assess_fairness(
        oof,
        METRICS["log_loss"],
        real_only=REAL_ONLY,
        mix=MIX,
        sensitive=subject.rows[list(subject.card.sensitive)],
        classes=subject.schema.classes,
        limit=subject.card.fairness.max_widening,
        widening=widening_factor(N_FOLDS, n_validation=oof.n_validation, n_train=oof.n_train, n_rows=len(y)),
        seed=SEED,
    )


def refused(found: Fairness) -> list[Gap]:
    """The gaps that forbid the mix."""
    return [gap for gap in found.gaps if gap.vetoes]


def describe(name: str, found: Fairness) -> tuple[str, ...]:
    """Describe the clearest widening of a mix."""
    tested = [gap for gap in found.gaps if gap.p_value is not None]
    if not tested:
        return (name, "no", "no two groups have enough rows", "", "")
    worst = min(tested, key=lambda gap: (gap.p_value, -(gap.widening or 0.0)))
    easiest = min(gap.caught_from or 0.0 for gap in tested)
    return (
        name,
        "yes" if refused(found) else "no",
        f"{worst.rate} by {worst.grouping}",
        f"{in_unit(worst.widening, SHARE)} ({interval_in_unit(worst.interval, SHARE)})",
        in_unit(easiest, SHARE),
    )
