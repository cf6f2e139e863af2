"""The gain on the holdout, and what is said of it beside the promise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.decision import holdout_gain as module
from realmix.tasks.core.decision.holdout_gain import (
    describe_holdout,
    describe_real_only_holdout,
    prediction_interval,
    score_holdout,
)
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.scores.draws import small_sample_factor
from realmix.tasks.core.scores.out_of_fold import fold_scores, served_threshold
from realmix.tasks.metrics import METRICS


def test_the_holdout_scores_both_models_on_the_same_rows(squared_error):
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    real_only = y + rng.normal(size=400)
    mix = y + 0.9 * (real_only - y)
    scored = score_holdout(y, mix, real_only, squared_error, seed=0)
    assert scored["gain"] == pytest.approx(1 - 0.81)
    assert scored["interval"] == pytest.approx([0.19, 0.19])
    low, high = scored["real_only"]["interval"]
    assert low < scored["real_only"]["score"] < high


def test_a_ranking_metric_is_scored_on_the_holdout(roc_auc):
    rng = np.random.default_rng(0)
    y = (rng.random(300) < 0.3).astype(int)
    weak, strong = (1 / (1 + np.exp(-(s * (2 * y - 1) + rng.normal(size=300)))) for s in (0.5, 1.5))
    scored = score_holdout(
        y, np.column_stack([1 - strong, strong]), np.column_stack([1 - weak, weak]), roc_auc, seed=0
    )
    assert scored["gain"] == pytest.approx(scored["mix"]["score"] - scored["real_only"]["score"])
    assert scored["interval"][0] > 0


def test_groups_of_the_holdout_are_drawn_together(squared_error):
    rng = np.random.default_rng(0)
    y, real_only = np.zeros(400), rng.normal(size=20).repeat(20)
    mix = real_only * rng.uniform(0.8, 1.0, size=20).repeat(20)
    alone = score_holdout(y, mix, real_only, squared_error, seed=0)
    grouped = score_holdout(y, mix, real_only, squared_error, 0, np.arange(20).repeat(20))
    assert grouped["standard_error"] > 2 * alone["standard_error"]


def test_a_realised_gain_is_held_against_an_interval_for_its_own_sample(planted):
    near = {"n_rows": 200, "gain": planted.promised_gain, "interval": [0, 0.2], "standard_error": 0.02}
    near["decisions_served"] = [1, 1]
    promised = planted.promised_gain, planted.promised_interval
    described = describe_holdout(*promised, near, is_relative=True)
    low, high = described["prediction_interval"]
    assert low < planted.promised_interval[0] < planted.promised_interval[1] < high
    assert described["inside_interval"]
    far = describe_holdout(*promised, {**near, "gain": -0.5}, is_relative=True)
    assert not far["inside_interval"]
    assert "OUTSIDE" in far["sentence"]
    assert "decisions" not in far["sentence"]
    used = describe_holdout(*promised, {**near, "decisions_served": [2, 5]}, is_relative=True)
    assert used["sentence"].endswith(
        "have now served 2 to 5 decisions: the more often, the less a good score says."
    )


def test_a_huge_holdout_adds_nothing_to_the_promised_interval():
    assert prediction_interval(0.02, (0.01, 0.04), 0.0) == pytest.approx((0.01, 0.04))


def test_the_same_seed_gives_the_same_interval_and_rows_are_weighed(squared_error):
    y, mix = np.zeros(50), np.r_[np.full(25, 1.0), np.full(25, 2.0)]
    real_only = np.full(50, 2.0)
    plain = score_holdout(y, mix, real_only, squared_error, seed=0)
    assert plain == score_holdout(y, mix, real_only, squared_error, seed=0)
    assert plain["mix"]["score"] == pytest.approx(2.5) and plain["gain"] == pytest.approx(1.5 / 4)
    weight = np.r_[np.full(25, 3.0), np.full(25, 1.0)]
    weighted = score_holdout(y, mix, real_only, squared_error, seed=0, sample_weight=weight)
    assert weighted["mix"]["score"] == pytest.approx(1.75)


@pytest.mark.parametrize("n_rows", [0, 1])
def test_a_holdout_without_rows_to_compare_is_refused_with_their_number(squared_error, n_rows):
    y = np.zeros(n_rows)
    with pytest.raises(BadInput, match=f"{n_rows} rows"):
        score_holdout(y, y, y, squared_error, seed=0)


def test_where_real_only_ships_nothing_is_said_of_a_mix():
    scored = {"n_rows": 150, "real_only": {"score": 0.8, "interval": [0.7, 0.9]}, "decisions_served": [2, 2]}
    described = describe_real_only_holdout(scored, "roc_auc")
    empty = (
        "mix",
        "gain",
        "interval",
        "standard_error",
        "promised",
        "prediction_interval",
        "inside_interval",
    )
    assert all(described[name] is None for name in empty)
    assert described["real_only"]["score"] == 0.8
    assert "150 rows" in described["sentence"] and "2 decisions" in described["sentence"]


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_prediction_interval_is_never_narrower_than_the_promise(promised, below, above, error):
    low, high = prediction_interval(promised, (promised - below, promised + above), error)
    assert low <= promised - below + 1e-9 and high >= promised + above - 1e-9
    assert min(high - promised, promised - low) >= 1.6 * error - 1e-9


def test_a_model_that_loses_to_a_constant_is_said_to_and_one_that_does_not_is_not():
    scored = {"n_rows": 150, "real_only": {"score": 0.8, "interval": [0.7, 0.9]}, "decisions_served": [1, 1]}
    lost = describe_real_only_holdout(scored | {"constant": 0.6, "loses_to_constant": True}, "log_loss")
    assert "Warning: a constant, which knows no feature, scored 0.6 on them" in lost["sentence"]
    assert lost["constant"] == 0.6 and lost["loses_to_constant"]
    won = describe_real_only_holdout(scored | {"constant": 0.9, "loses_to_constant": False}, "log_loss")
    assert "Warning" not in won["sentence"]


@pytest.mark.parametrize(("metric", "n_units"), [("log_loss", 12), ("roc_auc", 12), ("rmse", 60)])
def test_the_interval_of_few_rows_reaches_as_far_as_their_rarest_class_asks(metric, n_units, monkeypatch):
    rng = np.random.default_rng(0)
    y, odds = np.arange(60) % 5 == 0, rng.normal(size=(2, 60))
    chances = 1 / (1 + np.exp(1 - 2 * y - odds))
    predicted = chances if metric == "rmse" else np.stack([1 - chances, chances], axis=-1)
    rows = (y.astype(float if metric == "rmse" else int), predicted[0], predicted[1], METRICS[metric])
    found = score_holdout(*rows, seed=0)
    monkeypatch.setattr(module, "small_sample_factor", lambda n_units: 1.0)
    plain = score_holdout(*rows, seed=0)
    assert found["gain"] == plain["gain"]
    reach = small_sample_factor(n_units) * (np.array(plain["interval"]) - plain["gain"])
    assert found["interval"] == pytest.approx(found["gain"] + reach)
    assert np.diff(found["interval"]) > 1.02 * np.diff(plain["interval"])


@pytest.mark.parametrize("name", ["f1", "cost"])
def test_the_same_predictions_score_the_same_on_validation_rows_and_on_the_holdout(simulate_ranking, name):
    """Of a rare class hardly any probability reaches 0.5: the holdout must be labelled as it is served."""
    metric, oof = METRICS[name], simulate_ranking(0, n_rows=2000)
    positive = oof.predictions[..., 1] / 4
    costs = np.where(np.arange(2) == oof.y[:, None], 0.0, np.where(oof.y[:, None] == 1, 10.0, 3.0))
    rare = dataclasses.replace(oof, predictions=np.stack([1 - positive, positive], axis=-1), costs=costs)
    threshold = served_threshold(rare, metric, rare.arms[6])
    on_validation = fold_scores(rare, metric, [6]).mean()
    same = rare.predictions[6, 0]
    served = score_holdout(oof.y, same, same, metric, 0, costs=costs, thresholds=(threshold, threshold))
    assert served["mix"]["score"] == pytest.approx(on_validation, rel=0.05)
    assert served["gain"] == 0
    at_a_half = score_holdout(oof.y, same, same, metric, 0, costs=costs)["mix"]["score"]
    worse = (
        served["mix"]["score"] - at_a_half if metric.greater_is_better else at_a_half - served["mix"]["score"]
    )
    assert threshold < 0.2 and worse > 0.3


def test_each_model_is_labelled_at_its_own_threshold():
    y, p = np.array([0, 0, 1, 1] * 20), np.array([0.1, 0.2, 0.3, 0.4] * 20)
    mix, real_only = np.column_stack([1 - p, p]), np.column_stack([1 - 2 * p, 2 * p])
    scored = score_holdout(y, mix, real_only, METRICS["f1"], seed=0, thresholds=(0.25, 0.7))
    assert scored["mix"]["score"] == 1
    assert scored["real_only"]["score"] == pytest.approx(2 / 3)
