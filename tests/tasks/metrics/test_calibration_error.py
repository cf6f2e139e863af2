from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.metrics import METRICS


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
