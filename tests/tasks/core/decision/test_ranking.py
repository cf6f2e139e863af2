"""Scores of all arms, their roles, and who won."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.ranking import ScoredArms, control_test, is_control
from realmix.tasks.core.errors import BadInput, RealmixError
from realmix.tasks.core.mixes.arms import Arm, Exit, Mix
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.metrics import METRICS
from tests.tasks.core.conftest import constant_truth_in

NULL = frozenset({"class-prior"})


def test_distillation_and_the_class_prior_count_as_real_only(simulate_study, squared_error):
    for arm in (2, 3):
        comparison = compare(simulate_study(0, offsets={arm: -0.3}), squared_error, seed=0, n_bootstrap=50)
        assert comparison.winner == comparison.incumbent
        assert comparison.naive_gain == 0


def test_real_only_leaves_the_default_learner_for_more_than_luck_only(simulate_study, squared_error):
    def incumbent(offset: float) -> Arm:
        oof = simulate_study(1, offsets={0: offset}, noise=0.3)
        return compare(oof, squared_error, seed=0, n_bootstrap=50).incumbent

    assert incumbent(-0.3).model == "linear"
    oof = simulate_study(1, offsets={0: -0.04}, noise=0.3)
    comparison = compare(oof, squared_error, seed=0, n_bootstrap=50)
    assert comparison.incumbent.model == "xgboost"
    assert comparison.row(oof.arms[0]).gain > 0
    assert "a lead within two standard errors" in comparison.row(oof.arms[0]).why


def test_a_candidate_that_knows_no_feature_is_never_chosen(simulate_study, squared_error):
    oof = simulate_study(0, offsets={6: -0.3})
    arms = list(oof.arms)
    arms[6] = Arm(arms[6].mix, "class-prior")
    comparison = compare(dataclasses.replace(oof, arms=tuple(arms)), squared_error, seed=0, n_bootstrap=50)
    assert comparison.winner != arms[6]
    assert "no feature" in comparison.row(arms[6]).why


def test_controls_are_those_of_the_winners_label_rule(simulate_study, squared_error):
    joint = compare(simulate_study(0, offsets={6: -0.2}), squared_error, seed=0, n_bootstrap=50)
    assert joint.beats_duplicates is not None
    assert joint.beats_duplicates.control == "duplicates/1/joint/xgboost"
    assert joint.beats_duplicates.beats
    oof = simulate_study(0, offsets={6: -0.2})
    arms = list(oof.arms)
    arms[6] = Arm(Mix("ctgan", 1.0, 1.0, "teacher"), "xgboost")
    teacher = compare(dataclasses.replace(oof, arms=tuple(arms)), squared_error, seed=0, n_bootstrap=50)
    assert teacher.beats_duplicates is None
    assert teacher.beats_distillation is not None


def test_a_study_without_real_only_is_refused(simulate_study, squared_error):
    oof = simulate_study(0)
    bare = OutOfFold(oof.arms[6:], oof.y, oof.folds, oof.predictions[6:], oof.n_train)
    with pytest.raises(RealmixError, match="real-only"):
        compare(bare, squared_error, seed=0)


def test_a_metric_undefined_in_every_fold_is_refused(simulate_study):
    oof = constant_truth_in(simulate_study(0), folds=range(5))
    with pytest.raises(BadInput, match="r2 is undefined in every one of 15 validation folds"):
        compare(oof, METRICS["r2"], seed=0)


def test_class_weights_are_a_control(simulate_study, squared_error):
    oof = simulate_study(0, noise=0.05, offsets={4: 0.02, 5: 0.02, 6: -0.1})
    arms = list(oof.arms)
    assert compare(oof, squared_error, seed=0, n_bootstrap=50).beats_class_weights is None
    arms[5] = Arm(Mix(balance="balanced"), "xgboost")
    comparison = compare(dataclasses.replace(oof, arms=tuple(arms)), squared_error, seed=0, n_bootstrap=50)
    assert comparison.beats_class_weights is not None
    assert comparison.beats_class_weights.control == "class-weights/xgboost"
    assert comparison.beats_class_weights.beats


def test_gains_are_positive_where_an_arm_is_better_whatever_the_metric(
    simulate_study, simulate_ranking, squared_error, roc_auc
):
    lower = ScoredArms(simulate_study(0, offsets={6: -0.2}), squared_error, NULL)
    assert lower.winner == 6 and lower.gains[6] > 0.15
    assert (
        lower.scores[6] < lower.scores[lower.incumbent] and lower.utility[6] > lower.utility[lower.incumbent]
    )
    higher = ScoredArms(simulate_ranking(0, strength=2.0), roc_auc, NULL)
    assert higher.gains[6] == pytest.approx(higher.scores[6] - higher.scores[higher.incumbent])
    assert higher.gains[6] > 0


def test_an_arm_gains_nothing_over_itself(simulate_study, squared_error):
    case = ScoredArms(simulate_study(0), squared_error, NULL)
    assert case.fold_gains(6, 6).tolist() == [0.0] * 15
    assert case.t_test(6, 6).p_value == 1.0
    assert case.gains[case.incumbent] == 0


def test_the_best_is_found_among_the_allowed_and_the_first_of_equals(simulate_study, squared_error):
    oof = simulate_study(0, offsets={6: -0.3, 7: -0.2})
    predictions = oof.predictions.copy()
    predictions[8] = predictions[7]
    case = ScoredArms(dataclasses.replace(oof, predictions=predictions), squared_error, NULL)
    assert case.best(case.is_candidate) == 6
    assert case.best(case.is_candidate & case.where(lambda arm: arm != oof.arms[6])) == 7
    assert case.best(case.where(lambda arm: arm.model == "no such model")) is None


def test_a_control_is_beaten_only_where_its_interval_lies_above_zero(simulate_study, squared_error):
    oof = simulate_study(0, noise=0.05, offsets={4: 0.02, 6: -0.2})
    predictions = oof.predictions.copy()
    predictions[7] = predictions[4]
    case = ScoredArms(dataclasses.replace(oof, predictions=predictions), squared_error, NULL)
    clear = control_test(case, 6, is_control("duplicates", oof.arms[6].mix))
    copy = control_test(case, 7, is_control("duplicates", oof.arms[6].mix))
    assert clear.beats and clear.interval[0] > 0 and clear.control == oof.arms[4].name
    assert not copy.beats and copy.gain == 0
    assert control_test(case, 6, is_control("duplicates", Mix("smote", 5.0, label_rule="teacher"))) is None


def test_arms_beaten_in_the_race_are_no_candidates_any_more(simulate_study, squared_error):
    oof = simulate_study(0, noise=0.05, offsets={6: -0.5})
    predictions = oof.predictions.copy()
    for repeat, rows in oof.fold_rows[5:]:
        predictions[6:8, repeat, rows] = np.nan
    exits = {
        oof.arms[6].name: Exit(5, "beaten", is_beaten=True),
        oof.arms[7].name: Exit(5, "only the best go on", is_beaten=False),
    }
    case = ScoredArms(dataclasses.replace(oof, predictions=predictions, exits=exits), squared_error, NULL)
    assert case.is_candidate[[6, 7, 8]].tolist() == [False, True, True]
    assert case.is_eligible[[6, 7, 8]].tolist() == [False, False, True]
    assert len(case.fold_gains(7, case.incumbent)) == 5 and len(case.fold_gains(8, case.incumbent)) == 15
    assert case.winner != 6
