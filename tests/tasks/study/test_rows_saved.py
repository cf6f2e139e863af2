"""Rows saved on the bundled table: real subsets, real fits, in a worker."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pandas as pd
import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.fits.scope import Scope
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.study.rows_saved import curve_arms, rows_saved


@pytest.fixture(scope="module")
def found(raced) -> dict[str, Any]:
    with LocalWorkers(1):
        return rows_saved.fn(*raced)


def test_the_bundled_table_gives_a_number_of_rows_money_and_days(raced, found):
    comparison = raced[-1]
    saved = found["rows_saved"]
    json.dumps(saved, allow_nan=False)
    assert found["rows_saved_reason"] is None
    assert saved["arm"] == comparison.best_mix.name
    sizes = [point["n_rows"] for point in saved["curve"]]
    assert saved["n0"] == saved["mix"]["n_rows"] == sizes[2] == pytest.approx(sizes[-1] / 2, abs=1)
    assert sizes[0] <= saved["n_eq"] <= sizes[-1]
    assert saved["rows_saved"] == saved["n_eq"] - saved["n0"]
    assert saved["money"] == 2 * saved["rows_saved"] and saved["days"] == saved["rows_saved"] / 2
    assert saved["n_folds"] == 3
    # Pooled over rows there, a mean over folds here.
    raced_score = comparison.row(comparison.incumbent).score
    assert saved["curve"][-1]["measured"] == pytest.approx(raced_score, rel=0.02)


def test_the_mix_is_made_of_half_of_the_training_rows_alone(raced, found):
    folder, layout, _, _, comparison = raced
    block = layout.blocks[0]
    half = folder.scope(f"{block.scope}-50pct")
    training, whole = Scope(half).training, Scope(folder.scope(block.scope)).training
    assert len(training) == pytest.approx(len(whole) / 2, abs=1)
    pool = pd.read_parquet(half / f"{comparison.best_mix.mix.synthesizer}.parquet")
    assert len(pool) == len(training), "ratio 1 of the half"
    assert not list(folder.work.glob("*-25pct/smote.parquet"))


def test_the_curve_holds_the_incumbent_and_every_learner(raced):
    comparison = raced[-1]
    arms = curve_arms(comparison)
    assert arms[0] == comparison.incumbent
    assert {arm.model for arm in arms if arm.mix == Mix()} == {"linear", "class-prior"}


def test_a_distilled_incumbent_gets_a_teacher_at_every_size(raced):
    folder, layout, rows, oof, comparison = raced
    distilled = Arm(Mix(label_rule="teacher"), "linear")
    with LocalWorkers(1):
        found = rows_saved.fn(folder, layout, rows, oof, dataclasses.replace(comparison, incumbent=distilled))
    assert found["rows_saved"] is not None
    assert len(list(folder.work.glob("fold-*pct/teacher.pickle"))) == 4 * len(layout.blocks)


def test_a_generator_that_fails_costs_only_this_number(raced):
    """The card names no simulation, so this one cannot start."""
    folder, layout, rows, oof, comparison = raced
    broken = dataclasses.replace(comparison, best_mix=Arm(Mix("simulation", 1.0), "linear"))
    with LocalWorkers(1):
        found = rows_saved.fn(folder, layout, rows, oof, broken)
    assert found["rows_saved"] is None
    assert "simulation/1/joint/linear on half of the rows" in found["rows_saved_reason"]


def test_without_a_mix_or_a_budget_nothing_is_fitted(raced):
    folder, layout, rows, oof, comparison = raced
    unplanned = dataclasses.replace(layout, plan=dataclasses.replace(layout.plan, curve_repeats=0))
    nothing = dataclasses.replace(comparison, best_mix=None)
    assert (
        rows_saved.fn(folder, layout, rows, oof, nothing)["rows_saved_reason"]
        == "there was no mix to measure"
    )
    assert "left" in rows_saved.fn(folder, unplanned, rows, oof, comparison)["rows_saved_reason"]


def test_the_number_does_not_depend_on_the_workers(raced, found):
    with LocalWorkers(2):
        assert rows_saved.fn(*raced) == found
