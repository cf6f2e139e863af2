"""The promised gain on matrices whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.promised_gain import LEFT_OUT_SHARE, choose, summarise
from realmix.tasks.core.scores.draws import draw_weights


def test_arms_without_information_look_good_and_promise_nothing(simulate_study, squared_error):
    studies = [
        compare(simulate_study(seed, noise=0.2), squared_error, seed=seed, n_bootstrap=100)
        for seed in range(150)
    ]
    naive = np.array([study.naive_gain for study in studies])
    promised = np.array([study.promised_gain for study in studies])
    assert naive.mean() > 4 * _standard_error(naive)
    assert abs(promised.mean()) < 3 * _standard_error(promised)
    assert abs(promised.mean()) < naive.mean() / 2


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def test_a_truly_better_arm_is_promised_what_it_is_worth(simulate_study, squared_error):
    studies = [
        compare(
            simulate_study(seed, noise=0.05, offsets={6: -0.05}), squared_error, seed=seed, n_bootstrap=200
        )
        for seed in range(20)
    ]
    promised = np.array([study.promised_gain for study in studies])
    # 5 % against each real-only arm, a little less against the luckiest of four.
    assert promised.mean() == pytest.approx(0.05, abs=0.006)
    assert all(study.promised_interval[0] < 0.05 < study.promised_interval[1] for study in studies[:10])


def test_one_seed_gives_one_promise_and_another_gives_another(simulate_study, squared_error):
    oof = simulate_study(3)
    first, again, other = (
        compare(oof, squared_error, seed=seed, n_bootstrap=100).promise for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_real_only_wins_ties(squared_error):
    scores = np.array([[1.0, 1.0, 2.0], [1.0, 0.9, 2.0]])
    real_only, candidate = np.array([True, False, False]), np.array([False, True, True])
    chosen, reference = choose(scores, squared_error, real_only, candidate, np.zeros(len(real_only)))
    assert chosen.tolist() == [0, 1]
    assert reference.tolist() == [0, 0]


def test_a_control_is_never_chosen(squared_error):
    scores = np.array([[1.0, 0.1, 0.9]])
    real_only, candidate = np.array([True, False, False]), np.array([False, False, True])
    assert choose(scores, squared_error, real_only, candidate, np.zeros(len(real_only)))[0].tolist() == [2]


def test_without_candidates_real_only_is_chosen(squared_error):
    chosen, _ = choose(
        np.array([[0.1, 1.0]]), squared_error, np.array([False, True]), np.zeros(2, bool), np.zeros(2)
    )
    assert chosen.tolist() == [1]


def test_rows_of_a_group_are_drawn_together():
    groups = np.array(["a", "a", "b", "c", "c", "c"])
    for weights in draw_weights(groups, None, 50, seed=0):
        assert (weights[:, 0] == weights[:, 1]).all()
        assert (weights[:, 3] == weights[:, 4]).all()
        assert (weights == 0).any(axis=1).all()


def test_draws_keep_the_size_of_each_stratum():
    strata = np.repeat([0, 1], [30, 10])
    (weights,) = draw_weights(np.arange(40), strata, 20, seed=0)
    assert (weights[:, :30].sum(axis=1) == 30).all()
    assert (weights[:, 30:].sum(axis=1) == 10).all()


def test_the_interval_is_that_of_all_rows_widened_for_training_sets():
    gain = np.linspace(3, 7, 1001)
    narrow, wide = (summarise(gain, naive_gain=6.0, widening=w) for w in (1.0, 1.5))
    assert narrow.row_interval == pytest.approx((3.2, 6.8))
    reach = 1.8 * LEFT_OUT_SHARE**0.5
    assert narrow.interval == pytest.approx((5 - reach, 5 + reach))
    assert wide.interval == pytest.approx((5 - 1.5 * reach, 5 + 1.5 * reach))
    assert wide.optimism == pytest.approx(1.0)


def test_no_gain_stays_inside_where_the_draws_hold_it():
    gain = np.linspace(-0.5, 3.5, 1001)
    assert summarise(gain, naive_gain=2.0, widening=1.0).interval[0] == 0
    assert summarise(gain - 3, naive_gain=0.0, widening=1.0).interval[1] == 0


def test_a_draw_leaves_out_the_share_of_rows_that_the_interval_is_narrowed_by():
    (weights,) = draw_weights(np.arange(500), None, 200, seed=0)
    assert (weights == 0).mean() == pytest.approx(LEFT_OUT_SHARE, abs=0.005)


def test_another_learner_must_lead_the_default_one_by_more_than_is_needed(squared_error):
    scores = np.array([[1.0, 0.95, 2.0], [1.0, 0.85, 2.0]])
    real_only, needed = np.array([True, True, False]), np.array([0.0, 0.1, 0.0])
    chosen, reference = choose(scores, squared_error, real_only, ~real_only, needed)
    assert reference.tolist() == chosen.tolist() == [0, 1]


def test_a_candidate_must_beat_the_best_real_only_arm_even_where_a_safer_one_would_ship(squared_error):
    scores = np.array([[1.0, 0.95, 0.97], [1.0, 0.95, 0.90]])
    real_only, needed = np.array([True, True, False]), np.array([0.0, 0.1, 0.0])
    chosen, reference = choose(scores, squared_error, real_only, ~real_only, needed)
    assert chosen.tolist() == [0, 2]
    assert reference.tolist() == [0, 0]
