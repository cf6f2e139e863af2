"""What rows bring and cost, as they come and of a slice."""

from __future__ import annotations

import json

import numpy as np
import pytest

from realmix.tasks.core.scores.collecting import Scored, ScoredSlice, describe_collecting, round_steps
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.metrics import METRICS

N_ROWS = 1280 * np.array([0.25, 2**-1.5, 0.5, 2**-0.5, 1])
CARD = DataCard(target="y", price_per_row=3, days_per_row=0.01)


def scored(metric="log_loss", *, scale=3.0, n_rows=N_ROWS):
    noise = 0.003 * np.random.default_rng(0).normal(size=(len(n_rows), 10))
    error = (0.2 + scale * n_rows**-0.6)[:, None] + noise
    better = METRICS[metric].greater_is_better
    return Scored(n_rows, 1 - error if better else error, METRICS[metric], n_fitted=1280, overlap=0.25)


def describe(slices=(), card=CARD, metric="log_loss", n_all=2000, **changes):
    return describe_collecting(scored(metric, **changes), slices, card, arm="real-only/linear", n_all=n_all)


def test_every_step_has_its_gain_chance_and_cost():
    found = describe()
    json.dumps(found, allow_nan=False)
    assert [step["n_more"] for step in found["steps"]] == [100, 200, 500, 1000, 2000]
    gains = [step["gain"] for step in found["steps"]]
    chances = [step["chance_below"] for step in found["steps"]]
    assert gains == sorted(gains) and chances == sorted(chances, reverse=True)
    for step in found["steps"]:
        assert 0 < step["interval"][0] < step["gain"] < step["interval"][1]
        assert step["money"] == 3 * step["n_more"] and step["days"] == step["n_more"] / 100
    assert (found["worthwhile"], found["currency"], found["measured_to"]) == (0.01, "EUR", 1280)


def test_without_a_price_nothing_costs():
    found = describe(card=DataCard(target="y"))
    assert found["currency"] is None
    assert all(step["money"] is step["days"] is None for step in found["steps"])


def test_gains_of_shares_are_points_and_so_is_what_is_worthwhile():
    found = describe(metric="roc_auc")
    truth = 3.0 * (2000**-0.6 - 4000**-0.6)
    assert found["worthwhile"] == pytest.approx(0.006)
    low, high = found["steps"][-1]["interval"]
    assert low < truth < high


def test_a_step_more_than_four_times_beyond_the_measured_rows_is_a_guess():
    assert not any(step["is_guess"] for step in describe(n_all=2560)["steps"])
    assert [step["is_guess"] for step in describe(n_all=3000)["steps"]] == [False, False, False, False, True]
    assert all(step["is_guess"] for step in describe(n_all=50_000)["steps"])


def test_a_slice_weighs_as_much_as_its_share_of_the_loss():
    of_slice = scored(n_rows=np.array([40.0, 80.0, 160.0]))
    (found,) = describe([ScoredSlice("plan: basic", 250, of_slice, weight=0.3)])["slices"]
    assert (found["name"], found["n_rows"], found["n_more"], found["money"]) == ("plan: basic", 250, 200, 600)
    assert found["overall_gain"] == pytest.approx(0.3 * found["gain"])
    assert found["metric"] == "log_loss" and found["margin_is_relative"]


def test_the_curve_of_the_figure_runs_from_the_first_measured_rows_to_twice_the_table():
    found = describe()
    assert [point["n_rows"] for point in found["measured"]] == [320, 453, 640, 905, 1280]
    assert (found["curve"][0]["n_rows"], found["curve"][-1]["n_rows"]) == (320, 4000)
    assert all(point["low"] <= point["score"] <= point["high"] for point in found["curve"])


@pytest.mark.parametrize(
    ("n_rows", "steps"),
    [(60, [10, 20, 50]), (200, [10, 20, 50, 100]), (5000, [200, 500, 1000, 2000]), (11, [10])],
)
def test_steps_are_round_and_smaller_than_the_table(n_rows, steps):
    assert round_steps(n_rows) == steps
