"""Which mix is the default recipe of a learner, and what a clear lead over it is."""

from __future__ import annotations

import dataclasses

import numpy as np

from realmix.tasks.core.contracts.specs import DEFAULT_SYNTHESIZER
from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.default_recipe import SHARE_OF_DEFAULT, is_default
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.scores.out_of_fold import OutOfFold

PLAIN = Mix(DEFAULT_SYNTHESIZER, 5.0, 1.0, "teacher")
HALF = dataclasses.replace(PLAIN, real_labels="half")
HEAVY = dataclasses.replace(HALF, weight=5.0)
OTHERS = [
    Mix(),
    Mix(label_rule="teacher"),
    dataclasses.replace(PLAIN, synthetic_ratio=1.0),
    dataclasses.replace(PLAIN, label_rule="joint"),
    dataclasses.replace(PLAIN, balance="balanced"),
    dataclasses.replace(PLAIN, synthesizer="smote"),
]


def test_labels_half_the_teachers_at_full_weight_are_the_default_where_a_learner_tries_them():
    tree = [Arm(mix, "decision-tree") for mix in (*OTHERS, PLAIN, HALF, HEAVY)]
    boosted = [Arm(mix, "xgboost") for mix in (*OTHERS, PLAIN, HALF)]
    found = is_default([*tree, *boosted])
    assert [arm.mix for arm, each in zip([*tree, *boosted], found, strict=True) if each] == [HEAVY, PLAIN]


def test_all_trials_of_the_recipe_are_the_default_and_nothing_is_where_it_was_not_tried():
    trials = [Arm(PLAIN, "linear", trial) for trial in range(3)]
    assert is_default([*trials, *(Arm(mix, "linear") for mix in OTHERS)])[:3].all()
    assert not is_default([Arm(mix, "linear") for mix in (*OTHERS[:2], *OTHERS[3:])]).any()


def with_default(simulate_study, seed: int, offsets: dict[int, float]) -> OutOfFold:
    """Arm 6 is the default recipe of xgboost, arms 7 to 19 are other mixes."""
    oof = simulate_study(seed, noise=0.05, offsets=offsets, label_rule="teacher")
    arms = list(oof.arms)
    arms[6] = Arm(PLAIN, "xgboost")
    return dataclasses.replace(oof, arms=tuple(arms))


def test_the_default_stays_before_what_leads_it_by_luck_and_not_before_what_leads_it_clearly(
    simulate_study, squared_error
):
    lucky = with_default(simulate_study, 0, {6: -0.2, 7: -0.201})
    assert compare(lucky, squared_error, seed=0, n_bootstrap=50).winner == lucky.arms[6]
    clear = with_default(simulate_study, 0, {6: -0.2, 7: -0.3})
    assert compare(clear, squared_error, seed=0, n_bootstrap=50).winner == clear.arms[7]


def test_the_default_is_tested_with_few_others_and_has_most_of_the_chance_of_a_false_proof(
    simulate_study, squared_error
):
    oof = with_default(simulate_study, 0, {6: -0.04})
    unlike = dataclasses.replace(
        oof, arms=(*oof.arms[:6], Arm(Mix("other", 5.0, 1.0, "teacher"), "xgboost"), *oof.arms[7:])
    )
    alone, among_all = (
        compare(study, squared_error, seed=0, n_bootstrap=500).smallest_provable_gain
        for study in (oof, unlike)
    )
    assert alone < 0.9 * among_all
    # A gain far beyond chance has the smallest p-value that the draws and the share allow.
    certain = compare(with_default(simulate_study, 0, {6: -0.5}), squared_error, seed=0, n_bootstrap=100)
    assert np.isclose(certain.p_value, 1 / 101 / SHARE_OF_DEFAULT)
