"""The servers and the worker of one home: started, told of the tables, looked after, stopped."""

from __future__ import annotations

import datetime
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from realmix.flows.local.addresses import ADDRESSES
from realmix.flows.local.child_process import Child, end_marked
from realmix.flows.local.names import POOL
from realmix.flows.local.tied_process import MARK, RUN
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.runtime.database import registered_tables
from realmix.tasks.runtime.snapshots import write_atomically
from realmix.tasks.runtime.study_folder import home

# Fresh databases on a busy machine of two processors took a quarter of this.
START_SECONDS = 180.0
# A server that somebody else started is there, or not.
NAMED_SECONDS = 10.0
POLL_SECONDS = 0.5
# Between two looks for new tables and for runs whose process is gone.
ROUND_SECONDS = 15.0


class Stopped(Exception):
    """It was asked to stop before everything was up."""


@dataclass
class Supervisor:
    """The servers and the worker of one home."""

    stop: Event
    settings: dict[str, str]
    prefect_port: int
    mlflow_port: int
    prefect: Child | None = None
    mlflow: Child | None = None
    worker: Child | None = None
    held: list[socket.socket] = field(default_factory=list)
    applied: list[Any] = field(default_factory=list)

    def run(self) -> None:
        """Start all, look after all, stop all."""
        try:
            self.start_servers()
            self.tell_tables()
            self.start_worker()
            self.say_where()
            self.look_after()
        except Stopped:
            pass
        finally:
            self.end()

    def start_servers(self) -> None:
        """Start the servers that are not named, and wait until they answer."""
        if not _is_http(os.environ.get("PREFECT_API_URL")):
            port = self.port(self.prefect_port, "Prefect")
            os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
            if auth := os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
                os.environ.setdefault("PREFECT_API_AUTH_STRING", auth)
            self.prefect = self.child("Prefect", "prefect-server", prefect_command(port), port)
        if not _is_http(os.environ.get("MLFLOW_TRACKING_URI")):
            port = self.port(self.mlflow_port, "MLflow")
            os.environ.update(mlflow_store())
            os.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port}"
            self.mlflow = self.child("MLflow", "mlflow-server", mlflow_command(port), port)
        for child in (self.prefect, self.mlflow):
            if child:
                child.start()
        self.write_addresses()
        api, tracking = os.environ["PREFECT_API_URL"], os.environ["MLFLOW_TRACKING_URI"]
        self.wait(self.prefect, "PREFECT_API_URL", lambda: answers(f"{api}/health"))
        self.wait(self.mlflow, "MLFLOW_TRACKING_URI", lambda: answers(f"{tracking}/health"))

    def child(self, name: str, log: str, command: tuple[str, ...], port: int = 0) -> Child:
        """A child with the environment as it is now, and a fresh log."""
        path = home() / "logs" / f"{log}.log"
        path.unlink(missing_ok=True)
        marked = {**os.environ, **self.settings, MARK: str(home()), "REALMIX_HOME": str(home())}
        return Child(name, command, marked, path, port)

    def port(self, wanted: int, name: str) -> int:
        """The wanted port or another one, kept for the server while this process lives."""
        place = hold_port(wanted)
        port = int(place.getsockname()[1])
        if sys.platform == "linux":
            self.held.append(place)
        else:
            place.close()
        if port != wanted:
            print(f"Port {wanted} is in use: {name} takes {port}.", flush=True)
        return port

    def write_addresses(self) -> None:
        """Let other commands find this process and its servers."""
        said = {
            "pid": os.getpid(),
            "prefect_api_url": os.environ["PREFECT_API_URL"],
            "mlflow_tracking_uri": os.environ["MLFLOW_TRACKING_URI"],
        }
        write_atomically(home() / ADDRESSES, lambda file: file.write_text(json.dumps(said), encoding="utf-8"))

    def wait(self, child: Child | None, variable: str, is_there: Callable[[], bool]) -> None:
        """Return once a child is up, or the server that an environment variable names answers.

        Raises
        ------
        RealmixError
            If it is not there in time.
        Stopped
        """
        deadline = time.monotonic() + (START_SECONDS if child else NAMED_SECONDS)
        while not ((child is None or child.listens()) and is_there()):
            if time.monotonic() > deadline:
                raise RealmixError(
                    f"{child.name} did not start in {START_SECONDS:g} s. What it said is in {child.log}."
                    if child
                    else f"The server that {variable} names does not answer: start it, or unset {variable} to "
                    "let `realmix up` start one."
                )
            self.pause(POLL_SECONDS)
            if child and (line := child.revive()):
                print(line, flush=True)

    def pause(self, seconds: float) -> None:
        """Wait, unless it is time to stop."""
        if self.stop.wait(seconds):
            raise Stopped

    def tell_tables(self) -> None:
        """Give Prefect the deployments of the registered tables, if these changed.

        In a process of its own: what the flows import would stay in this one for good.
        """
        tables = [(table.name, table.card.model_dump_json()) for table in registered_tables()]
        if tables == self.applied:
            return
        child = self.child("The deployments", "deployments", ("realmix.flows.deployments",))
        child.start()
        while child.process is not None and child.process.poll() is None:
            self.pause(POLL_SECONDS)
        if child.process is None or child.process.returncode:
            raise RealmixError(f"Prefect did not take the deployments. What it said is in {child.log}.")
        print(child.log.read_text(encoding="utf-8", errors="replace"), end="", flush=True)
        self.applied = tables

    def start_worker(self) -> None:
        """Settle what a former worker left, then start one and wait until Prefect knows it."""
        if self.prefect:
            from realmix.flows.local.lost_runs import drop_missed_looks

            drop_missed_looks()
        self.mend()
        name = f"up-{os.getpid()}"
        self.worker = self.child("The worker", "worker", worker_command(name))
        self.worker.start()
        self.wait(self.worker, "", lambda: is_online(name))

    def say_where(self) -> None:
        """Print the addresses."""
        from realmix.tasks.core.urls import without_secrets

        api = os.environ["PREFECT_API_URL"].removesuffix("/api")
        print(f"Prefect: {without_secrets(api)}")
        print(f"MLflow:  {without_secrets(os.environ['MLFLOW_TRACKING_URI'])}")
        print(f"Logs:    {home() / 'logs'}")
        if not self.applied:
            print("No table is registered yet: realmix register CARD takes one on.")
        print("Ready. Ctrl-C here, or `realmix down`, stops all of it.", flush=True)

    def look_after(self) -> None:
        """Start again what dies, and settle the runs that died with it, until it is time to stop."""
        last = time.monotonic()
        while not self.stop.wait(POLL_SECONDS):
            for child in self.children():
                if line := child.revive():
                    print(line, flush=True)
            if time.monotonic() - last > ROUND_SECONDS:
                self.go_round()
                last = time.monotonic()

    def go_round(self) -> None:
        """Look for new tables and for runs without a process; a server that is away is asked again later."""
        import httpx
        from prefect.exceptions import PrefectHTTPStatusError

        with suppress(httpx.HTTPError, PrefectHTTPStatusError):
            self.mend()
        try:
            self.tell_tables()
        except RealmixError as err:
            print(f"{err} It is tried again.", flush=True)

    def mend(self) -> None:
        """Settle runs without a process; on a server that others use as well, only those of this home."""
        from realmix.flows.local.lost_runs import mend_runs

        since = self.worker.started_at if self.worker else datetime.datetime.now(datetime.UTC)
        for line in mend_runs(since, is_shared=self.prefect is None):
            print(line, flush=True)

    def children(self) -> list[Child]:
        """Those that were started."""
        return [child for child in (self.prefect, self.mlflow, self.worker) if child]

    def end(self) -> None:
        """Stop the worker with its runs, note that they stopped, then the servers."""
        if self.worker:
            self.worker.kill()
            end_marked(home(), RUN)
            self.worker = None
            with suppress(Exception):  # the next `up` settles them, too
                self.mend()
        for child in (self.mlflow, self.prefect):
            if child:
                child.stop()
        for place in self.held:
            place.close()


def hold_port(wanted: int) -> socket.socket:
    """A socket bound to a port of 127.0.0.1, the wanted one if it is free.

    Linux lets a server listen where this socket is only bound, and gives the port to nobody else.
    """
    for port in (wanted, 0):
        place = socket.socket()
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind(("127.0.0.1", port))
        except OSError:
            place.close()
        else:
            return place
    raise RealmixError(
        "This machine gives no port on 127.0.0.1. End programs that hold many, then try again."
    )


def prefect_command(port: int) -> tuple[str, ...]:
    """Prefect's server on loopback; its database follows from the environment."""
    return ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))


def mlflow_command(port: int) -> tuple[str, ...]:
    """MLflow's server on loopback; its stores follow from the environment, which no other user can read."""
    return ("mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1")


def worker_command(name: str) -> tuple[str, ...]:
    """One worker that runs flows as processes of this machine."""
    return ("prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", name)


def mlflow_store() -> dict[str, str]:
    """Where MLflow's server keeps runs and files: where the commands without a server keep them."""
    uri = os.environ.get("MLFLOW_BACKEND_STORE_URI") or os.environ["MLFLOW_TRACKING_URI"]
    if place := os.environ.get("MLFLOW_ARTIFACTS_DESTINATION"):
        return {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_ARTIFACTS_DESTINATION": place}
    files = (home() / "mlartifacts").as_uri()
    return {
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_ARTIFACTS_DESTINATION": files,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": files,
    }


def answers(url: str) -> bool:
    """Whether a health page is there."""
    try:
        with urlopen(url, timeout=POLL_SECONDS * 10) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def is_online(worker: str) -> bool:
    """Whether Prefect knows a worker of our pool by this name."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    with suppress(ObjectNotFound), get_client(sync_client=True) as client:
        found = client.request(
            "POST",
            "/work_pools/{work_pool_name}/workers/filter",
            path_params={"work_pool_name": POOL},
            json={},
        )
        return any(known["name"] == worker for known in found.json())
    return False


def _is_http(url: str | None) -> bool:
    return (url or "").startswith(("http://", "https://"))
