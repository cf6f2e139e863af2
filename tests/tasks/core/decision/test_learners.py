"""A verdict for each learner, on studies of two learners whose truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realmix.tasks.core.decision.learners import LearnerVerdict, decide_by_learner
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.scores.out_of_fold import OutOfFold


def two_learners(simulate_study, offsets: dict[int, float]) -> OutOfFold:
    """Arms of xgboost without any gain, and of a tree 20 % worse, with `offsets` of its own."""
    strong = simulate_study(0, n_candidates=6, noise=0.05, offsets={4: 0.02, 5: 0.02})
    weak = simulate_study(1, n_candidates=6, noise=0.05, offsets={4: 0.02, 5: 0.02, **offsets})
    kept = [place for place, arm in enumerate(strong.arms) if arm.model == "xgboost"]
    arms = [strong.arms[place] for place in kept]
    of_tree = tuple(dataclasses.replace(arm, model="decision-tree") for arm in arms)
    predictions = np.concatenate([strong.predictions[kept], np.sqrt(1.2) * weak.predictions[kept]])
    return dataclasses.replace(strong, arms=(*arms, *of_tree), predictions=predictions)


@pytest.fixture(scope="module")
def verdicts(simulate_study, squared_error) -> dict[str, LearnerVerdict]:
    """The sixth arm of the tree is better by 12 %."""
    oof = two_learners(simulate_study, {6: -0.12})
    found = decide_by_learner(oof, squared_error, seed=0, n_bootstrap=200, margin=0.005)
    return {each.model: each for each in found}


def test_a_mix_that_helps_only_the_tree_is_proven_for_the_tree_only(verdicts):
    assert {model: each.verdict.outcome for model, each in verdicts.items()} == {
        "xgboost": "keep real only",
        "decision-tree": "proven",
    }
    assert verdicts["decision-tree"].verdict.ships.model == "decision-tree"


def test_each_learner_is_compared_with_itself_on_real_rows(verdicts):
    for model, each in verdicts.items():
        assert {arm.model for arm in each.comparison.arms} == {model}
        assert each.comparison.incumbent.model == model


def test_the_distance_is_what_it_costs_to_deploy_a_learner_instead_of_the_best_one(verdicts):
    assert list(verdicts) == ["xgboost", "decision-tree"]
    assert verdicts["xgboost"].distance == 0
    # 20 % worse, made up for by 12 %.
    assert verdicts["decision-tree"].distance == pytest.approx(1 - 1.2 * 0.88, abs=0.03)


def test_a_veto_of_one_learner_leaves_the_others_alone(simulate_study, squared_error):
    oof = two_learners(simulate_study, {6: -0.12})

    def vetoes(comparison):
        return ["It loses on a group."] if comparison.incumbent.model == "decision-tree" else []

    found = decide_by_learner(oof, squared_error, seed=0, n_bootstrap=50, margin=0.005, vetoes=vetoes)
    tree = next(each for each in found if each.model == "decision-tree")
    assert tree.verdict.outcome == "keep real only" and "It loses on a group." in tree.verdict.reason
    assert len(found) == 2


def test_the_ensemble_keeps_real_only_though_mixes_of_others_failed(simulate_study, squared_error):
    oof = two_learners(simulate_study, {6: -0.12})
    arms = (Arm(Mix(), "ensemble"), *oof.arms)
    predictions = np.concatenate([0.9 * oof.predictions[:1], oof.predictions])
    failed = {"ctgan/1/joint": "It broke."}
    oof = dataclasses.replace(oof, arms=arms, predictions=predictions, disqualified=failed)
    found = decide_by_learner(oof, squared_error, seed=0, n_bootstrap=50, margin=0.005)
    assert (found[0].model, found[0].verdict.outcome) == ("ensemble", "keep real only")
    assert found[0].verdict.reason == "No mix was to be compared."
    assert "train an ensemble of unlike models on your real rows alone" in found[0].verdict.sentence
    assert all(each.distance < 0 for each in found[1:])
