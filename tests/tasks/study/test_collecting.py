"""What more rows of the bundled table, and of its declared slices, would bring."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.scores.out_of_fold import served_threshold
from realmix.tasks.core.scores.rows_saved import LearningCurve
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.fits.scope import Scope
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.study.collecting import collecting, large_slices, measure_slices
from realmix.tasks.study.development import Development

LINEAR = Arm(Mix(), "linear")
SIZES = np.array([67.0, 94.0, 133.0, 189.0, 267.0])


def curve(n_folds=3):
    scores = (0.2 + SIZES**-0.5)[:, None] + np.linspace(-0.01, 0.01, n_folds)
    return LearningCurve(SIZES, scores, scores[2], SIZES[2], greater_is_better=False)


@pytest.fixture(scope="module")
def found(raced):
    folder, layout, development, oof, _ = raced
    with LocalWorkers(1):
        return collecting(folder, layout, development, oof, curve(), LINEAR, LINEAR)


def test_all_rows_of_the_table_are_where_collecting_starts(found):
    json.dumps(found, allow_nan=False)
    assert (found["n_rows"], found["measured_to"]) == (400, 267)
    assert [step["n_more"] for step in found["steps"]] == [20, 50, 100, 200, 400]
    assert found["steps"][0]["money"] == 40


def test_every_declared_slice_with_enough_rows_has_its_own_gain(raced, found):
    development = raced[2]
    counts = development.declared["marital"].value_counts()
    large = {f"marital: {level}": n for level, n in counts.items() if n >= 50}
    assert {each["name"] for each in found["slices"]} == set(large) and len(large) >= 2
    for each in found["slices"]:
        share = large[each["name"]] / len(development.y)
        assert each["n_rows"] == pytest.approx(share * 400, abs=1)
        assert 0 < each["interval"][0] < each["interval"][1] and each["n_more"] < each["n_rows"]
    weights = [each["overall_gain"] / each["gain"] for each in found["slices"]]
    assert all(0 < weight < 1 for weight in weights) and sum(weights) <= 1 + 1e-9


def test_only_rows_of_the_slice_are_left_out(raced, found):
    folder, layout, development, oof, _ = raced
    first, block = large_slices(development, oof)[0], layout.blocks[0]
    members = development.sampled[first.rows]
    whole = Scope(folder.scope(block.scope)).read_array("training.npy")
    quarter, half = (
        Scope(folder.scope(f"{block.scope}-slice-0-{share}pct")).read_array("training.npy")
        for share in (25, 50)
    )
    assert set(np.setdiff1d(whole, members)) <= set(quarter) < set(half) < set(whole)
    n_members = np.isin(whole, members).sum()
    assert np.isin(half, members).sum() == pytest.approx(n_members / 2, abs=1)
    assert np.isin(quarter, members).sum() == pytest.approx(n_members / 4, abs=1)


def test_a_slice_gains_costs_of_decisions_where_these_decide(raced, found):
    folder, layout, development, oof, _ = raced
    costs = np.where(development.y[:, None] == 1, [[5.0, 0.0]], [[0.0, 1.0]])
    costly = dataclasses.replace(oof, costs=costs)
    card = development.context.card.model_copy(update={"costs": {"yes": {"no": 5}, "no": {"yes": 1}}})
    priced = Development(folder.work)
    priced.__dict__["context"] = dataclasses.replace(development.context, card=card)
    by_cost = dataclasses.replace(layout, plan=dataclasses.replace(layout.plan, metric="cost"))
    with LocalWorkers(1):
        measured = measure_slices(folder, by_cost, priced, costly, LINEAR, 400)
    (first, *_) = measured
    threshold = served_threshold(costly, METRICS["cost"], LINEAR)
    calls = costly.predictions[costly.arms.index(LINEAR), 0, :, 1] >= threshold
    rows = large_slices(development, oof)[0].rows
    expected = [costs[part, calls[part].astype(int)].mean()
                for part in (rows & (development.folds[0] == fold) for fold in range(3))]  # fmt: skip
    np.testing.assert_allclose(first.scored.scores[-1], expected)
    assert 0 < first.weight < 1 and 0 < threshold < 0.5


def test_a_slice_on_which_the_arm_fails_is_left_out(raced):
    """No pool was drawn for thinned folds, so an arm that needs one cannot be fitted there."""
    folder, layout, development, oof, _ = raced
    with LocalWorkers(1):
        assert measure_slices(folder, layout, development, oof, Arm(Mix("smote", 1.0), "linear"), 400) == []


def test_nothing_declared_is_nothing_fitted(raced, found):
    folder, _, development, oof, _ = raced
    plain = Development(folder.work)
    plain.__dict__["context"] = dataclasses.replace(development.context, card=DataCard(target="y"))
    assert large_slices(plain, oof) == []


def test_the_advice_does_not_depend_on_the_workers(raced, found):
    folder, layout, development, oof, _ = raced
    with LocalWorkers(2):
        assert collecting(folder, layout, development, oof, curve(), LINEAR, LINEAR) == found


def test_a_curve_without_a_law_loses_only_the_advice(raced):
    folder, layout, development, oof, _ = raced
    perfect = LearningCurve(SIZES, np.zeros((5, 3)), np.zeros(3), SIZES[2], greater_is_better=False)
    with LocalWorkers(1):
        assert collecting(folder, layout, development, oof, perfect, LINEAR, None) is None
