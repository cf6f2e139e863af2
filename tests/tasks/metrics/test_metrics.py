"""The contract of every metric in the registry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.metrics import METRICS
from tests.tasks.metrics.samples import predictions

NAMES = {
    "log_loss", "roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "brier",
    "calibration_error", "rmse", "mae", "r2",
}  # fmt: skip
cases = pytest.mark.parametrize(
    ("name", "task"), [(name, task) for name, spec in METRICS.items() for task in spec.tasks]
)


def perfect(task: str, y_true: np.ndarray) -> np.ndarray:
    return y_true if task == "regression" else np.eye(2 if task == "binary" else 3)[y_true]


def test_every_metric_of_the_product_is_there():
    assert set(METRICS) == NAMES


@cases
def test_a_perfect_prediction_reaches_the_better_bound_and_no_other_does(name, task):
    spec = METRICS[name]
    y_true, y_pred, weight = predictions(task)
    best = spec.bounds[1] if spec.greater_is_better else spec.bounds[0]
    assert spec.compute(y_true, perfect(task, y_true), None) == pytest.approx(best, abs=1e-12)
    worse = spec.compute(y_true, y_pred, weight)
    assert worse < best if spec.greater_is_better else worse > best


@cases
@given(random_state=st.integers(0, 10_000))
def test_scores_stay_within_their_bounds(name, task, random_state):
    spec = METRICS[name]
    y_true, y_pred, weight = predictions(task, random_state, n_rows=12)
    score = spec.compute(y_true, y_pred, weight)
    assert spec.bounds[0] <= score <= spec.bounds[1] and isinstance(score, float)


@cases
def test_a_whole_weight_is_a_repeated_row(name, task):
    spec = METRICS[name]
    y_true, y_pred, _ = predictions(task)
    times = np.arange(len(y_true)) % 3
    repeated = np.repeat(np.arange(len(y_true)), times)
    expected = spec.compute(y_true[repeated], y_pred[repeated], None)
    assert spec.compute(y_true, y_pred, times.astype(float)) == pytest.approx(expected)


@cases
def test_the_mean_of_row_losses_is_the_score(name, task):
    spec = METRICS[name]
    if spec.row_loss is None:
        pytest.skip("This score is no mean over rows.")
    y_true, y_pred, weight = predictions(task)
    losses = spec.row_loss(y_true, y_pred)
    assert losses.shape == y_true.shape and (losses >= 0).all()
    mean = np.average(losses, weights=weight)
    assert spec.from_mean_loss(mean) == pytest.approx(spec.compute(y_true, y_pred, weight))


@cases
def test_what_cannot_be_computed_is_not_a_number(name, task):
    spec = METRICS[name]
    y_true, y_pred, weight = predictions(task)
    assert np.isnan(spec.compute(y_true[:0], y_pred[:0], None))
    assert np.isnan(spec.compute(y_true, y_pred, 0 * weight))


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "balanced_accuracy", "f1"])
def test_one_class_in_the_truth_is_not_a_score_of_zero(name):
    y_pred = predictions("binary")[1]
    for code in (0, 1):
        assert np.isnan(METRICS[name].compute(np.full(len(y_pred), code), y_pred, None))


@cases
def test_margins_are_half_a_percent_of_losses_and_a_third_of_a_point_of_shares(name, task):
    spec = METRICS[name]
    expected = (0.005, True) if name in ("log_loss", "brier", "rmse", "mae") else (0.003, False)
    assert (spec.margin, spec.margin_is_relative) == expected
