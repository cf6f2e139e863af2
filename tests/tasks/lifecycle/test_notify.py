"""Messages to the outside: to a real receiver on loopback, and never with a secret in a log."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.errors import BadInput, NoAnswer
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.lifecycle import notify as module
from realmix.tasks.lifecycle.notify import notify, notify_of_judgement

NAME = "TABLE_WEBHOOK"


@pytest.fixture(autouse=True)
def send(monkeypatch):
    """The step itself: no server is asked."""
    monkeypatch.setattr(module, "send", module.send.fn)
    return module.send


@pytest.fixture
def received() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A receiver: its URL, and what came."""
    bodies: list[dict[str, str]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(json.loads(content))
            self.send_response(int(self.path.removeprefix("/status/")) if "/status/" in self.path else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


def test_nobody_is_told_by_default():
    assert notify(Operation(), "bank", "drift", "age drifted") == 0


def test_a_webhook_takes_one_json_object(received, monkeypatch):
    address, bodies = received
    monkeypatch.setenv(NAME, f"http://{address}/hook?token=secret")
    assert notify(Operation(notify=(NAME,)), "bank", "waiting", "version 3 waits") == 1
    assert bodies == [{"table": "bank", "event": "waiting", "sentence": "version 3 waits"}]


# Of a library that apprise imports.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_apprise_knows_other_services(received, monkeypatch):
    address, bodies = received
    monkeypatch.setenv(NAME, f"json://{address}/")
    assert notify(Operation(notify=(NAME,)), "bank", "promoted", "version 3 is the champion") == 1
    assert bodies[0]["title"] == "realmix: bank: promoted"
    assert bodies[0]["message"] == "version 3 is the champion"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/token=secret", "json://127.0.0.1:9/secret", None])
def test_what_cannot_be_reached_is_named_without_its_url(url, monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("realmix"), "propagate", True)
    if url:
        monkeypatch.setenv(NAME, url)
    assert notify(Operation(notify=(NAME,)), "bank", "failed", "no space is left") == 0
    said = [record.message for record in caplog.records if record.name == "realmix"]
    assert len(said) == 1
    assert NAME in said[0]
    assert "secret" not in said[0]


def test_a_study_that_decided_nothing_is_told_as_a_failure(received, monkeypatch):
    address, bodies = received
    monkeypatch.setenv(NAME, f"http://{address}/hook")
    card = DataCard(target="y", operation=Operation(notify=(NAME,)))
    judgement = {"word": NOT_DECIDED, "reason": "All 4 mixes failed.", "promoted": False}
    notify_of_judgement(Registered("bank", card, "2026-01-01T00:00:00Z", "snapshot", None, None), judgement)
    assert bodies == [{"table": "bank", "event": "failed", "sentence": "All 4 mixes failed."}]


@pytest.mark.parametrize(
    ("status", "error"), [(503, NoAnswer), (429, NoAnswer), (404, BadInput), (403, BadInput)]
)
def test_a_service_that_is_busy_may_be_asked_again_and_one_that_refuses_not(
    received, send, monkeypatch, status, error
):
    monkeypatch.setenv(NAME, f"http://{received[0]}/status/{status}")
    with pytest.raises(BadInput, match=str(status)) as raised:
        send(NAME, "bank", "drift", "age drifted")
    assert type(raised.value) is error
    assert "http://" not in str(raised.value)
