"""Shifted labels: their mean is the prior asked for, and nothing but intercepts changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.mixes.label_priors import repair_priors, shift_to_prior


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.floats(0.2, 8), st.integers(0, 1000))
def test_the_mean_label_is_the_prior(n_classes, confidence, seed):
    rng = np.random.default_rng(seed)
    logits = confidence * rng.normal(size=(300, n_classes))
    labels = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    prior = rng.dirichlet(np.ones(n_classes)) * 0.9 + 0.1 / n_classes
    weight = rng.random(300)
    shifted = shift_to_prior(labels, prior, weight)
    assert np.average(shifted, axis=0, weights=weight) == pytest.approx(prior, abs=1e-5)
    assert shifted.sum(axis=1) == pytest.approx(np.ones(300))


def test_labels_of_the_right_prior_stay_as_they_are():
    labels = np.random.default_rng(0).dirichlet([2, 3, 4], 200)
    assert shift_to_prior(labels, labels.mean(axis=0), np.ones(200)) == pytest.approx(labels, abs=1e-5)


def test_all_rows_are_shifted_by_the_same_log_odds():
    labels = np.random.default_rng(0).dirichlet([2, 3], 200)
    shifted = shift_to_prior(labels, np.array([0.8, 0.2]), np.ones(200))
    before, after = (np.log(p[:, 0] / p[:, 1]) for p in (labels, shifted))
    assert np.ptp(after - before) == pytest.approx(0, abs=1e-9)


def test_a_class_of_no_share_gets_no_probability_and_no_rows_stay_no_rows():
    assert shift_to_prior(np.full((3, 2), 0.5), np.array([0.0, 1.0]), np.ones(3)).tolist() == [[0.0, 1.0]] * 3
    assert shift_to_prior(np.zeros((0, 2)), np.array([0.5, 0.5]), np.ones(0)).shape == (0, 2)


def test_a_raised_class_gets_the_shift_of_the_population():
    """Half of the pool is drawn as a class of one row in ten; its labels are no more of that class for it."""
    rng = np.random.default_rng(0)
    drawn = np.arange(4000) % 2
    biased = 1 / (1 + np.exp(-(rng.normal(2.0 * drawn - 2.5, 0.7) + 1.0)))
    labels = np.column_stack([1 - biased, biased])
    shifted = repair_priors(labels, drawn, np.array([90.0, 10.0]))
    by_class = [shifted[drawn == code, 1].mean() for code in (0, 1)]
    assert 0.9 * by_class[0] + 0.1 * by_class[1] == pytest.approx(0.1, abs=1e-6)
    assert shifted[:, 1].mean() > 0.12
