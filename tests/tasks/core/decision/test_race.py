"""Who leaves the race, and what of it the promise repeats, on matrices whose truth is known."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.race import describe_standing, is_raced, judge, paired_z
from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm, Exit, Mix
from realmix.tasks.core.plan.plan import MAX_FINALISTS
from realmix.tasks.core.scores.out_of_fold import OutOfFold, fold_scores
from realmix.tasks.metrics import METRICS
from tests.tasks.core.full_grid import N_BLOCKS, N_FIRST, race, until, without_what_did_not_run


def standard_error(values) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def test_a_clear_loser_is_dropped_after_three_blocks_and_told_why(simulate_study, squared_error):
    full = simulate_study(0, offsets={9: 0.3})
    raced = race(full, squared_error)
    left = raced.exits[full.arms[9].name]
    assert (left.after_block, left.is_beaten) == (3, True)
    assert left.reason.startswith("dropped after block 3 of 15: ")
    assert left.reason.endswith(", and in more than 99 of 100 draws")
    row = compare(raced, squared_error, seed=0, n_bootstrap=50).row(full.arms[9])
    assert row.why == left.reason
    by_hand = fold_scores(full, squared_error, [9])[0][:3]
    assert row.score == pytest.approx(by_hand.mean())
    assert row.std == pytest.approx(by_hand.std(ddof=1))


def test_real_only_controls_and_the_best_candidate_are_never_dropped(simulate_study, squared_error):
    full = simulate_study(0, offsets={1: 0.5, 2: 2.0, 4: 0.5, 5: 0.5, **dict.fromkeys(range(6, 20), 0.3)})
    raced = race(full, squared_error)
    beaten = {name for name, left in raced.exits.items() if left.is_beaten}
    roles = {arm.name: arm.mix.role for arm in full.arms}
    assert {roles[name] for name in beaten} == {"candidate"}
    assert len(beaten) == 13
    comparison = compare(raced, squared_error, seed=0, n_bootstrap=50)
    assert comparison.best_mix is not None
    assert comparison.winner == comparison.incumbent


def test_the_standing_names_the_best_mix_and_real_only_with_their_scores(simulate_study, squared_error):
    full = simulate_study(0, offsets={6: -0.3})
    scores = np.nanmean(fold_scores(full, squared_error), axis=1)
    candidates = [place for place, arm in enumerate(full.arms) if arm.mix.role == "candidate"]
    best = min(candidates, key=lambda place: scores[place])
    said = describe_standing(full, squared_error)
    assert f"best mix so far {full.arms[best].name} {scores[best]:.4g}" in said
    real = min(scores[place] for place, arm in enumerate(full.arms) if arm.mix.role == "real_only")
    assert said.startswith(f"{len(full.arms)} mixes") and said.endswith(f"{real:.4g}")


def test_at_most_four_mixes_run_in_the_repeats(simulate_study, squared_error):
    full = simulate_study(0)
    leaving = judge(until(full, N_FIRST), squared_error, n_first=N_FIRST, n_blocks=N_BLOCKS)
    stayed = {arm.name for arm in full.arms[6:] if arm.name not in leaving}
    scores = fold_scores(full, squared_error)[:, :N_FIRST].mean(axis=1)
    best = sorted(range(6, 20), key=lambda place: scores[place])[:MAX_FINALISTS]
    assert stayed == {full.arms[place].name for place in best}
    reasons = {left.reason for left in leaving.values() if not left.is_beaten}
    assert reasons == {"left after block 5 of 15: its mix was not among the best 4 of xgboost"}


def test_controls_that_no_finalist_needs_leave_and_class_weights_stay(simulate_study, squared_error):
    full = simulate_study(0, noise=0.01)
    arms = list(full.arms)
    arms[4] = Arm(Mix("duplicates", 1.0, 1.0, "teacher"), "xgboost")
    arms[3] = Arm(Mix(balance="balanced"), "xgboost")
    raced = race(dataclasses.replace(full, arms=tuple(arms)), squared_error)
    assert raced.exits[arms[4].name].reason == "left after block 5 of 15: no finalist has its label rule"
    assert arms[3].name not in raced.exits
    assert arms[5].name not in raced.exits


def test_all_arms_of_a_finalist_go_on(simulate_study, squared_error):
    full = simulate_study(0)
    scores = fold_scores(full, squared_error)[6:, :N_FIRST].mean(axis=1)
    best, fifth = 6 + np.argsort(scores)[[0, MAX_FINALISTS]]
    arms = list(full.arms)
    arms[fifth] = Arm(arms[best].mix, "linear")
    so_far = until(dataclasses.replace(full, arms=tuple(arms)), N_FIRST)
    leaving = judge(so_far, squared_error, n_first=N_FIRST, n_blocks=N_BLOCKS)
    assert arms[best].name not in leaving
    assert arms[fifth].name not in leaving
    assert sum(arm.mix.role == "candidate" for arm in arms if arm.name not in leaving) == MAX_FINALISTS + 1


@pytest.mark.parametrize("grouped", [False, True])
def test_an_arm_as_good_as_the_leader_is_dropped_in_one_case_of_a_hundred(simulate_study, grouped):
    from scipy import stats

    dropped = []
    for seed in range(150):
        full = simulate_study(seed, n_rows=200, n_repeats=1, n_candidates=20)
        if grouped:
            full = dataclasses.replace(
                full, groups=np.repeat(np.arange(20), 10), predictions=np.repeat(full.predictions[..., :20], 10, -1)
            )  # fmt: skip
        three = until(full, 3)
        losses = np.where(three.folds >= 0, three.predictions**2, np.nan)
        for other in range(1, 26):
            z, df = paired_z(losses[other] - losses[0], three)
            dropped.append(stats.t.sf(z, df) < 0.01)
    # Arms share the leader of their matrix, so the error is that of 150 matrices.
    error = standard_error(np.reshape(dropped, (150, 25)).mean(axis=1))
    assert np.mean(dropped) == pytest.approx(0.01, abs=3 * error)
    assert error < 0.005


def test_the_error_is_that_of_a_paired_mean_of_weighted_rows():
    differences = np.array([[1.0, 2.0, 4.0, np.nan]])
    arms = (Arm(Mix(), "linear"),)
    oof = OutOfFold(arms, np.zeros(4), np.array([[0, 1, 2, -1]]), np.zeros((1, 1, 4)), 3.0)
    z, df = paired_z(differences, oof)
    assert df == 2
    assert z == pytest.approx(np.mean([1, 2, 4]) / (np.std([1, 2, 4], ddof=1) / np.sqrt(3)))
    twice = dataclasses.replace(oof, sample_weight=np.array([1.0, 1.0, 0.0, 1.0]))
    assert paired_z(differences, twice) == (pytest.approx(1.5 / (np.std([1, 2], ddof=1) / np.sqrt(2))), 1)
    together = dataclasses.replace(oof, groups=np.array(["a", "a", "a", "b"]))
    assert paired_z(differences, together) == (0.0, 1)
    assert paired_z(np.zeros((1, 4)), oof)[0] == 0
    assert paired_z(np.ones((1, 4)), oof)[0] == np.inf


def test_the_race_finds_the_winner_of_the_full_grid(simulate_study, squared_error):
    """Mixes of unlike worth, of which one is 3 % better than real only."""
    kinds = {arm: 0.05 * (arm % 4) for arm in range(7, 40)}
    same, shares = [], []
    for seed in range(40):
        full = simulate_study(seed, n_candidates=34, offsets={6: -0.03, **kinds})
        raced = race(full, squared_error)
        found = [compare(oof, squared_error, seed=0, n_bootstrap=20).winner for oof in (full, raced)]
        same.append(found[0] == found[1])
        shares.append(np.mean([raced.ran(place).mean() for place in range(6, 40)]))
    assert np.mean(same) >= 0.95
    assert np.mean(shares) < 0.35


def test_among_equal_arms_the_race_loses_no_more_than_a_tenth_of_a_per_cent(simulate_study, squared_error):
    lost = []
    for seed in range(60):
        full = simulate_study(seed, n_candidates=34)
        both = (
            ScoredArms(full, squared_error, frozenset()),
            ScoredArms(race(full, squared_error), squared_error, frozenset()),
        )
        lost.append(both[0].scores[both[1].winner] / both[0].scores[both[0].winner] - 1)
    assert np.mean(lost) < 0.001


def test_a_raced_study_without_information_promises_nothing(simulate_study, squared_error):
    """The promise repeats the choice of finalists; it may be too low here, never too high."""
    studies = []
    for seed in range(200):
        raced = race(simulate_study(seed, n_candidates=34, noise=0.2), squared_error)
        studies.append(compare(raced, squared_error, seed=seed, n_bootstrap=60))
    naive = np.array([study.naive_gain for study in studies])
    promised = np.array([study.promised_gain for study in studies])
    assert naive.mean() > 10 * standard_error(naive)
    assert promised.mean() < 2 * standard_error(promised)
    assert abs(promised.mean()) < naive.mean() / 2


def test_a_raced_study_promises_what_its_winner_is_worth(simulate_study, squared_error):
    promised = [
        compare(
            race(simulate_study(seed, n_candidates=34, noise=0.05, offsets={6: -0.05}), squared_error),
            squared_error,
            seed=seed,
            n_bootstrap=100,
        ).promised_gain
        for seed in range(20)
    ]
    # 5 % against each real-only arm, a little less against the luckiest of four.
    assert np.mean(promised) == pytest.approx(0.05, abs=0.006)


def test_arms_are_compared_on_the_folds_that_both_ran(simulate_study, squared_error):
    full = simulate_study(0)
    name = full.arms[6].name
    raced = without_what_did_not_run(full, {name: Exit(5, "left after block 5 of 15: ...", is_beaten=False)})
    case = ScoredArms(raced, squared_error, frozenset())
    whole = ScoredArms(full, squared_error, frozenset())
    assert case.t_test(6, 0).df == 4
    assert case.fold_gains(6, 0) == pytest.approx(
        (whole.folds[0] - whole.folds[6])[:5] / whole.folds[0, :5].mean()
    )
    assert case.shown_gain(6) == pytest.approx(case.fold_gains(6, case.incumbent).mean())


def test_an_arm_that_left_is_not_chosen_but_takes_part_in_the_draws(simulate_study, squared_error):
    full = simulate_study(0, noise=0.05, offsets={6: -0.02})
    raced = without_what_did_not_run(full, {full.arms[6].name: Exit(5, "left", is_beaten=False)})
    case = ScoredArms(raced, squared_error, frozenset())
    assert case.winner != 6
    assert case.survivors(np.ones((1, len(full.y))))[0, 6]
    beaten = dataclasses.replace(raced, exits={full.arms[6].name: Exit(5, "left", is_beaten=True)})
    assert not ScoredArms(beaten, squared_error, frozenset()).is_candidate[6]


def test_a_gap_before_an_exit_is_an_error(simulate_study, squared_error):
    raced = race(simulate_study(0), squared_error)
    name, left = next(iter(raced.exits.items()))
    later = {**raced.exits, name: dataclasses.replace(left, after_block=left.after_block + 1)}
    with pytest.raises(RealmixError, match="no prediction"):
        dataclasses.replace(raced, exits=later)


def test_side_metrics_of_arms_that_left_are_those_of_the_folds_they_ran(simulate_ranking):
    full = simulate_ranking(0)
    exits = {full.arms[7].name: Exit(3, "dropped", True), full.arms[8].name: Exit(6, "left", False)}
    raced = without_what_did_not_run(full, exits)
    side = [METRICS[name] for name in ("roc_auc", "f1", "brier")]
    comparison = compare(raced, METRICS["log_loss"], seed=0, n_bootstrap=50, extra_metrics=side)
    for place, n_folds in ((7, 3), (8, 6)):
        row = comparison.row(full.arms[place])
        assert row.extra_metrics["roc_auc"] == pytest.approx(
            fold_scores(full, METRICS["roc_auc"], [place])[0][:n_folds].mean()
        )
        assert np.isfinite(row.extra_metrics["f1"])
    assert comparison.arms[-1].name == full.arms[7].name
    json.dumps(to_jsonable(comparison), allow_nan=False)


def test_every_arm_keeps_its_row_in_the_table(simulate_study, squared_error):
    full = simulate_study(0, offsets={9: 0.3, 10: 0.3})
    comparison = compare(race(full, squared_error), squared_error, seed=0, n_bootstrap=50)
    assert len(comparison.arms) == len(full.arms)
    assert all(np.isfinite([row.score, row.gain]).all() for row in comparison.arms)
    left = [row for row in comparison.arms if "its mix was not among the best 4 of xgboost" in row.why]
    assert left
    assert len(comparison.finalists) <= MAX_FINALISTS


def test_rankings_and_single_repeats_run_the_full_grid():
    assert is_raced(METRICS["log_loss"], n_repeats=2)
    assert not is_raced(METRICS["log_loss"], n_repeats=1)
    assert not is_raced(METRICS["roc_auc"], n_repeats=3)


def test_a_metric_with_a_tuned_threshold_is_not_raced():
    assert not is_raced(METRICS["cost"], n_repeats=3)
