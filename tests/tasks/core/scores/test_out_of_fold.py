from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.errors import BadInput, RealmixError
from realmix.tasks.core.mixes.arms import Arm, Exit, Mix
from realmix.tasks.core.scores.out_of_fold import (
    FoldScores,
    OutOfFold,
    RowScores,
    draw_scores,
    fold_gains,
    fold_scores,
    gains,
    served_threshold,
)
from realmix.tasks.metrics import METRICS


def test_a_missing_prediction_is_an_error_and_never_a_score(simulate_study):
    oof = simulate_study(0)
    predictions = oof.predictions.copy()
    predictions[6, 0, 0] = np.nan
    with pytest.raises(RealmixError, match="synthesizer-0"):
        dataclasses.replace(oof, predictions=predictions)


def test_auc_is_averaged_over_folds_and_never_pooled(simulate_ranking, roc_auc):
    from sklearn.metrics import roc_auc_score

    oof = simulate_ranking(0)
    by_hand = [
        roc_auc_score(oof.y[rows], oof.predictions[6, repeat, rows, 1]) for repeat, rows in oof.fold_rows
    ]
    comparison = compare(oof, roc_auc, seed=0)
    assert comparison.row(oof.arms[6]).score == pytest.approx(np.mean(by_hand))
    assert fold_scores(oof, roc_auc, [6])[0] == pytest.approx(by_hand)


def test_f1_of_several_classes_scores_the_most_probable_one():
    rng = np.random.default_rng(0)
    y, proba = np.arange(90) % 3, rng.dirichlet(np.ones(3), 90)
    folds = (np.arange(90) // 3 % 5)[None, :]
    oof = OutOfFold((Arm(Mix(), "linear"),), y, folds, proba[None, None], 72.0)
    by_hand = [METRICS["f1"].compute(y[rows], proba[rows], None) for _, rows in oof.fold_rows]
    assert fold_scores(oof, METRICS["f1"])[0] == pytest.approx(by_hand)


def test_auc_without_a_fold_of_both_classes_is_refused(simulate_ranking, roc_auc):
    oof = simulate_ranking(0)
    by_class = np.repeat(oof.y[None, :], oof.folds.shape[0], axis=0)
    with pytest.raises(BadInput, match="every class"):
        compare(dataclasses.replace(oof, folds=by_class), roc_auc, seed=0)


def test_predictions_of_another_shape_are_refused_with_the_one_expected(simulate_study):
    oof = simulate_study(0, n_rows=50, n_repeats=2)
    with pytest.raises(RealmixError, match=r"\(20, 2, 50\)"):
        dataclasses.replace(oof, predictions=oof.predictions[:, :, :49])
    with pytest.raises(RealmixError, match="No row was validated"):
        dataclasses.replace(oof, folds=np.full_like(oof.folds, -1))


def test_rows_count_once_however_often_they_were_validated(simulate_study):
    oof = simulate_study(0, n_rows=50, n_repeats=2)
    folds = oof.folds.copy()
    folds[0, :10], folds[:, 49] = -1, -1
    partly = dataclasses.replace(oof, folds=folds, predictions=np.where(folds < 0, np.nan, oof.predictions))
    assert partly.rows.tolist() == list(range(49))
    assert sum(len(rows) for _, rows in partly.fold_rows) == 39 + 49
    assert partly.n_validation == pytest.approx((39 + 49) / 10)


def test_a_mean_over_rows_is_the_same_by_folds_and_by_rows(simulate_study, squared_error):
    oof = simulate_study(0)
    by_row = RowScores(oof, squared_error).all_arms(np.ones((1, len(oof.rows))))[0]
    by_hand = (oof.predictions**2).mean(axis=(1, 2))
    assert by_row == pytest.approx(by_hand)
    assert fold_scores(oof, squared_error).mean(axis=1) == pytest.approx(by_hand), "folds are of one size"


def test_a_row_drawn_twice_counts_twice_and_one_left_out_not_at_all(simulate_study, squared_error):
    oof = simulate_study(0, n_rows=50)
    weights = np.random.default_rng(0).integers(0, 3, (4, 50)).astype(float)
    losses = (oof.predictions**2).mean(axis=1)
    scores = RowScores(oof, squared_error)
    every = scores.all_arms(weights)
    assert every == pytest.approx(weights @ losses.T / weights.sum(axis=1, keepdims=True))
    arms = np.array([0, 6, 6, 3])
    assert scores.of_arms(weights, arms) == pytest.approx(every[np.arange(4), arms])


def test_scores_of_a_ranking_of_one_arm_per_draw_are_those_of_all_arms(simulate_ranking, roc_auc):
    oof = simulate_ranking(0, n_rows=120)
    weights = np.random.default_rng(0).integers(0, 3, (5, 120)).astype(float)
    scores = FoldScores(oof, roc_auc, range(len(oof.arms)))
    arms = np.array([1, 6, 0, 6, 2])
    assert scores.of_arms(weights, arms) == pytest.approx(scores.all_arms(weights)[np.arange(5), arms])


def test_without_draws_of_its_own_a_metric_is_computed_draw_by_draw(roc_auc):
    rng = np.random.default_rng(0)
    y, chance = rng.integers(0, 2, 40), rng.random(40)
    proba, weights = np.column_stack([1 - chance, chance]), rng.integers(0, 3, (6, 40)).astype(float)
    slow = dataclasses.replace(roc_auc, compute_draws=None)
    assert draw_scores(slow, y, proba, weights) == pytest.approx(draw_scores(roc_auc, y, proba, weights))


def test_an_arm_has_no_score_after_its_exit(simulate_study, squared_error):
    oof = simulate_study(0)
    predictions = oof.predictions.copy()
    for repeat, rows in oof.fold_rows[5:]:
        predictions[6, repeat, rows] = np.nan
    left = dataclasses.replace(
        oof, predictions=predictions, exits={oof.arms[6].name: Exit(5, "beaten", is_beaten=True)}
    )
    scores = fold_scores(left, squared_error)
    assert np.isfinite(scores[6]).tolist() == [True] * 5 + [False] * 10
    assert np.isfinite(scores[7]).all()
    first = RowScores(left, squared_error)
    assert first.all_arms(np.ones((1, 200)))[0, 6] == pytest.approx((oof.predictions[6, 0] ** 2).mean())


@pytest.mark.parametrize(
    ("greater_is_better", "is_relative", "expected"),
    [(False, True, 0.25), (False, False, 0.2), (True, True, -0.25), (True, False, -0.2)],
)
def test_gains_are_positive_for_the_better_score(squared_error, greater_is_better, is_relative, expected):
    metric = dataclasses.replace(
        squared_error, greater_is_better=greater_is_better, margin_is_relative=is_relative
    )
    assert gains(metric, np.array([0.6]), np.array([0.8])) == pytest.approx([expected])


def test_gains_of_folds_are_shares_of_their_mean_so_that_they_average_to_the_whole(squared_error):
    score, reference = np.array([0.5, 3.0]), np.array([1.0, 4.0])
    by_fold = fold_gains(squared_error, score, reference)
    assert by_fold == pytest.approx([0.5 / 2.5, 1 / 2.5])
    assert by_fold.mean() == pytest.approx(gains(squared_error, score.mean(), reference.mean()))


def test_a_perfect_reference_makes_no_infinite_gain(squared_error):
    assert np.isfinite(gains(squared_error, np.array([0.0, 0.1]), np.array([0.0, 0.0]))).all()


def costed(oof: OutOfFold) -> OutOfFold:
    """Rows whose wrong decisions cost amounts of their own."""
    amounts = np.random.default_rng(1).exponential(20.0, len(oof.y))
    costs = np.column_stack([np.where(oof.y == 1, amounts, 0.0), np.where(oof.y == 1, 0.0, 3.0)])
    return dataclasses.replace(oof, costs=costs)


def test_costs_are_those_of_labels_whose_threshold_was_tuned_on_the_other_folds(simulate_ranking):
    oof, metric = costed(simulate_ranking(0)), METRICS["cost"]
    proba, folds = oof.predictions[6, 1], oof.folds[1]
    by_hand = []
    for fold in range(5):
        inside = folds == fold
        threshold = metric.best_threshold(oof.costs[~inside], proba[~inside, 1], np.ones((~inside).sum()))
        called = (proba[inside, 1] >= threshold).astype(int)
        by_hand.append(oof.costs[inside][np.arange(inside.sum()), called].mean())
    assert fold_scores(oof, metric, [6])[0, 5:] == pytest.approx(by_hand)
    every_row = np.ones((1, len(oof.y)))
    assert RowScores(oof, metric).all_arms(every_row)[0, 6] == pytest.approx(
        fold_scores(oof, metric, [6])[0].mean()
    )


def test_an_arm_is_served_at_one_threshold_tuned_on_all_its_rows_and_repeats(simulate_ranking):
    oof, metric = costed(simulate_ranking(0)), METRICS["cost"]
    p_positive = np.concatenate(list(oof.predictions[6, ..., 1]))
    expected = metric.best_threshold(np.tile(oof.costs, (2, 1)), p_positive, np.ones(2 * len(oof.y)))
    assert served_threshold(oof, metric, oof.arms[6]) == expected
    assert served_threshold(oof, METRICS["log_loss"], oof.arms[6]) is None


def test_by_costs_the_better_arm_wins_and_both_that_may_ship_have_a_threshold(simulate_ranking):
    oof = costed(simulate_ranking(0, strength=3.0, n_rows=600))
    comparison = compare(oof, METRICS["cost"], seed=0, n_bootstrap=50)
    assert comparison.winner == oof.arms[6] and comparison.promised_gain > 0.05
    assert set(comparison.thresholds) == {oof.arms[6].name, comparison.incumbent.name}
    assert compare(oof, METRICS["log_loss"], seed=0, n_bootstrap=20).thresholds == {}
