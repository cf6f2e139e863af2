"""The contract of every metric in the registry, and scikit-learn's own values."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.metrics import METRICS

NAMES = {
    "log_loss", "roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "brier",
    "calibration_error", "rmse", "mae", "r2",
}  # fmt: skip
cases = pytest.mark.parametrize(
    ("name", "task"), [(name, task) for name, spec in METRICS.items() for task in spec.tasks]
)


def predictions(
    task: str, random_state: int = 0, n_rows: int = 60
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, predictions that know some of it, and weights."""
    random = np.random.default_rng(random_state)
    weight = random.uniform(0.5, 2, n_rows)
    if task == "regression":
        y_true = random.normal(5, 2, n_rows)
        return y_true, y_true + random.normal(0, 1, n_rows), weight
    n_classes = 2 if task == "binary" else 3
    y_true = np.concatenate([np.arange(n_classes), random.integers(0, n_classes, n_rows - n_classes)])
    scores = np.exp(random.normal(0, 1, (n_rows, n_classes)) + 0.8 * np.eye(n_classes)[y_true])
    return y_true, scores / scores.sum(axis=1, keepdims=True), weight


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


def test_r2_of_a_constant_truth_is_undefined():
    assert np.isnan(METRICS["r2"].compute(np.ones(4), np.arange(4.0), None))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("log_loss", lambda y, p, w: reference.log_loss(y, p, sample_weight=w)),
        ("roc_auc", lambda y, p, w: reference.roc_auc_score(y, p[:, 1], sample_weight=w)),
        ("average_precision", lambda y, p, w: reference.average_precision_score(y, p[:, 1], sample_weight=w)),
        ("accuracy", lambda y, p, w: reference.accuracy_score(y, p.argmax(1), sample_weight=w)),
        (
            "balanced_accuracy",
            lambda y, p, w: reference.balanced_accuracy_score(y, p.argmax(1), sample_weight=w),
        ),
        ("f1", lambda y, p, w: reference.f1_score(y, p.argmax(1), sample_weight=w)),
        ("brier", lambda y, p, w: reference.brier_score_loss(y, p[:, 1], sample_weight=w)),
    ],
)
def test_binary_scores_are_scikit_learn_s(name, expected):
    y_true, y_pred, weight = predictions("binary")
    assert METRICS[name].compute(y_true, y_pred, weight) == pytest.approx(expected(y_true, y_pred, weight))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("log_loss", lambda y, p: reference.log_loss(y, p)),
        ("roc_auc", lambda y, p: reference.roc_auc_score(y, p, multi_class="ovr", average="macro")),
        (
            "average_precision",
            lambda y, p: reference.average_precision_score(np.eye(3)[y], p, average="macro"),
        ),
        ("f1", lambda y, p: reference.f1_score(y, p.argmax(1), average="macro")),
        ("brier", lambda y, p: reference.brier_score_loss(y, p, scale_by_half=True)),
    ],
)
def test_scores_of_three_classes_are_scikit_learn_s(name, expected):
    y_true, y_pred, _ = predictions("multiclass")
    assert METRICS[name].compute(y_true, y_pred, None) == pytest.approx(expected(y_true, y_pred))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rmse", reference.root_mean_squared_error),
        ("mae", reference.mean_absolute_error),
        ("r2", reference.r2_score),
    ],
)
def test_regression_scores_are_scikit_learn_s(name, expected):
    y_true, y_pred, weight = predictions("regression")
    score = METRICS[name].compute(y_true, y_pred, weight)
    assert score == pytest.approx(expected(y_true, y_pred, sample_weight=weight))


def test_calibration_error_weighs_each_bin_by_its_rows():
    y_true = np.array([1, 0, 0, 0, 1])
    positive = np.array([0.85, 0.85, 0.15, 0.15, 0.95])
    # Bins: two rows at 0.85 with half positive, two at 0.15 with none, one at 0.95.
    expected = (2 * 0.35 + 2 * 0.15 + 1 * 0.05) / 5
    y_pred = np.column_stack([1 - positive, positive])
    assert METRICS["calibration_error"].compute(y_true, y_pred, None) == pytest.approx(expected)


def test_calibration_error_of_three_classes_looks_at_the_most_probable_one():
    y_pred = np.array([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1]])
    assert METRICS["calibration_error"].compute(np.array([0, 1]), y_pred, None) == pytest.approx(0.1)


@cases
def test_margins_are_half_a_percent_of_losses_and_a_third_of_a_point_of_shares(name, task):
    spec = METRICS[name]
    expected = (0.005, True) if name in ("log_loss", "brier", "rmse", "mae") else (0.003, False)
    assert (spec.margin, spec.margin_is_relative) == expected
