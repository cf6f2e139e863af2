"""What runs on the workers of a Dask cluster: one pool of warm fit processes each, and its checks.

Prefect is imported nowhere at the top: a worker imports this module first, and `environment.prepare`
must come before Prefect.
"""

from __future__ import annotations

import gc
import logging
import os
import platform
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
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
from realmix.tasks.runtime.shared_storage import forget_copies, is_seen, keep_copies_in, marker_in
from realmix.tasks.runtime.study_folder import home
from realmix.tasks.runtime.workers import LocalWorkers, as_current, current_workers

# A scheduler in the same network answers in well under a second.
CONNECT_SECONDS = 10
# Workers of a cluster that is just being started join within this time.
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
    """Opens the pool that `current_workers()` gives to tasks on a Dask worker, and closes it with the worker.

    Each thread of the Dask worker gets one process; a fit that is killed or runs out of time takes
    that process with it, not the Dask worker.

    Parameters
    ----------
    log_path : Path or None
        File for the output of the fits; None is ``workers.log`` in the worker's ``REALMIX_HOME``.
    """

    name = "realmix-fits"
    # Studies that share a cluster share its pools: a second one must not close those of the first.
    idempotent = True

    def __init__(self, log_path: Path | None) -> None:
        self.log_path = log_path

    def setup(self, worker: Worker) -> None:
        environment.prepare()
        environment.make_home()
        self._open = ExitStack()
        log_path = self.log_path or home() / LOG_NAME
        # Another Dask worker may stand beside this one: two large fits at once, as on one machine.
        pool = LocalWorkers(worker.state.nthreads, log_path=log_path, memory_bytes=worker_limit(2))
        self._open.enter_context(pool)
        # Dask removes this folder with the worker, also after a worker that was killed.
        keep_copies_in(Path(worker.local_directory) / "realmix")

    def teardown(self, worker: Worker) -> None:
        self._open.close()


class ClusterWorkers:
    """The fits of steps that run in the flow's own process, sent to the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Its workers have :class:`FitProcesses`.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.n_workers = sum(client.nthreads().values())

    def run(self, function: str, /, *, timeout_seconds: float | None = None, **kwargs: Any) -> Any:
        """Run a function in a process of a free worker; as :meth:`realmix.tasks.runtime.workers.LocalWorkers.run`."""
        return self._client.submit(_run_here, function, timeout_seconds, kwargs, pure=False).result()

    def spread(self, step: Callable[[Any], Any], jobs: Iterable[Any]) -> list[Any]:
        """Take a step on a worker for each job; as :meth:`realmix.tasks.runtime.workers.LocalWorkers.spread`."""
        futures = [self._client.submit(step, job, pure=False) for job in jobs]
        return [future.result() for future in futures]  # of several errors the first job's is raised

    def everywhere(self, function: str, /) -> list[Any]:
        """What a function says on each worker, which may be on a machine of its own."""
        asked: tuple[Any, ...] = (function, None, {})
        futures = [
            self._client.submit(_run_here, *asked, workers=[worker], pure=False)
            for worker in self._client.nthreads()
        ]
        return [future.result() for future in futures]

    def kill(self) -> None:
        """Nothing to end from here: a cluster drops what waits as soon as its client is gone."""


def _run_here(function: str, timeout_seconds: float | None, kwargs: dict[str, Any]) -> Any:
    return current_workers().run(function, timeout_seconds=timeout_seconds, **kwargs)


@contextmanager
def cluster_workers(client: Client, log_path: Path | None, storage: str | None = None) -> Iterator[None]:
    """Let `current_workers()` mean the cluster, here and on its workers.

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
        If the cluster was lost, or one piece of work ended several workers.
    """
    client.register_plugin(FitProcesses(log_path))
    for worker in client.nthreads():  # the steps' imports take seconds: let them run beside ingest
        fire_and_forget(client.submit(import_module, "realmix.flows.study", workers=[worker], pure=False))
    with as_current(ClusterWorkers(client)):
        try:
            yield
        except (KilledWorker, CancelledError) as err:
            raise WorkerDied(
                f"The Dask cluster gave up on this study ({type(err).__name__}): its scheduler ended, or a "
                "task ended several workers. Look into their logs; what was computed is kept."
            ) from err
        finally:
            if storage:
                with suppress(Exception):  # a cluster that is gone has taken them along
                    client.run(forget_copies, storage)


def check_cluster(address: str, out: Path, storage: str | None = None) -> None:
    """Refuse a cluster on which a study would fail or could decide otherwise, before anything is written.

    Parameters
    ----------
    address : str
        Of the scheduler, ``tcp://host:port`` or ``tls://host:port``.
    out : Path
        Folder of the results; need not exist yet.
    storage : str or None
        URL through which workers get the study's files; they need not see the folder then.

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
                f"A worker of {address} has several threads, with --storage each needs one: start the workers "
                "with --nthreads 1, as many as there are processors."
            )
        asked = (marker, os.environ["PREFECT_API_URL"], socket.gethostname())
        try:
            seen = client.run(look_around, *asked)
        except ImportError as err:
            raise BadInput(
                f"A worker of {address} cannot import what a study needs ({err}): "
                "start the workers from an image in which realmix is installed."
            ) from err
        here = look_around(*asked)
    for worker, found in seen.items():
        reason = complaint(found, here)
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
        # The half-made client closes itself when it is collected: here, where it blocks nobody. In the
        # thread of another client that is just starting, both would wait for ever.
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
    """A passing file beside the results, to see who else sees it."""
    place = out.absolute()
    while not place.exists():
        place = place.parent
    with tempfile.NamedTemporaryFile(dir=place, prefix=".realmix-") as file:
        yield file.name


def look_around(marker: str, api_url: str, host: str) -> dict[str, Any]:
    """What a machine sees of the study.

    Parameters
    ----------
    marker : str
        A file, or URL of an object, on storage that all machines should share.
    api_url : str
        Of Prefect's server.
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


def complaint(found: dict[str, Any], here: dict[str, Any]) -> str | None:
    """Why a machine cannot take part in a study; None where it can.

    Parameters
    ----------
    found, here : dict
        Of :func:`look_around`, there and on the study's own machine.

    Examples
    --------
    >>> here = {"versions": {"numpy": "2.4"}, "sees_marker": True, "reaches_server": True}
    >>> complaint(here, here) is None
    True
    >>> complaint(here | {"versions": {"numpy": "2.5"}}, here)
    'has numpy 2.5 instead of 2.4: run one image everywhere.'
    """
    wanted = here["versions"]
    other = [
        f"{name} {has} instead of {wanted[name]}"
        for name, has in found["versions"].items()
        if has != wanted[name]
    ]
    if other:
        return f"has {', '.join(other)}: run one image everywhere."
    if not found["sees_marker"]:
        return (
            "does not see the folder of --out, or what --storage names: choose a folder that all workers share "
            "under the same path, or a URL of an object store that their keys and endpoint open."
        )
    if not found["reaches_server"]:
        return (
            "cannot reach Prefect's server: run `prefect server start` where all workers reach it and set "
            "PREFECT_API_URL to its address."
        )
    return None
