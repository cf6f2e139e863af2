"""A home of its own, and another process that runs `realmix up` in it."""

from __future__ import annotations

import socketserver
import subprocess
import sys
import threading

import pytest

# Holds the lock as `realmix up` does, and says so.
HOLDER = """
import json, os, sys, time
from realmix.flows.local.supervisor import ADDRESSES
from realmix.flows.local.up import asked_to_stop, only_one
from realmix.tasks.runtime.study_folder import home
with only_one(), asked_to_stop() as stop:
    login = {
        "PREFECT_API_AUTH_STRING": "realmix:s3cret",
        "MLFLOW_TRACKING_USERNAME": "realmix",
        "MLFLOW_TRACKING_PASSWORD": "s3cret",
    }
    said = {"pid": os.getpid(), "prefect_api_url": "http://p/api", "mlflow_tracking_uri": "http://m", "login": login}
    (home() / ADDRESSES).write_text(json.dumps(said))
    print("held", flush=True)
    stop.wait(60)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A home of its own."""
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path))
    return tmp_path


class Greeting(socketserver.StreamRequestHandler):
    """Answers as a mail server does."""

    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(b"220 mail.example.org\r\n")


@pytest.fixture
def other_protocol():
    """Address of a port at which no web server listens."""
    with socketserver.TCPServer(("127.0.0.1", 0), Greeting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def holder(place):
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
