"""A metric is tried on made-up rows before a study relies on it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.metrics import METRICS
from realmix.tasks.metrics._checking import check_computable


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_of_ours_passes(name):
    check_computable(METRICS[name])


def broken(y_true, y_pred, sample_weight):
    raise NameError("no such thing")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"compute": broken}, "NameError: no such thing"),
        ({"compute": lambda y_true, y_pred: 0.0}, "TypeError"),
        ({"compute": lambda y_true, y_pred, sample_weight: None}, "TypeError"),
        ({"row_loss": lambda y_true, y_pred: np.zeros(2)}, "no number per row"),
        ({"compute_draws": lambda y_true, y_pred, weights: np.zeros(3)}, "ValueError"),
        ({"compute_draws": lambda y_true, y_pred, weights: np.zeros(2)}, "another score than compute"),
    ],
)
def test_one_that_would_break_a_study_is_named_with_its_error(changes, reason):
    with pytest.raises(BadInput, match=f"The metric 'accuracy' failed on six made-up rows .*{reason}"):
        check_computable(dataclasses.replace(METRICS["accuracy"], **changes))


def test_a_threshold_that_nothing_tunes_is_refused():
    with pytest.raises(BadInput, match="no `best_threshold`"):
        check_computable(dataclasses.replace(METRICS["f1"], best_threshold=None))
