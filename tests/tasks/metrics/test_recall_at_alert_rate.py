import numpy as np
import pytest

from realmix.tasks.metrics.recall_at_alert_rate import recall_at


def two(p_positive):
    return np.column_stack([1 - p_positive, p_positive])


def test_only_the_riskiest_rows_count():
    y, p = np.array([1, 0, 1, 0, 1, 0, 0, 0, 0, 0]), np.linspace(1, 0, 10)
    assert recall_at(0.1).compute(y, two(p), None) == pytest.approx(1 / 3)
    assert recall_at(0.3).compute(y, two(p), None) == pytest.approx(2 / 3)
    assert recall_at(0.5).compute(y, two(p), None) == pytest.approx(1)


def test_a_constant_finds_the_rate_itself():
    y = np.arange(40) % 4 == 0
    assert recall_at(0.05).compute(y.astype(int), two(np.full(40, 0.25)), None) == pytest.approx(0.05)


def test_weights_count_for_the_rate_and_for_what_is_found():
    y, p, weight = np.array([1, 0, 1]), np.array([0.9, 0.5, 0.4]), np.array([2.0, 6.0, 2.0])
    assert recall_at(0.2).compute(y, two(p), weight) == pytest.approx(0.5)
    assert recall_at(0.1).compute(y, two(p), weight) == pytest.approx(0.25)


def test_the_served_threshold_alerts_at_the_rate():
    rng = np.random.default_rng(0)
    p, y = rng.random(200), rng.integers(0, 2, 200)
    threshold = recall_at(0.05).best_threshold(y, p, np.ones(200))
    assert (p >= threshold).sum() == 10
