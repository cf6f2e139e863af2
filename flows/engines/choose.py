"""Where the work of a study runs: threads and worker processes of this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from prefect.context import FlowRunContext
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.runtime.memory import worker_limit
from realmix.tasks.runtime.shared_storage import check_storage, storage_of
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.study.plan import n_workers

Runner = Literal["threads", "dask"]
AnyRunner = TaskRunner[Any]
# Tasks that wait for a worker cost nothing; the worker pool decides what runs at once.
MIN_WAITING_THREADS = 16


def task_runner(runner: Runner, address: str | None, out: Path, storage: str | None = None) -> AnyRunner:
    """The task runner a user asked for; one for another engine, such as Ray, would be built here.

    Parameters
    ----------
    runner : {"threads", "dask"}
    address : str or None
        Of a Dask scheduler; None starts a cluster on this machine for this study.
    out : Path
        Folder of the results.
    storage : str or None
        URL through which workers get the study's files; None where they see `out`.

    Raises
    ------
    BadInput
        If the cluster, or the storage, cannot serve this study.
    """
    if runner == "threads":
        return threads()
    from prefect_dask import DaskTaskRunner

    from realmix.flows.engines.dask import LOCAL_CLUSTER, check_cluster

    if storage:
        check_storage(storage)
    if address is None:
        return DaskTaskRunner(cluster_kwargs={**LOCAL_CLUSTER, "n_workers": n_workers()})
    check_cluster(address, out, storage)
    return DaskTaskRunner(address=address)


def threads() -> AnyRunner:
    """Threads of this process, which wait for its worker pool."""
    return ThreadPoolTaskRunner(max_workers=max(MIN_WAITING_THREADS, 2 * n_workers()))


def check_runner(runner: Runner, address: str | None, storage: str | None = None) -> None:
    """Refuse what needs no look at a cluster.

    Raises
    ------
    BadInput
        If an address or storage is given without Dask, or Dask is not installed.

    Examples
    --------
    >>> check_runner("threads", None)
    """
    if runner == "threads" and address:
        raise BadInput(
            f"--address {address} is that of a Dask scheduler: add --runner dask, or leave it out."
        )
    if runner == "threads" and storage:
        raise BadInput(
            f"--storage {without_secrets(storage)} is for the workers of a Dask cluster: add --runner dask, or leave it out."
        )
    if runner == "dask" and find_spec("prefect_dask") is None:
        raise BadInput(
            "--runner dask needs prefect-dask, which is not installed: pip install 'realmix[dask]'."
        )


def storage_here(url: str | None, study: str) -> str | None:
    """URL for the files of a study, where its flow runs on a cluster; threads of this machine need none.

    Raises
    ------
    BadInput
        If it cannot be used.
    """
    if url is None or _cluster() is None:
        return None
    check_storage(url)
    return storage_of(url, study)


@contextmanager
def open_workers(log_path: Path, storage: str | None = None) -> Iterator[None]:
    """Open what `current_workers()` gives to the steps of the flow that is running.

    Parameters
    ----------
    log_path : Path
        File for the output of the fits on this machine.
    storage : str or None
        URL of the study's files, of which workers keep copies until its end.
    """
    cluster = _cluster()
    if cluster is None:
        with LocalWorkers(n_workers(), log_path=log_path, memory_bytes=worker_limit(n_workers())):
            yield
        return
    from realmix.flows.engines.dask import cluster_workers

    # The log of a given cluster, which other studies may share, lies with its workers.
    with cluster_workers(cluster.client, None if cluster.address else log_path, storage):
        yield


def _cluster() -> Any:
    """The task runner of the flow that is running, where it runs on a cluster; else None."""
    context = FlowRunContext.get()
    runner = context.task_runner if context else None
    return None if runner is None or isinstance(runner, ThreadPoolTaskRunner) else runner
