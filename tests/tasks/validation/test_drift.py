"""Drift on the results page: same numbers as the measurement, no cell, nothing stopped."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.lifecycle.drift import measure_drift
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.validation.drift import run_drift_suite, validate_drift

Make = Callable[..., pd.DataFrame]


def observed(reference: pd.DataFrame, new: pd.DataFrame, schema: Schema) -> tuple[dict, dict]:
    """What the measurement and what the suite found, by column; the classifier as None."""
    drift = measure_drift(reference, new, schema, seed=0)
    found = run_drift_suite(reference, new, schema, drift).expectations
    measured = {c.name: c.psi for c in (*drift.columns, *([drift.target] if drift.target else []))}
    return measured | {"_realmix_domain_rank": drift.domain.auc}, {e.column: e for e in found}


@pytest.fixture(scope="module")
def sides(table: Make) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = table(400).sample(frac=1, random_state=0)
    return rows.iloc[:250], rows.iloc[250:]


def test_suite_and_measurement_find_the_same_numbers(schema: Schema, sides) -> None:
    reference, new = sides
    new = new.assign(
        job="pilot",
        age=new["age"].where(new["age"] > 40),
        bought=new["bought"].where(np.arange(len(new)) % 3 > 0),
    )
    measured, found = observed(reference, new, schema)
    assert {name: e.observed for name, e in found.items()} == pytest.approx(measured)
    failed = {name for name, e in found.items() if not e.success}
    assert failed == {"job", "age", "_realmix_domain_rank"}
    assert {e.severity for e in found.values()} == {"warning"}


def test_rows_of_one_source_pass(schema: Schema, sides) -> None:
    assert all(e.success for e in observed(*sides, schema)[1].values())


def test_the_page_is_stored_beside_the_others_without_a_cell(
    schema: Schema, sides, tmp_path: Path, caplog
) -> None:
    reference, new = sides
    new = new.assign(job="pilot", wealth=100 * new["wealth"])
    drift = measure_drift(reference, new, schema, seed=0)
    with caplog.at_level(logging.ERROR):
        validate_drift(reference, new, schema, drift, tmp_path / "validation")
    stored = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "validation").iterdir()}
    assert set(stored) == {"drift.json", "drift.suite.json", "drift.html"}
    assert json.loads(stored["drift.json"])["is_usable"] is True
    assert all(f"≈{c.psi:.6f}"[:-2] in stored["drift.html"] for c in drift.columns) and not caplog.records
    cells = {"zoroastrian", "jain", "cook", "nurse", "pilot", *reference["id"]}
    cells |= {f"{value:.2f}" for value in reference["wealth"]}
    assert not [cell for cell in cells for text in stored.values() if cell in text]


def test_too_few_rows_make_an_empty_page(schema: Schema, sides, tmp_path: Path) -> None:
    reference, new = sides[0], sides[1].iloc[:5]
    drift = measure_drift(reference, new, schema, seed=0)
    validate_drift(reference, new, schema, drift, tmp_path)
    assert json.loads((tmp_path / "drift.json").read_text())["expectations"] == []
