"""The parts of a gain, on studies whose truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realmix.tasks.core.decision.comparison import Comparison, compare
from realmix.tasks.core.decision.credit import Credit
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.scores.out_of_fold import OutOfFold

PARTS = ("tuning", "labels", "synthetic_rows")


def one_learner(simulate_study, seed: int, offsets: dict[int, float], noise: float = 0.05) -> OutOfFold:
    """Trials 0 and 1 of xgboost, the class prior, its distillation, two controls and six candidates."""
    oof = simulate_study(seed, n_candidates=6, noise=noise, offsets={2: 0.5, 4: 0.05, 5: 0.05, **offsets})
    return dataclasses.replace(oof, arms=(Arm(Mix(), "xgboost"), Arm(Mix(), "xgboost", 1), *oof.arms[2:]))


def split(oof: OutOfFold, metric) -> tuple[Comparison, Credit]:
    comparison = compare(oof, metric, seed=0, n_bootstrap=200)
    assert comparison.credit is not None
    return comparison, comparison.credit


@pytest.fixture(scope="module")
def planted(simulate_study, squared_error) -> tuple[Comparison, Credit]:
    """Tuning brings 10 %, labels 10 points more, synthetic rows 20 points more."""
    return split(one_learner(simulate_study, 0, {1: -0.1, 3: -0.2, 6: -0.4}), squared_error)


def test_each_step_is_credited_with_what_it_brought(planted):
    found = [getattr(planted[1], part).gain for part in PARTS]
    assert found == pytest.approx([0.1, 0.1, 0.2], abs=0.015)
    assert all(getattr(planted[1], part).interval[0] > 0 for part in PARTS)


def test_the_parts_add_up_to_the_whole_and_its_interval_lies_around_it(planted):
    _, found = planted
    parts = [getattr(found, part) for part in PARTS]
    assert found.whole.gain == pytest.approx(sum(part.gain for part in parts), abs=1e-12)
    assert found.whole.optimism == pytest.approx(sum(part.optimism for part in parts), abs=1e-12)
    assert found.whole.interval[0] < found.whole.gain < found.whole.interval[1]


def test_a_mix_that_ships_is_credited_with_its_promise_in_shares_of_the_first_trial(planted):
    comparison, found = planted
    assert comparison.winner == comparison.best_mix
    # The incumbent's loss is 0.8 of the first trial's.
    assert found.synthetic_rows.gain == pytest.approx(0.8 * comparison.promised_gain, rel=0.02)
    assert found.synthetic_rows.n_draws == comparison.promise.n_draws


def test_arms_without_information_are_credited_with_nothing_once_the_choice_is_corrected(
    simulate_study, squared_error
):
    studies = [split(one_learner(simulate_study, seed, {}, 0.2), squared_error)[1] for seed in range(60)]
    whole = np.array([each.whole.gain for each in studies])
    naive = whole + [each.whole.optimism for each in studies]
    error = whole.std(ddof=1) / np.sqrt(len(whole))
    assert naive.mean() > 4 * error and abs(whole.mean()) < 3 * error


def test_labels_that_do_not_help_are_credited_with_nothing(simulate_study, squared_error):
    _, found = split(one_learner(simulate_study, 0, {1: -0.1, 3: 0.3, 6: -0.4}), squared_error)
    assert (found.labels.gain, found.labels.interval) == (0, (0, 0))


def test_a_first_trial_that_stays_is_credited_with_no_tuning(simulate_study, squared_error):
    _, found = split(one_learner(simulate_study, 0, {1: 0.02}), squared_error)
    assert (found.tuning.gain, found.tuning.interval) == (0, (0, 0))


def test_a_mix_that_does_not_ship_has_the_loss_that_it_would_bring(simulate_study, squared_error):
    worse = dict.fromkeys(range(6, 12), 0.3)
    comparison, found = split(one_learner(simulate_study, 0, {1: -0.1, 3: -0.2, **worse}), squared_error)
    assert comparison.winner == comparison.incumbent
    assert found.synthetic_rows.gain == pytest.approx(-0.5, abs=0.03)


def test_a_part_of_which_nothing_was_tried_has_none(simulate_study, squared_error):
    oof = one_learner(simulate_study, 0, {1: -0.1})
    two_trials = dataclasses.replace(oof, arms=oof.arms[:3], predictions=oof.predictions[:3])
    _, found = split(two_trials, squared_error)
    assert found.labels is found.synthetic_rows is None
    assert found.whole.gain == found.tuning.gain > 0
    alone = dataclasses.replace(oof, arms=oof.arms[:1], predictions=oof.predictions[:1])
    assert compare(alone, squared_error, seed=0, n_bootstrap=20).credit is None


def test_several_learners_have_no_credit_in_common(simulate_study, squared_error):
    assert compare(simulate_study(0), squared_error, seed=0, n_bootstrap=20).credit is None


def test_a_ranking_is_split_too_in_points(simulate_ranking, roc_auc):
    oof = simulate_ranking(0, n_candidates=2)
    own = [place for place, arm in enumerate(oof.arms) if arm.model == "xgboost"]
    arms = tuple(oof.arms[place] for place in own)
    found = compare(
        dataclasses.replace(oof, arms=arms, predictions=oof.predictions[own]), roc_auc, seed=0, n_bootstrap=40
    ).credit
    parts = [part for part in (found.tuning, found.labels, found.synthetic_rows) if part]
    assert found.whole.gain == pytest.approx(sum(part.gain for part in parts), abs=1e-12)
