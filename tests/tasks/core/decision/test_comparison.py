"""Who wins, and what is said of those who lost."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from realmix.tasks.core.decision.comparison import _bootstrap, compare
from realmix.tasks.core.decision.credit import Steps
from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.scores.out_of_fold import OutOfFold, fold_scores
from realmix.tasks.metrics import METRICS
from tests.cpu_time import cpu_seconds
from tests.tasks.core.conftest import constant_truth_in


def test_a_planted_arm_wins_and_every_row_of_the_table_says_why(simulate_study, squared_error):
    comparison = compare(simulate_study(0, offsets={6: -0.1}), squared_error, seed=0, n_bootstrap=200)
    assert comparison.winner.mix.synthesizer == "synthesizer-0"
    assert comparison.best_mix == comparison.winner
    assert comparison.incumbent.mix.role == "real_only"
    assert comparison.arms[0].name == comparison.winner.name
    assert comparison.arms[0].gain == pytest.approx(comparison.naive_gain)
    assert all(row.why for row in comparison.arms)
    assert comparison.row(comparison.incumbent).gain == 0
    assert len(comparison.finalists) == 4


def test_equal_predictions_go_to_real_only(simulate_study, squared_error):
    oof = simulate_study(0, offsets={0: -0.3})
    copied = oof.predictions.copy()
    copied[6] = copied[0]
    comparison = compare(dataclasses.replace(oof, predictions=copied), squared_error, seed=0, n_bootstrap=50)
    assert comparison.winner == comparison.incumbent == oof.arms[0]
    assert comparison.challenger_gain == 0
    assert comparison.p_value == 1.0
    assert "ties" in comparison.row(oof.arms[6]).why


def test_what_ships_is_what_was_tested(simulate_study, squared_error):
    """A luckier mix of another learner, within a standard error, neither wins nor is tested."""
    oof = simulate_study(3, offsets={7: -0.1, 6: -0.101}, noise=0.05)
    arms = list(oof.arms)
    arms[6] = Arm(arms[6].mix, "linear")
    predictions = oof.predictions.copy()
    rng = np.random.default_rng(0)
    predictions[6] = predictions[7] * np.sqrt(np.exp(rng.normal(0, 3.0, predictions[6].shape)))
    predictions[6] *= np.sqrt(0.98 * (predictions[7] ** 2).mean() / (predictions[6] ** 2).mean())
    noisy = dataclasses.replace(oof, arms=tuple(arms), predictions=predictions)
    comparison = compare(noisy, squared_error, seed=0, n_bootstrap=50)
    assert comparison.row(arms[6]).gain > comparison.row(arms[7]).gain
    assert comparison.winner == comparison.best_mix == arms[7]
    assert arms[7].name in comparison.finalists


def test_more_rows_prove_smaller_gains(simulate_study, squared_error):
    small, large = (
        compare(simulate_study(0, n_rows=n, noise=0.2), squared_error, seed=0, n_bootstrap=50)
        for n in (200, 3200)
    )
    assert large.smallest_provable_gain < small.smallest_provable_gain / 2


def test_sample_weights_decide_which_rows_count(simulate_study, squared_error):
    oof = simulate_study(0, noise=0.01)
    predictions = oof.predictions.copy()
    predictions[6, :, :100] *= 0.5
    predictions[6, :, 100:] *= 1.5
    for heavy, wins in ((slice(0, 100), True), (slice(100, 200), False)):
        weight = np.full(200, 0.01)
        weight[heavy] = 1.0
        weighted = dataclasses.replace(oof, predictions=predictions, sample_weight=weight)
        comparison = compare(weighted, squared_error, seed=0, n_bootstrap=50)
        assert (comparison.winner == oof.arms[6]) is wins


def test_grouped_rows_widen_the_interval(simulate_study, squared_error):
    oof = simulate_study(0, offsets={6: -0.05})
    predictions = np.repeat(oof.predictions[:, :, :20], 10, axis=2)
    repeated = dataclasses.replace(oof, predictions=predictions)
    grouped = dataclasses.replace(repeated, groups=np.repeat(np.arange(20), 10))
    alone, together = (
        compare(o, squared_error, seed=0, n_bootstrap=300).promise for o in (repeated, grouped)
    )
    width = [p.interval[1] - p.interval[0] for p in (alone, together)]
    assert width[1] > 2 * width[0]


def test_rows_never_validated_are_left_out(simulate_study, squared_error):
    oof = simulate_study(0, n_repeats=1)
    folds, predictions = oof.folds.copy(), oof.predictions.copy()
    folds[:, :50], predictions[:, :, :50] = -1, np.nan
    comparison = compare(
        dataclasses.replace(oof, folds=folds, predictions=predictions), squared_error, seed=0, n_bootstrap=50
    )
    assert comparison.n_rows == 150
    assert np.isfinite(comparison.promised_gain)


def test_a_study_without_candidates_keeps_real_only(simulate_study, squared_error):
    oof = simulate_study(0)
    bare = OutOfFold(oof.arms[:6], oof.y, oof.folds, oof.predictions[:6], oof.n_train)
    comparison = compare(bare, squared_error, seed=0, n_bootstrap=50)
    assert comparison.best_mix is None
    assert comparison.promised_gain == 0
    json.dumps(to_jsonable(comparison), allow_nan=False)


def test_the_comparison_is_strict_json(simulate_study, squared_error):
    oof = dataclasses.replace(simulate_study(0), disqualified={"ctgan/1/joint": "gave no rows"})
    comparison = compare(oof, squared_error, seed=0, n_bootstrap=50, extra_metrics=[squared_error])
    document = json.loads(json.dumps(to_jsonable(comparison), allow_nan=False))
    assert document["winner"]["model"] == comparison.winner.model
    assert document["disqualified"] == {"ctgan/1/joint": "gave no rows"}


def test_a_better_ranking_is_chosen_by_auc(simulate_ranking, roc_auc):
    comparison = compare(simulate_ranking(0, strength=2.0), roc_auc, seed=0)
    assert comparison.winner.mix.synthesizer == "synthesizer-0"
    assert comparison.promised_interval[0] > 0
    assert comparison.promise.n_draws == 200
    assert comparison.calibration_change is not None


def test_equal_rankings_promise_no_auc(simulate_ranking, roc_auc):
    promised = [compare(simulate_ranking(seed), roc_auc, seed=seed).promised_gain for seed in range(8)]
    assert np.mean(promised) == pytest.approx(0.0, abs=0.01)


def test_the_best_of_many_equal_rankings_promises_no_auc(simulate_ranking, roc_auc):
    """All arms must take part in the draws: a shortlist picked on all rows promises 0.005 here."""
    promised = [
        compare(
            simulate_ranking(seed, n_rows=200, n_repeats=1, n_candidates=120),
            roc_auc,
            seed=seed,
            n_bootstrap=60,
        ).promised_gain
        for seed in range(12)
    ]
    assert np.mean(promised) < 0.003


def test_every_arm_takes_part_in_the_draws_of_a_ranking(simulate_ranking, roc_auc):
    oof = simulate_ranking(0, n_candidates=20)
    case = ScoredArms(oof, roc_auc, frozenset({"class-prior"}))
    assert _bootstrap(case, Steps.of(case), 5, seed=0).in_bag.shape == (5, len(oof.arms))


def test_a_metric_undefined_in_some_folds_is_decided_on_the_others(simulate_study):
    oof = constant_truth_in(simulate_study(0, offsets={4: 0.1, 6: -0.5}), folds=[0])
    comparison = compare(oof, METRICS["r2"], seed=0, n_bootstrap=50)
    assert comparison.n_folds == 14
    assert comparison.winner == oof.arms[6]
    assert comparison.share_of_folds_won > 0.5
    assert comparison.p_corrected < 1
    numbers = ("promised_gain", "challenger_gain", "standard_error", "p_value", "smallest_provable_gain")
    assert np.isfinite([getattr(comparison, name) for name in numbers]).all()
    assert comparison.beats_duplicates is not None
    assert np.isfinite(comparison.beats_duplicates.interval).all()


def test_a_fold_that_weighs_nothing_has_no_say(simulate_study, squared_error):
    oof = simulate_study(0, n_repeats=1)
    weight = np.where(oof.folds[0] == 0, 0.0, 1.0)
    comparison = compare(
        dataclasses.replace(oof, sample_weight=weight), squared_error, seed=0, n_bootstrap=50
    )
    assert comparison.n_folds == 4


def test_the_smallest_provable_gain_is_that_of_the_test_over_all_arms(simulate_study, squared_error):
    """More arms that could be lucky ask for more; what it allows for is found significant."""
    few = simulate_study(0, offsets={6: -0.05}, noise=0.2)
    comparison = compare(few, squared_error, seed=0, n_bootstrap=400)
    alone = [i for i, arm in enumerate(few.arms) if arm.mix.role != "candidate" or i == 6]
    one = dataclasses.replace(few, arms=tuple(few.arms[i] for i in alone), predictions=few.predictions[alone])
    assert compare(one, squared_error, seed=0, n_bootstrap=400).smallest_provable_gain < (
        comparison.smallest_provable_gain
    )
    assert (comparison.challenger_gain >= comparison.smallest_provable_gain) <= (comparison.p_max <= 0.05)


def test_f1_does_not_depend_on_where_an_arm_s_probabilities_lie(simulate_ranking):
    """A threshold tuned on the other folds finds what 0.5 misses, as deciding and as side metric."""
    oof = simulate_ranking(0)
    predictions = oof.predictions.copy()
    predictions[6, ..., 1] = predictions[0, ..., 1] / 3
    predictions[6, ..., 0] = 1 - predictions[6, ..., 1]
    shifted = dataclasses.replace(oof, predictions=predictions)
    scores = fold_scores(shifted, METRICS["f1"]).mean(axis=1)
    assert scores[6] == pytest.approx(scores[0], abs=0.02)
    assert scores[6] > 0.5
    deciding = compare(shifted, METRICS["f1"], seed=0, n_bootstrap=20)
    side = compare(shifted, METRICS["log_loss"], seed=0, n_bootstrap=20, extra_metrics=[METRICS["f1"]])
    assert deciding.row(oof.arms[6]).score == pytest.approx(scores[6])
    assert side.row(oof.arms[6]).extra_metrics["f1"] == pytest.approx(scores[6])


def test_a_ranking_of_a_hundred_arms_takes_seconds(simulate_ranking, roc_auc):
    oof = simulate_ranking(0, n_rows=2000, n_repeats=3, n_candidates=94)
    assert cpu_seconds(lambda: compare(oof, roc_auc, seed=0)) < 8, "a third of 25 s for 300 arms"


def test_four_hundred_arms_take_seconds(simulate_study, squared_error):
    oof = simulate_study(0, n_rows=2000, n_candidates=394)
    assert cpu_seconds(lambda: compare(oof, squared_error, seed=0)) < 6, "twice the goal of 3 s"
