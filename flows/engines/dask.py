"""Run a study on a Dask cluster: fit processes on its Dask workers, and checks of the cluster.

Prefect is not imported at the top: a Dask worker imports this module first, and `environment.prepare` must
run before Prefect is imported.
"""

from __future__ import annotations

import gc
import logging
import platform
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from distributed import Client, Worker, WorkerPlugin, fire_and_forget
from distributed.scheduler import KilledWorker

from realmix.flows.local import environment
from realmix.tasks.core.errors import BadInput, WorkerDied
from realmix.tasks.core.versions import installed_version
from realmix.tasks.runtime.memory import worker_limit
from realmix.tasks.runtime.settings import settings
from realmix.tasks.runtime.shared_storage import forget_copies, is_seen, keep_copies_in, marker_in
from realmix.tasks.runtime.study_folder import home
from realmix.tasks.runtime.workers import LocalWorkers, as_current, current_workers

# A scheduler in the same network answers in well under a second.
CONNECT_SECONDS = 10
# Workers of a cluster that has just been started join within this time.
WORKERS_SECONDS = 30
LOG_NAME = "workers.log"
# A private cluster on this machine: loopback, encrypted because other users of the machine could
# reach its ports, no dashboard. Its workers hold no tables, so Dask has no memory to watch.
LOCAL_CLUSTER: dict[str, Any] = {
    "host": "127.0.0.1",
    "security": True,
    "dashboard_address": None,
    "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},  # of its health page: any free port
    "threads_per_worker": 1,
    "processes": True,
    "memory_limit": 0,
    "silence_logs": logging.CRITICAL,
}


class FitProcesses(WorkerPlugin):
    """Open the fit processes that `current_workers()` returns on a Dask worker, and close them with it.

    Each thread of the Dask worker gets one process; a fit that is killed or runs out of time ends that
    process, not the Dask worker.

    Parameters
    ----------
    log_path : Path or None
        File for the output of the fits; None is ``workers.log`` in the worker's ``REALMIX_HOME``.
    """

    name = "realmix-fits"
    # Studies that share a cluster share its processes: a second one must not close those of the first.
    idempotent = True

    def __init__(self, log_path: Path | None) -> None:
        self.log_path = log_path

    def setup(self, worker: Worker) -> None:
        """Open the processes; called by Dask on each worker."""
        environment.prepare()
        environment.make_home()
        self._open = ExitStack()
        log_path = self.log_path or home() / LOG_NAME
        # Another Dask worker may run beside this one: two large fits at once, as on one machine.
        workers = LocalWorkers(worker.state.nthreads, log_path=log_path, memory_bytes=worker_limit(2))
        self._open.enter_context(workers)
        # Dask removes this folder with the worker, also if that is killed.
        keep_copies_in(Path(worker.local_directory) / "realmix")

    def teardown(self, worker: Worker) -> None:
        """Close the processes; called by Dask when the worker ends."""
        self._open.close()


class ClusterWorkers:
    """Send the fits of steps that run in the flow's own process to the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Its workers have :class:`FitProcesses`.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.n_workers = sum(client.nthreads().values())

    def run(self, function: str, /, *, timeout_seconds: float | None = None, **kwargs: Any) -> Any:
        """Run a function in a process of a free worker; see :meth:`LocalWorkers.run`."""
        return self._client.submit(_run_here, function, timeout_seconds, kwargs, pure=False).result()

    def spread(self, step: Callable[[Any], Any], jobs: Iterable[Any]) -> list[Any]:
        """Run a step on a worker for each job; see :meth:`LocalWorkers.spread`."""
        futures = [self._client.submit(step, job, pure=False) for job in jobs]
        return [future.result() for future in futures]  # of several errors the first job's is raised

    def everywhere(self, function: str, /) -> list[Any]:
        """Call a function on each worker, any of which may be on another machine; return all results."""
        call: tuple[Any, ...] = (function, None, {})
        futures = [
            self._client.submit(_run_here, *call, workers=[worker], pure=False)
            for worker in self._client.nthreads()
        ]
        return [future.result() for future in futures]

    def preload(self, modules: Sequence[str]) -> None:
        """Import modules on each worker for the fits that start from now on; not waited for."""
        for worker in self._client.nthreads():
            fire_and_forget(self._client.submit(_preload_here, modules, workers=[worker], pure=False))

    def kill(self) -> None:
        """Do nothing: a cluster drops waiting work as soon as its client is gone."""


def _preload_here(modules: Sequence[str]) -> None:
    current_workers().preload(modules)


def _run_here(function: str, timeout_seconds: float | None, kwargs: dict[str, Any]) -> Any:
    return current_workers().run(function, timeout_seconds=timeout_seconds, **kwargs)


@contextmanager
def cluster_workers(client: Client, log_path: Path | None, storage: str | None = None) -> Iterator[None]:
    """Make `current_workers()` return the cluster, here and on its workers.

    Parameters
    ----------
    client : distributed.Client
    log_path : Path or None
        See :class:`FitProcesses`.
    storage : str or None
        URL of the study's files; the workers' copies of them are removed at the end.

    Raises
    ------
    WorkerDied
        If the cluster was lost, or one task ended several workers.
    """
    client.register_plugin(FitProcesses(log_path))
    for worker in client.nthreads():  # the steps' imports take seconds: run them during ingest
        fire_and_forget(client.submit(import_module, "realmix.flows.study", workers=[worker], pure=False))
    with as_current(ClusterWorkers(client)):
        try:
            yield
        except (KilledWorker, CancelledError) as err:
            raise WorkerDied(
                f"The Dask cluster could not finish this study ({type(err).__name__}): its scheduler ended, or "
                "a task ended several workers. See their logs; finished results are in the cache."
            ) from err
        finally:
            if storage:
                with suppress(Exception):  # if the cluster is gone, so are the copies
                    client.run(forget_copies, storage)


def check_cluster(address: str, out: Path, storage: str | None = None) -> None:
    """Refuse a cluster on which a study would fail or might decide differently; write nothing.

    Parameters
    ----------
    address : str
        Address of the scheduler, ``tcp://host:port`` or ``tls://host:port``.
    out : Path
        Folder of the results; need not exist yet.
    storage : str or None
        URL through which workers get the study's files; if given, they need not see the folder.

    Raises
    ------
    BadInput
        If no scheduler answers, it has no worker, or a worker lacks this package, has other versions
        of the libraries, sees neither folder nor storage, or cannot reach Prefect's server.
    """
    marked = marker_in(storage) if storage else _marker(out)
    with _connected(address) as client, marked as marker:
        if storage and max(client.nthreads().values()) > 1:
            raise BadInput(
                f"A worker of {address} has several threads, but with --storage each may have only one: start "
                "one worker for each processor with --nthreads 1."
            )
        about = (marker, settings().prefect_api_url, socket.gethostname())
        try:
            seen = client.run(describe_machine, *about)
        except ImportError as err:
            raise BadInput(
                f"A worker of {address} cannot import what a study needs ({err}): "
                "start the workers from an image in which realmix is installed."
            ) from err
        here = describe_machine(*about)
    for worker, found in seen.items():
        reason = reason_to_refuse(found, here)
        if reason:
            raise BadInput(f"The Dask worker {worker} {reason}")


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    refusal = None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as err:  # what a wrong address raises depends on how wrong it is
        refusal = BadInput(
            f"No Dask scheduler answers at {address} ({type(err).__name__}); expected the tcp://host:port "
            "or tls://host:port of a running one. Check --address."
        )
    if refusal:
        # The unconnected client closes itself when it is garbage-collected. Do it here: in the thread of
        # another client that is just starting, both would wait for ever.
        gc.collect()
        raise refusal
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError as err:
            raise BadInput(
                f"The Dask cluster at {address} has no worker after {WORKERS_SECONDS} s: "
                f"start some, for example `dask worker {address} --nthreads 1`."
            ) from err
        yield client


@contextmanager
def _marker(out: Path) -> Iterator[str]:
    """Create a temporary file beside the results, by which other machines prove that they see it."""
    place = out.absolute()
    while not place.exists():
        place = place.parent
    with tempfile.NamedTemporaryFile(dir=place, prefix=".realmix-") as file:
        yield file.name


def describe_machine(marker: str, api_url: str, host: str) -> dict[str, Any]:
    """Collect the facts about this machine by which it may or may not take part in a study.

    Parameters
    ----------
    marker : str
        A file, or URL of an object, on storage that all machines should share.
    api_url : str
        URL of Prefect's API.
    host : str
        Name of the study's own machine, which reaches its server in any case.

    Returns
    -------
    dict
        ``versions``, ``sees_marker`` and ``reaches_server``.
    """
    environment.prepare()
    from realmix.tasks.study.report import LIBRARIES

    versions = {name: installed_version(name) for name in (*LIBRARIES, "realmix")}
    return {
        "versions": {"python": platform.python_version()} | versions,
        "sees_marker": is_seen(marker),
        "reaches_server": socket.gethostname() == host or _answers(api_url),
    }


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def reason_to_refuse(found: dict[str, Any], here: dict[str, Any]) -> str | None:
    """Return why a machine cannot take part in a study; None if it can.

    Parameters
    ----------
    found, here : dict
        Of :func:`describe_machine`, there and on the study's own machine.

    Examples
    --------
    >>> here = {"versions": {"numpy": "2.4"}, "sees_marker": True, "reaches_server": True}
    >>> reason_to_refuse(here, here) is None
    True
    >>> reason_to_refuse(here | {"versions": {"numpy": "2.5"}}, here)
    'has numpy 2.5 instead of 2.4: use the same versions on all machines.'
    """
    wanted = here["versions"]
    other = [
        f"{name} {has} instead of {wanted[name]}"
        for name, has in found["versions"].items()
        if has != wanted[name]
    ]
    if other:
        return f"has {', '.join(other)}: use the same versions on all machines."
    if not found["sees_marker"]:
        return (
            "does not see the folder of --out, or what --storage names: choose a folder that all workers share "
            "under the same path, or a URL of an object store that they have the keys and endpoint for."
        )
    if not found["reaches_server"]:
        return (
            "cannot reach Prefect's server: run `prefect server start` on a machine that all workers reach, and "
            "set PREFECT_API_URL to its address."
        )
    return None
