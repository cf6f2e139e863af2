"""Taking tables on and saying how they are: clear sentences, and nothing hidden that is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from realmix.flows.terminal.doctor import doctor
from realmix.flows.terminal.tables import register, status
from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.database import registered_table, transaction
from realmix.tasks.runtime.study_folder import home
from realmix.tasks.sources import open_source

CARD = "source: calls.csv\ntarget: y\npositive: 'yes'\noperation: {operation}\n"


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """What our commands set for their process is taken back."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder of its own with a table, and no servers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    open_source("bundled:bank_marketing?rows=300").load().to_csv("calls.csv", index=False)
    return tmp_path


def card(place: Path, operation: str = "{}") -> Path:
    path = place / "card.yaml"
    path.write_text(CARD.format(operation=operation))
    return path


def said(subject: str) -> list[tuple[bool, str]]:
    return [(finding.is_well, finding.said) for finding in doctor() if finding.subject.startswith(subject)]


def test_a_registered_table_is_read_by_its_name_from_then_on(place):
    assert register(card(place, "{landing: incoming}"), None) == "calls"
    table = registered_table("calls")
    assert table.card.source == "table:calls"
    assert table.card.operation.landing == str(place / "incoming")
    (place / "calls.csv").unlink()
    rows = open_source("table:calls").load()
    assert rows.equals(pd.read_parquet(home() / "snapshots" / f"{table.snapshot}.parquet"))
    assert len(list((home() / "tables").glob("calls.*.json"))) == 1


def test_registering_again_changes_the_card_and_keeps_the_rows(place):
    register(card(place), "bank")
    before = registered_table("bank")
    open_source("bundled:bank_marketing?rows=400").load().to_csv("calls.csv", index=False)
    register(card(place, "{schedule: '0 2 * * *'}"), "bank")
    after = registered_table("bank")
    assert after.card.operation.schedule == "0 2 * * *"
    assert (after.snapshot, after.registered_at) == (before.snapshot, before.registered_at)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ("{schedule: at night}", "cron expression"),
        ("{landing: 'sql:calls'}", "operation.cursor"),
        ("{arrival: upsert}", "needs `key`"),
        ("{promotion: always}", "promotion"),
    ],
)
def test_an_operation_that_cannot_work_is_refused(place, operation, message):
    with pytest.raises(BadInput, match=message):
        register(card(place, operation), None)


def test_a_card_without_a_source_is_refused(place):
    (place / "card.yaml").write_text("target: y\n")
    with pytest.raises(BadInput, match="names no `source`"):
        register(place / "card.yaml", None)


def test_the_status_says_when_the_next_run_is_and_what_is_missing_for_it(place):
    assert list(status()) == ["No table is registered: realmix register CARD takes one on."]
    register(card(place, "{schedule: '30 2 * * *'}"), None)
    lines = "\n".join(status())
    assert "last verdict: none yet" in lines
    assert "02:30 UTC; but `realmix up` is not running" in lines


def test_the_doctor_names_the_tier_and_each_fault_with_its_fix(place, monkeypatch):
    monkeypatch.setenv("HOOK", "https://example.org/secret")
    register(card(place, "{landing: incoming, notify: [HOOK, OTHER_HOOK]}"), None)
    assert said("tier")[0][1].startswith("embedded")
    assert said("table calls: landing") == [(False, f"there is no folder {place / 'incoming'}: make it.")]
    assert said("table calls: notify") == [(True, "HOOK is set"), (False, "OTHER_HOOK is not set: set it.")]
    (home() / "snapshots" / f"{registered_table('calls').snapshot}.parquet").unlink()
    assert "restore the file from a backup" in said("table calls")[-1][1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert said("tier")[0][1].startswith("cluster")
    for subject in ("mlflow", "prefect"):
        ((is_well, sentence),) = said(subject)
        assert not is_well
        assert "secret" not in sentence


def test_a_record_that_was_changed_from_outside_is_refused(place):
    from realmix.tasks.runtime.database import decisions, record_decision

    register(card(place), None)
    record_decision("calls", "retraining", {"level": "skip"})
    with transaction() as state:
        state.execute("DROP TRIGGER decisions_stay")
        state.execute("UPDATE decisions SET document = '{}'")
    with pytest.raises(BadInput, match="changed from outside at entry 1"):
        decisions("calls")
