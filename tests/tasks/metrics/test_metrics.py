"""The contract of every metric in the registry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.metrics import METRICS, metric_for, metrics_for
from realmix.tasks.metrics._classes import unit_costs
from realmix.tasks.metrics.recall_at_alert_rate import recall_at
from tests.tasks.metrics.samples import predictions

NAMES = {
    "log_loss", "roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "brier",
    "calibration_error", "rmse", "mae", "r2", "cost", "recall_at_alert_rate",
}  # fmt: skip
cases = pytest.mark.parametrize(
    ("name", "task"), [(name, task) for name, spec in METRICS.items() for task in spec.tasks]
)


def truth(spec: MetricSpec, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    return unit_costs(y_true, y_pred.shape[1]) if spec.scores_costs else y_true


def perfect(task: str, y_true: np.ndarray) -> np.ndarray:
    return y_true if task == "regression" else np.eye(2 if task == "binary" else 3)[y_true]


def test_every_metric_of_the_product_is_there():
    assert set(METRICS) == NAMES


@cases
def test_a_perfect_prediction_reaches_the_better_bound_and_no_other_does(name, task):
    spec = METRICS[name]
    y_true, y_pred, weight = predictions(task)
    best = spec.bounds[1] if spec.greater_is_better else spec.bounds[0]
    if name == "recall_at_alert_rate":  # as many alerts as there are rows to find
        spec = recall_at(float((y_true == 1).mean()))
    of_rows = truth(spec, y_true, y_pred)
    assert spec.compute(of_rows, perfect(task, y_true), None) == pytest.approx(best, abs=1e-12)
    worse = spec.compute(of_rows, y_pred, weight)
    assert worse < best if spec.greater_is_better else worse > best


@cases
@given(random_state=st.integers(0, 10_000))
def test_scores_stay_within_their_bounds(name, task, random_state):
    spec = METRICS[name]
    y_true, y_pred, weight = predictions(task, random_state, n_rows=12)
    score = spec.compute(truth(spec, y_true, y_pred), y_pred, weight)
    assert spec.bounds[0] <= score <= spec.bounds[1] and isinstance(score, float)


@cases
def test_a_whole_weight_is_a_repeated_row(name, task):
    spec = METRICS[name]
    y_true, y_pred, _ = predictions(task)
    y_true = truth(spec, y_true, y_pred)
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
    y_true = truth(spec, y_true, y_pred)
    losses = spec.row_loss(y_true, y_pred)
    assert losses.shape == weight.shape and (losses >= 0).all()
    mean = np.average(losses, weights=weight)
    assert spec.from_mean_loss(mean) == pytest.approx(spec.compute(y_true, y_pred, weight))


@cases
def test_what_cannot_be_computed_is_not_a_number(name, task):
    spec = METRICS[name]
    y_true, y_pred, weight = predictions(task)
    y_true = truth(spec, y_true, y_pred)
    assert np.isnan(spec.compute(y_true[:0], y_pred[:0], None))
    assert np.isnan(spec.compute(y_true, y_pred, 0 * weight))


@pytest.mark.parametrize(
    "name", ["roc_auc", "average_precision", "balanced_accuracy", "f1", "recall_at_alert_rate"]
)
def test_one_class_in_the_truth_is_not_a_score_of_zero(name):
    y_pred = predictions("binary")[1]
    for code in (0, 1):
        assert np.isnan(METRICS[name].compute(np.full(len(y_pred), code), y_pred, None))


@cases
def test_margins_are_half_a_percent_of_losses_and_a_third_of_a_point_of_shares(name, task):
    spec = METRICS[name]
    expected = (0.005, True) if name in ("log_loss", "brier", "rmse", "mae", "cost") else (0.003, False)
    assert (spec.margin, spec.margin_is_relative) == expected


def test_a_metric_that_the_card_gives_nothing_for_is_refused_and_not_reported():
    bare = DataCard(target="y")
    costs = {"yes": {"no": 100}, "no": {"yes": 5}}
    assert not {"cost", "recall_at_alert_rate"} & {spec.name for spec in metrics_for("binary", bare)}
    with pytest.raises(BadInput, match="metric 'cost' needs `costs` in the data card"):
        metric_for("cost", bare)
    card = DataCard(target="y", costs=costs, alert_rate=0.5)
    assert {"cost", "recall_at_alert_rate"} < {spec.name for spec in metrics_for("binary", card)}
    assert not {"cost", "recall_at_alert_rate"} & {spec.name for spec in metrics_for("regression", card)}


def test_the_alert_rate_is_that_of_the_card():
    y_true, p_positive = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.9])
    y_pred = np.column_stack([1 - p_positive, p_positive])
    found = {
        rate: metric_for("recall_at_alert_rate", DataCard(target="y", alert_rate=rate)).compute(
            y_true, y_pred, None
        )
        for rate in (0.125, 0.25, 0.5, 0.75)
    }
    assert found == {0.125: 0.25, 0.25: 0.5, 0.5: 0.5, 0.75: 1.0}
