"""A suite runs by itself: side by side in threads, cheaply, quietly, and leaving nothing behind."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.validation.tables import validate_synthetic
from tests.cpu_time import cpu_seconds

Make = Callable[..., pd.DataFrame]


def test_suites_run_side_by_side_in_threads(
    schema: Schema, card: DataCard, table: Make, canonical: Make
) -> None:
    real = schema.apply(table())

    def gate(seed: int) -> bool:
        rows = canonical(seed)
        if seed % 2:
            rows.loc[0, "job"] = "pilot"
        return validate_synthetic(rows, real, schema, card).failure is None

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(gate, range(8))) == [seed % 2 == 0 for seed in range(8)]


def test_a_gate_costs_little(schema: Schema, card: DataCard, table: Make, canonical: Make) -> None:
    real, rows = schema.apply(table()), canonical(1, 10_000)
    validate_synthetic(rows, real, schema, card)
    assert cpu_seconds(lambda: validate_synthetic(rows, real, schema, card)) < 0.5


def test_a_run_says_nothing_and_leaves_no_folder_behind(
    schema: Schema,
    card: DataCard,
    table: Make,
    canonical: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with caplog.at_level(logging.INFO):
        assert validate_synthetic(canonical(1), schema.apply(table()), schema, card).failure is None
    assert not caplog.records
    assert list(tmp_path.iterdir()) == []
