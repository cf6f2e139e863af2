"""Mixes try the trials that are best on real rows, on matrices whose truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np

from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.decision.tuned_trials import best_trials
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.scores.out_of_fold import OutOfFold


def with_losses(full: OutOfFold, losses: dict[Arm, float]) -> OutOfFold:
    """The study of these arms, each with the same loss on every row."""
    levels = np.sqrt(np.array(list(losses.values())))[:, None, None]
    return dataclasses.replace(
        full, arms=tuple(losses), predictions=np.broadcast_to(levels, (len(losses), *full.folds.shape))
    )


def test_mixes_try_the_trials_that_were_best_on_real_rows_with_labels_of_their_kind(
    simulate_study, squared_error
):
    distilled, mixed = Mix(label_rule="teacher"), Mix("smote")
    losses = {Arm(Mix(), "linear", t): loss for t, loss in enumerate([4.0, 3.0, 1.0, 2.0])}
    losses |= {Arm(distilled, "linear", t): loss for t, loss in enumerate([1.0, 2.0, 3.0, 4.0])}
    losses |= {Arm(Mix(), "xgboost"): 5.0, Arm(mixed, "linear", 1): 0.1}
    oof = with_losses(simulate_study(0), losses)
    assert best_trials(oof, squared_error, 2) == {
        ("linear", "joint"): [2, 3],
        ("linear", "teacher"): [0, 1],
        ("xgboost", "joint"): [0],
    }


def test_the_best_trials_of_a_score_are_the_highest(simulate_ranking, roc_auc):
    full = simulate_ranking(0, strength=2.0)
    arms = tuple(Arm(Mix(), "xgboost", place) for place in range(len(full.arms)))
    assert best_trials(dataclasses.replace(full, arms=arms), roc_auc, 1) == {("xgboost", "joint"): [6]}


def test_a_draw_may_choose_only_mixes_whose_trials_are_best_on_its_own_real_rows(
    simulate_study, squared_error
):
    """Two trials of real only, each good on half of the rows, and a mix of the one that is better on all."""
    full = simulate_study(0)
    arms = (Arm(Mix(), "xgboost"), Arm(Mix(), "xgboost", 1), Arm(Mix("smote"), "xgboost"))
    is_late = np.arange(len(full.y)) >= len(full.y) // 2
    levels = np.array([np.where(is_late, 2.0, 1.0), np.where(is_late, 1.0, 2.5), np.full(len(full.y), 0.5)])
    predictions = np.repeat(levels[:, None, :], full.folds.shape[0], axis=1)
    oof = dataclasses.replace(full, arms=arms, predictions=predictions)
    case = ScoredArms(oof, squared_error, frozenset())
    weights = np.array([np.ones(len(full.y)), ~is_late, is_late], dtype=float)
    chosen = case.eligible(weights, case.row_scores.all_arms(weights))
    assert chosen.tolist() == [[False, False, True], [False, False, True], [False, False, False]]
