"""Taking tables on and saying how they are: clear sentences, and nothing hidden that is wrong."""

from __future__ import annotations

import pandas as pd
import pytest
from sqlalchemy import text

from realmix.flows.terminal.tables import register, status
from realmix.tasks.core.errors import BadInput, NotPermitted
from realmix.tasks.core.lifecycle.entries import RESPONSIBILITY
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.runtime.database import decisions, registered_table
from realmix.tasks.runtime.state_connection import transaction
from realmix.tasks.runtime.study_folder import home
from realmix.tasks.sources import open_source
from realmix.tasks.study.read_table import read_table
from tests.flows.terminal.conftest import card

pytestmark = pytest.mark.usefixtures("restored_environment")


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


@pytest.mark.parametrize("name", ["../../x", "..", ".hidden", "a/b", "", "x" * 61, "a\n"])
def test_a_name_that_leads_out_of_the_home_is_refused(place, name):
    before = sorted(place.parent.rglob("*"))
    made = card(place)
    with pytest.raises(BadInput, match="cannot name a table"):
        register(made, name)
    assert {path.name for path in set(place.parent.rglob("*")) - set(before)} <= {made.name, "calls.csv"}


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
    assert list(status()) == [
        f"state: sqlite:///{home() / 'state.sqlite'}",
        f"No table is registered in {home()}: register one with `realmix register CARD`.",
    ]
    register(card(place, "{schedule: '30 2 * * *'}"), None)
    lines = "\n".join(status())
    assert "last verdict: none yet" in lines
    assert "02:30 UTC; but `realmix up` is not running" in lines


def test_a_record_that_was_changed_from_outside_is_refused(place):
    from realmix.tasks.runtime.database import decisions, record_decision

    register(card(place), None)
    record_decision("calls", "retraining", {"level": "skip"})
    with transaction() as state:
        state.execute(text("DROP TRIGGER decisions_stay"))
        state.execute(text("UPDATE decisions SET document = '{}'"))
    with pytest.raises(BadInput, match="changed from outside at entry 1"):
        decisions("calls")


def test_a_card_that_forbids_is_registered_only_by_who_answers_for_it(place):
    forbidding = card(place)
    forbidding.write_text(forbidding.read_text() + "provenance: {consent_basis: withdrawn}\n")
    with pytest.raises(NotPermitted, match='consent_basis` is "withdrawn"'):
        register(forbidding, None)
    assert register(forbidding, None, "new consent is on its way") == "calls"
    (entry,) = decisions("calls", RESPONSIBILITY)
    assert entry.document["reason"] == "new consent is on its way"
    request = StudyRequest(table="table:calls", out="out")
    assert read_table(request, home() / "snapshots").permission.reason == "new consent is on its way"
