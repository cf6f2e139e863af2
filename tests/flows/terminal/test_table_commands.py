"""Commands for registered tables: what they print, and how they end."""

from __future__ import annotations

import pytest

from realmix.flows.terminal import table_commands
from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.database import record_decision, registered_table
from realmix.tasks.runtime.study_folder import home
from tests.flows.terminal.conftest import card

pytestmark = pytest.mark.usefixtures("restored_environment")


@pytest.fixture
def settled(place):
    """The registered table `calls`, on whose rows a retraining decided already."""
    table_commands.register(card(place, "{landing: incoming}"))
    (place / "incoming").mkdir()
    record_decision("calls", "retraining", {"level": "skip"}, decided=registered_table("calls").snapshot)
    return place


def test_registering_says_under_which_name_and_what_can_be_done_next(place, capsys):
    table_commands.register(card(place), name="bank")
    said = capsys.readouterr().out
    assert "'bank'" in said and "realmix retrain bank" in said and "realmix up" in said
    assert registered_table("bank").card.target == "y"


def test_the_status_has_a_line_for_every_table(place, capsys):
    table_commands.status()
    assert "realmix register" in capsys.readouterr().out
    table_commands.register(card(place), name="bank")
    table_commands.register(card(place), name="other")
    capsys.readouterr()
    table_commands.status()
    lines = capsys.readouterr().out.splitlines()
    assert "bank" in lines and "other" in lines


def test_without_new_rows_watching_starts_nothing(settled, capsys, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    table_commands.watch("calls")
    assert "calls" in capsys.readouterr().out
    assert not (home() / "studies").exists()


@pytest.mark.parametrize("command", [table_commands.retrain, table_commands.watch])
def test_a_table_that_nobody_registered_is_refused_with_its_name(place, command):
    with pytest.raises(BadInput, match="'nobody'"):
        command("nobody")


@pytest.mark.parametrize("command", [table_commands.promote, table_commands.rollback])
def test_no_version_is_changed_where_there_is_none_to_change_to(settled, command):
    with pytest.raises(BadInput):
        command("calls", reason="because", by="me")


def test_stopping_what_does_not_run_is_no_error(place, capsys):
    table_commands.down()
    assert str(home()) in capsys.readouterr().out
