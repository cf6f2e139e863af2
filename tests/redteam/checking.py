"""What is done with each malformed input: all that a command does with it before anything is computed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from realmix.flows.terminal.tables import check_operation
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.table.card import parse_card, read_card
from realmix.tasks.core.table.hints.find_hints import find_hints
from realmix.tasks.core.table.infer_card import card_to_yaml, infer_card, suggest
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.read_columns import read_columns
from realmix.tasks.core.table.reading_report import ReadingReport, reading_lines
from realmix.tasks.core.table.request import parse_request
from realmix.tasks.core.table.rule_candidates import propose_rules
from realmix.tasks.core.table.rules import repair_rows, violations
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.models._serving import Served
from realmix.tasks.runtime.study_folder import Table
from realmix.tasks.sources.file import FileSource
from realmix.tasks.study.read_table import read_table
from realmix.tasks.study.request import check_names, check_plan, read_plan
from tests.redteam.malformed_rows import MalformedRows
from tests.redteam.malformed_tables import NAMES, SECRET, MalformedTable

# Of one study; the largest that the planner makes has some thousands.
MAX_FITS = 1_000_000


def check_table(case: MalformedTable, folder: Path) -> str:
    """Read a file, make a card of it and check it for a study; say what became of it."""
    path = folder / f"table{case.suffix}"
    path.write_bytes(case.content)
    try:
        read = FileSource(str(path)).read()
        _check_rows(read, case)
        target = "bought"
        raw, report = read_columns(read)
        if target in raw.columns:
            _make_card(raw, target, report, folder / "made.yaml")
        table = read_table(parse_request(table=str(path), target=target, out=""), folder / "snapshots")
        applied = table.schema.apply(table.snapshot.read())
        assert len(applied) == table.snapshot.n_rows
        table.schema.restore(applied)
        told = " ".join(reading_lines(table.source["reading"])) + json.dumps(table.source)
    except RealmixError as err:
        _check_sentence(str(err))
        return "refused"
    assert SECRET not in told, "a cell is in the report on how the table was read"
    return "accepted"


def _check_sentence(text: str) -> None:
    assert SECRET not in text, f"a cell is in the message: {text}"
    assert text.endswith((".", ")", ":")) and len(text) < 1_500 and "\n" not in text, f"no sentence: {text!r}"
    assert all(letter.isprintable() for letter in text), f"control characters in the message: {text!r}"


def _make_card(raw: pd.DataFrame, target: str, report: ReadingReport, path: Path) -> None:
    inferred = infer_card(raw, target, "table.csv")
    schema = infer_schema(raw, target, kinds=inferred.columns, roles=inferred.roles)
    suggested = suggest(raw, schema)
    candidates = propose_rules(raw, schema, sensitive=suggested.get("sensitive", ()))
    hints = find_hints(raw, schema, inferred)
    path.write_text(card_to_yaml(inferred, schema, hints, report, candidates, suggested))
    made = read_card(path)
    assert made.columns == inferred.columns and made.simulate is None and not made.plugins, (
        "a name became a field"
    )


def _check_rows(read: TextTable | pd.DataFrame, case: MalformedTable) -> None:
    """Rows that nobody touched are there, cell by cell, in their order."""
    if not case.rows or not isinstance(read, TextTable):
        return
    # An object of JSON lines may bring a column of its own.
    columns = read.cells.columns[: len(NAMES)]
    found = list(zip(*(column.to_pylist() for column in columns), strict=True))
    wanted = [tuple(cell or None for cell in row) for row in case.rows.values()]
    at = iter(found)
    missing = [row for row in wanted if row not in at]
    assert not missing, f"{len(missing)} of {len(wanted)} untouched rows are not as they were"
    assert not case.is_whole or len(found) == len(wanted)


def card_table(folder: Path) -> Path:
    """Write the table that the cards are for."""
    rng = np.random.default_rng(3)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, 120), unit="D")
    frame = pd.DataFrame(
        {
            "id": np.arange(1000, 1120),
            "age": rng.integers(18, 90, 120),
            "income": rng.normal(1000, 200, 120).round(2),
            "city": rng.choice(["Ulm", "Bonn", "Kiel"], 120),
            "day": days.strftime("%Y-%m-%d"),
            "note": [f"{SECRET} {i}" for i in range(120)],
            "bought": rng.choice(["yes", "no"], 120),
        }
    )
    path = folder / "customers.csv"
    frame.to_csv(path, index=False)
    return path


def check_card(content: bytes, folder: Path) -> str:
    """Read a card with its table, as `realmix run` and `realmix register` do."""
    path = folder / "card.yaml"
    path.write_bytes(content)
    try:
        card = read_card(path)
        assert parse_card(card.model_dump()) == card, "a card is not the same when it is stored"
        json.dumps(card.studied, allow_nan=False)
        check_operation(card)
        request = parse_request(table=str(folder / "customers.csv"), card=str(path), out="")
        table = read_table(request, folder / "snapshots")
        check_names(request, table.card, table.schema)
        rows = table.snapshot.read()
        violations(repair_rows(rows, table.card.rules), table.card.rules)
    except RealmixError as err:
        _check_sentence(str(err))
        return "refused"
    return "accepted"


def check_plan_file(content: bytes, folder: Path, table: Table) -> str:
    """Read a plan for a table, as `realmix run --plan` does."""
    path = folder / "plan.json"
    path.write_bytes(content)
    try:
        plan = read_plan(path)
        check_plan(plan, table.card, table.schema, table.snapshot.n_rows)
    except RealmixError as err:
        _check_sentence(str(err))
        return "refused"
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    # The counts of what would run are those of a study: nobody waits for a plan of a billion fits.
    assert sum(1 for mix in plan.mixes() for _ in plan.arms_of(mix)) * plan.n_folds < MAX_FITS
    return "accepted"


def check_served(served: Served, case: MalformedRows, expected: pd.DataFrame) -> str:
    """Predict rows; those that nobody touched have the predictions of the rows as they were."""
    try:
        predicted = served.predict(case.rows)
    except ValueError as err:
        _check_sentence(str(err))
        return "refused"
    assert len(predicted) == len(case.rows)
    assert np.isfinite(predicted.filter(like="proba_").to_numpy(dtype=float)).all()
    if len(case.untouched):
        found, wanted = (each.iloc[case.untouched].reset_index(drop=True) for each in (predicted, expected))
        pd.testing.assert_frame_equal(found, wanted, rtol=1e-9)
    return "accepted"
