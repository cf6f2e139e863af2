"""The promised gain on matrices whose truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import binom

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.promised_gain import LEFT_OUT_SHARE, NARROWING, Draws, Rule, choose, promise
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


def test_the_interval_of_a_clearly_better_mix_holds_its_gain_in_nine_of_ten_studies(
    simulate_study, squared_error
):
    """With the spread of the draws narrowed too far, by sqrt(p), 76 to 85 of 100 held it."""
    studies = [
        compare(
            simulate_study(seed, noise=0.05, offsets={6: -0.05}), squared_error, seed=seed, n_bootstrap=100
        )
        for seed in range(120)
    ]
    held = sum(s.promised_interval[0] < 0.05 < s.promised_interval[1] for s in studies)
    assert binom.ppf(0.01, 120, 0.9) <= held


def test_one_seed_gives_one_promise_and_another_gives_another(simulate_study, squared_error):
    oof = simulate_study(3)
    first, again, other = (
        compare(oof, squared_error, seed=seed, n_bootstrap=100).promise for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def rule_of(real_only, needed=None, default=None, lead=None):
    nothing = np.zeros(len(real_only))
    return Rule(
        np.array(real_only),
        nothing if needed is None else np.array(needed),
        nothing.astype(bool) if default is None else np.array(default),
        nothing if lead is None else np.array(lead),
    )


def test_real_only_wins_ties(squared_error):
    scores = np.array([[1.0, 1.0, 2.0], [1.0, 0.9, 2.0]])
    real_only, candidate = np.array([True, False, False]), np.array([False, True, True])
    chosen, reference = choose(scores, squared_error, rule_of(real_only), candidate)
    assert chosen.tolist() == [0, 1]
    assert reference.tolist() == [0, 0]


def test_a_control_is_never_chosen(squared_error):
    scores = np.array([[1.0, 0.1, 0.9]])
    real_only, candidate = np.array([True, False, False]), np.array([False, False, True])
    assert choose(scores, squared_error, rule_of(real_only), candidate)[0].tolist() == [2]


def test_without_candidates_real_only_is_chosen(squared_error):
    chosen, _ = choose(np.array([[0.1, 1.0]]), squared_error, rule_of([False, True]), np.zeros(2, bool))
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


def drawn(gain: np.ndarray, chosen: int = 1, optimism: float = 0.0) -> Draws:
    """Draws that all choose one arm over arm 0, with this gain on the rows left out."""
    in_bag = np.column_stack([np.ones(len(gain)), 1 - (gain + optimism), 1 - (gain + optimism)])
    places = np.zeros(len(gain), dtype=int)
    no_path = np.empty((len(gain), 0))
    return Draws(in_bag, places + chosen, places, gain, no_path, no_path)


def _values(draws: Draws) -> list[np.ndarray]:
    return [getattr(draws, field.name) for field in dataclasses.fields(draws)]


FAMILY = np.array([False, True, False])


def test_the_interval_is_that_of_all_rows_widened_for_training_sets(squared_error):
    draws = drawn(np.linspace(0.3, 0.7, 1001), optimism=0.1)
    narrow, wide = (
        promise(draws, squared_error, is_family=FAMILY, naive_gain=0.6, widening=w) for w in (1.0, 1.5)
    )
    reach = 0.18 * NARROWING
    assert narrow.interval == pytest.approx((0.5 - reach, 0.5 + reach))
    assert wide.interval == pytest.approx((0.5 - 1.5 * reach, 0.5 + 1.5 * reach))
    assert (wide.gain, wide.optimism) == pytest.approx((0.5, 0.1))


def test_only_draws_that_choose_the_family_say_what_it_is_worth(squared_error):
    of_family, of_another = drawn(np.full(30, 0.2), optimism=0.05), drawn(np.full(70, -0.4), chosen=2)
    both = Draws(*(np.concatenate(pair) for pair in zip(*map(_values, (of_family, of_another)), strict=True)))
    kept = promise(both, squared_error, is_family=FAMILY, naive_gain=0.3, widening=1.0)
    assert (kept.gain, kept.n_draws) == (pytest.approx(0.25), 30)


def test_a_family_that_hardly_any_draw_chooses_is_corrected_by_all_of_them(squared_error):
    draws = drawn(np.full(100, 0.1), chosen=2, optimism=0.2)
    assert promise(draws, squared_error, is_family=FAMILY, naive_gain=0.3, widening=1.0).n_draws == 100


def test_where_real_only_stays_nothing_is_promised(simulate_study, squared_error):
    n_arms = len(simulate_study(0).arms)
    worse = dict.fromkeys(range(4, n_arms), 0.3)
    study = compare(simulate_study(0, offsets=worse), squared_error, seed=0, n_bootstrap=50)
    assert study.winner.mix.role == "real_only"
    assert (study.promised_gain, study.promised_interval) == (0.0, (0.0, 0.0))


def test_a_draw_leaves_out_the_share_of_rows_that_the_interval_is_narrowed_by():
    (weights,) = draw_weights(np.arange(500), None, 200, seed=0)
    assert (weights == 0).mean() == pytest.approx(LEFT_OUT_SHARE, abs=0.005)


def test_another_learner_must_lead_the_default_one_by_more_than_is_needed(squared_error):
    scores = np.array([[1.0, 0.95, 2.0], [1.0, 0.85, 2.0]])
    real_only, needed = np.array([True, True, False]), np.array([0.0, 0.1, 0.0])
    chosen, reference = choose(scores, squared_error, rule_of(real_only, needed), ~real_only)
    assert reference.tolist() == chosen.tolist() == [0, 1]


def test_a_candidate_must_beat_the_best_real_only_arm_even_where_a_safer_one_would_ship(squared_error):
    scores = np.array([[1.0, 0.95, 0.97], [1.0, 0.95, 0.90]])
    real_only, needed = np.array([True, True, False]), np.array([0.0, 0.1, 0.0])
    chosen, reference = choose(scores, squared_error, rule_of(real_only, needed), ~real_only)
    assert chosen.tolist() == [0, 2]
    assert reference.tolist() == [0, 0]


def test_another_mix_must_lead_the_default_recipe_by_more_than_is_needed(squared_error):
    scores = np.array([[1.0, 0.9, 0.85], [1.0, 0.9, 0.7], [1.0, 1.1, 0.99], [1.0, 1.1, 0.8]])
    rule = rule_of([True, False, False], default=[False, True, False], lead=[0.0, 0.0, 0.15])
    candidates = np.array([False, True, True])
    # Led by too little; led clearly; behind real only and led by too little; behind it and led clearly.
    assert choose(scores, squared_error, rule, candidates)[0].tolist() == [1, 2, 0, 2]
    assert choose(scores, squared_error, rule, np.array([False, False, True]))[0].tolist() == [2, 2, 2, 2]
