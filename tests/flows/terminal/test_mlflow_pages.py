"""MLflow's pages: a port in use is refused first, and an address leads to the runs."""

from __future__ import annotations

import os
import socket

import pytest

from realmix.flows.terminal.mlflow_pages import check_port, start_lines, ui
from realmix.tasks.core.errors import BadInput

pytestmark = pytest.mark.usefixtures("restored_environment")


@pytest.fixture
def taken():
    """A port on which another program listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_in_use_is_refused_before_a_server_starts(place, taken):
    with pytest.raises(BadInput, match=f"Port {taken} is in use"):
        ui(port=taken)


@pytest.mark.parametrize("port", [0, -1, 70000])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(BadInput, match="no port"):
        check_port(port)


def test_an_empty_store_is_said_and_the_address_leads_to_the_runs(place, taken, capsys, monkeypatch):
    started = []
    monkeypatch.setattr(os, "execv", lambda *command: started.append(command))
    monkeypatch.setattr("realmix.flows.terminal.mlflow_pages.check_port", lambda port: None)
    ui(port=5000)
    said = capsys.readouterr().out
    assert "http://127.0.0.1:5000/#/experiments?workflowType=machine_learning" in said
    assert "no study yet" in said and len(started) == 1


def test_the_studies_of_each_table_come_first_and_no_list_that_leads_elsewhere():
    lines = start_lines(
        "http://127.0.0.1:5000", {"bank": "#/experiments/1/runs", "stays": "#/experiments/2/runs"}
    )
    assert lines[0].startswith("Start here") and len(lines) == 3
    assert lines[1] == "  bank: http://127.0.0.1:5000/#/experiments/1/runs"
    assert not any("#/experiments?" in line for line in lines)
