"""Start, supervise and stop the servers, the worker and the watcher of one home."""

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
from urllib.request import urlopen

from realmix.flows.local import environment
from realmix.flows.local.access import (
    MLFLOW_CLIENT,
    NO_ANSWER,
    PASSWORD,
    PREFECT_CLIENT,
    USER,
    mlflow_access,
    password,
    prefect_access,
    write_private,
)
from realmix.flows.local.addresses import ADDRESSES
from realmix.flows.local.child_process import Child, end_marked
from realmix.flows.local.empty_database import place
from realmix.flows.local.names import POOL
from realmix.flows.local.tied_process import MARK, RUN
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.runtime.database import registered_tables
from realmix.tasks.runtime.settings import settings
from realmix.tasks.runtime.snapshots import write_atomically
from realmix.tasks.runtime.study_folder import home

# Four times what fresh databases took on a busy machine of two processors.
START_SECONDS = 180.0
# For a server that somebody else started: it either runs or not.
NAMED_SECONDS = 10.0
POLL_SECONDS = 0.5
# Interval of checks for new tables and for runs whose process died.
ROUND_SECONDS = 15.0


class Stopped(Exception):
    """A stop was requested before everything was up."""


@dataclass
class Supervisor:
    """Supervisor of the servers, the worker and the watcher of one home."""

    stop: Event
    settings: dict[str, str]
    prefect_port: int
    mlflow_port: int
    prefect: Child | None = None
    mlflow: Child | None = None
    worker: Child | None = None
    watcher: Child | None = None
    sockets: list[socket.socket] = field(default_factory=list)
    applied: list[Any] | None = None

    def run(self) -> None:
        """Start everything, supervise it until a stop is requested, and stop it."""
        try:
            self.start_servers()
            self.apply_deployments()
            self.start_worker()
            self.start_watcher()
            self.print_addresses()
            self.supervise()
        except Stopped:
            pass
        finally:
            self.end()

    def start_servers(self) -> None:
        """Start the servers that no environment variable names, and wait until all answer."""
        if not settings().prefect_api_url:
            port = self.port(self.prefect_port, "Prefect")
            os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
            # A user's own password stays; then clients need it, too.
            if auth := os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
                os.environ.setdefault("PREFECT_API_AUTH_STRING", auth)
            environment.set_defaults(prefect_access(port))
            place()
            self.prefect = self.child("Prefect", "prefect-server", prefect_command(port), port)
        if not settings().mlflow_tracking_uri.startswith(("http://", "https://")):
            port = self.port(self.mlflow_port, "MLflow")
            os.environ.update(mlflow_store())
            os.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port}"
            environment.set_defaults(mlflow_access(port))
            self.mlflow = self.child("MLflow", "mlflow-server", mlflow_command(port), port)
        for child in (self.prefect, self.mlflow):
            if child:
                child.start()
        self.write_addresses()
        api, tracking = settings().prefect_api_url, settings().mlflow_tracking_uri
        self.wait(self.prefect, "PREFECT_API_URL", lambda: answers(f"{api}/health"))
        self.wait(self.mlflow, "MLFLOW_TRACKING_URI", lambda: answers(f"{tracking}/health"))

    def child(self, name: str, log: str, command: tuple[str, ...], port: int = 0) -> Child:
        """Make a child with the current environment and an empty log; do not start it."""
        path = home() / "logs" / f"{log}.log"
        path.unlink(missing_ok=True)
        marked = {**os.environ, **self.settings, MARK: str(home()), "REALMIX_HOME": str(home())}
        return Child(name, command, marked, path, port)

    def port(self, wanted: int, name: str) -> int:
        """Reserve the wanted port, or a free one, for a server of this process."""
        bound = reserve_port(wanted)
        port = int(bound.getsockname()[1])
        if sys.platform == "linux":
            self.sockets.append(bound)
        else:
            bound.close()
        if wanted not in (0, port):
            print(f"Port {wanted} is in use: {name} uses port {port}.", flush=True)
        return port

    def write_addresses(self) -> None:
        """Write the addresses and passwords by which other commands find and use our own servers."""
        addresses = {
            "pid": os.getpid(),
            "prefect_api_url": settings().prefect_api_url,
            "mlflow_tracking_uri": settings().mlflow_tracking_uri,
            "login": self.login(),
        }
        write_atomically(home() / ADDRESSES, lambda file: write_private(file, json.dumps(addresses)))

    def login(self) -> dict[str, str]:
        """Return the variables by which clients are let in by our own servers."""
        clients = (PREFECT_CLIENT if self.prefect else ()) + (MLFLOW_CLIENT if self.mlflow else ())
        return {name: os.environ[name] for name in clients}

    def wait(self, child: Child | None, variable: str, is_there: Callable[[], bool]) -> None:
        """Wait until a child is up, or the server that an environment variable names answers.

        Raises
        ------
        RealmixError
            If it does not answer in time.
        Stopped
            If a stop was requested meanwhile.
        """
        deadline = time.monotonic() + (START_SECONDS if child else NAMED_SECONDS)
        while not ((child is None or child.listens()) and is_there()):
            if time.monotonic() > deadline:
                raise RealmixError(
                    f"{child.name} did not start in {START_SECONDS:g} s. Its output is in {child.log}."
                    if child
                    else f"The server that {variable} names does not answer: start it, or unset {variable} to "
                    "let `realmix up` start one."
                )
            self.pause(POLL_SECONDS)
            if child and (line := child.restart_if_dead()):
                print(line, flush=True)

    def pause(self, seconds: float) -> None:
        """Wait; raise `Stopped` if a stop is requested meanwhile."""
        if self.stop.wait(seconds):
            raise Stopped

    def apply_deployments(self) -> None:
        """Apply Prefect's deployments of the registered tables if a table or card has changed.

        Runs in a process of its own: the libraries that flows import would stay in the memory of this one.
        """
        tables = [(table.name, table.card.model_dump_json()) for table in registered_tables()]
        if tables == self.applied:
            return
        # On a server of our own, what is no longer registered is deleted, too.
        own = ("--delete-others",) if self.prefect else ()
        child = self.child("The deployments", "deployments", ("realmix.flows.deployments", *own))
        child.start()
        while child.process is not None and child.process.poll() is None:
            self.pause(POLL_SECONDS)
        if child.process is None or child.process.returncode:
            raise RealmixError(f"Applying the deployments to Prefect failed. The output is in {child.log}.")
        print(child.log.read_text(encoding="utf-8", errors="replace"), end="", flush=True)
        self.applied = tables

    def start_worker(self) -> None:
        """Settle the runs that an earlier worker left, then start a worker and wait until it is online."""
        self.settle_lost_runs()
        name = f"up-{os.getpid()}"
        self.worker = self.child(
            "The worker",
            "worker",
            ("prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", name),
        )
        self.worker.start()
        self.wait(self.worker, "", lambda: is_online(name))

    def start_watcher(self) -> None:
        """Start the process that looks for new rows; it needs nothing but the servers and the home."""
        self.watcher = self.child("The watcher", "watcher", ("realmix.flows.watcher",))
        self.watcher.start()

    def print_addresses(self) -> None:
        """Print where the servers and logs are, and how to stop."""
        from realmix.tasks.core.urls import without_secrets

        print(f"Prefect: {without_secrets(settings().prefect_api_url.removesuffix('/api'))}")
        print(f"MLflow:  {without_secrets(settings().mlflow_tracking_uri)}")
        if any(value in (password(), f"{USER}:{password()}") for value in self.login().values()):
            # Where it lies, not what it is: output ends in logs.
            print(
                f"Login:   user {USER}, password in {home() / PASSWORD} (Prefect's page asks for {USER}:PASSWORD)"
            )
        print(f"Logs:    {home() / 'logs'}")
        if not self.applied:
            print("No table is registered yet: register one with `realmix register CARD`.")
        print("Ready. Stop everything with Ctrl-C here or with `realmix down`.", flush=True)

    def supervise(self) -> None:
        """Restart what dies and settle the runs that died with it, until a stop is requested."""
        last = time.monotonic()
        while not self.stop.wait(POLL_SECONDS):
            for child in self.children():
                if line := child.restart_if_dead():
                    print(line, flush=True)
            if time.monotonic() - last > ROUND_SECONDS:
                self.check()
                last = time.monotonic()

    def check(self) -> None:
        """Check for new tables and for runs without a process; if a server is down, retry at the next check."""
        import httpx
        from prefect.exceptions import PrefectHTTPStatusError

        with suppress(httpx.HTTPError, PrefectHTTPStatusError):
            self.settle_lost_runs()
        try:
            self.apply_deployments()
        except RealmixError as err:
            print(f"{err} It will be retried.", flush=True)

    def settle_lost_runs(self) -> None:
        """Settle runs without a process; on a server that is shared with others, only those of this home."""
        from realmix.flows.local.lost_runs import settle_lost_runs

        since = self.worker.started_at if self.worker else datetime.datetime.now(datetime.UTC)
        for line in settle_lost_runs(since, is_shared=self.prefect is None):
            print(line, flush=True)

    def children(self) -> list[Child]:
        """Return the children that were started."""
        return [child for child in (self.prefect, self.mlflow, self.worker, self.watcher) if child]

    def end(self) -> None:
        """Stop the worker with its runs, settle these, then stop the servers."""
        if self.worker:
            self.worker.kill()
            end_marked(home(), RUN)
            self.worker = None
            with suppress(Exception):  # the next `up` settles them, otherwise
                self.settle_lost_runs()
        for child in (self.watcher, self.mlflow, self.prefect):
            if child:
                child.stop()
        for bound in self.sockets:
            bound.close()


def reserve_port(wanted: int) -> socket.socket:
    """Bind a socket to a port of 127.0.0.1, the wanted one if it is free.

    While this socket is bound, Linux lets a server listen on its port and gives it to nobody else.
    """
    for port in (wanted, 0):
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", port))
        except OSError:
            bound.close()
        else:
            return bound
    raise RealmixError(
        "No port of 127.0.0.1 is free on this machine. End programs that use many ports, then try again."
    )


def prefect_command(port: int) -> tuple[str, ...]:
    """Return the command of Prefect's server on loopback; its database is set in the environment."""
    return ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))


def mlflow_command(port: int) -> tuple[str, ...]:
    """Return the command of MLflow's server on loopback; its stores are in the environment, which is private."""
    return (
        "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--app-name", "basic-auth",
    )  # fmt: skip


def mlflow_store() -> dict[str, str]:
    """Return variables by which MLflow's server uses the same runs and files as commands without a server."""
    uri = os.environ.get("MLFLOW_BACKEND_STORE_URI") or settings().mlflow_tracking_uri
    if destination := os.environ.get("MLFLOW_ARTIFACTS_DESTINATION"):
        return {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_ARTIFACTS_DESTINATION": destination}
    files = (home() / "mlartifacts").as_uri()
    return {
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_ARTIFACTS_DESTINATION": files,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": files,
    }


def answers(url: str) -> bool:
    """Return whether a health page answers."""
    try:
        with urlopen(url, timeout=POLL_SECONDS * 10) as answer:
            return bool(answer.status == 200)
    except NO_ANSWER:
        return False


def is_online(worker: str) -> bool:
    """Return whether a worker of this name is registered in our work pool."""
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
