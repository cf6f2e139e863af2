"""Choose where a study runs: worker processes of this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect.context import FlowRunContext
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from realmix.flows.engines.options import Runner
from realmix.tasks.runtime.memory import n_workers, worker_limit
from realmix.tasks.runtime.shared_storage import check_storage, storage_of
from realmix.tasks.runtime.study_folder import Storage
from realmix.tasks.runtime.workers import LocalWorkers

AnyRunner = TaskRunner[Any]
# Threads only wait; the number of worker processes limits how much runs at once.
MIN_WAITING_THREADS = 16


def task_runner(runner: Runner, address: str | None, out: Path, storage: str | None = None) -> AnyRunner:
    """Return the Prefect task runner of an engine; one for Ray, say, would be built here.

    Parameters
    ----------
    runner : {"threads", "dask"}
    address : str or None
        Address of a Dask scheduler; None starts a cluster on this machine for this study.
    out : Path
        Folder of the results.
    storage : str or None
        URL through which workers get the study's files; None if they see `out`.

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
    """Return a task runner whose threads wait for the worker processes of this machine."""
    return ThreadPoolTaskRunner(max_workers=max(MIN_WAITING_THREADS, 2 * n_workers()))


def storage_here(url: str | None, study: str) -> Storage | None:
    """Return the place for a study's files; None if its flow runs on this machine only.

    Raises
    ------
    BadInput
        If the URL cannot be used.
    """
    if url is None or _cluster() is None:
        return None
    check_storage(url)
    return storage_of(url, study)


@contextmanager
def open_workers(log_path: Path, storage: Storage | None = None) -> Iterator[None]:
    """Open the workers that `current_workers()` returns to the steps of the running flow.

    Parameters
    ----------
    log_path : Path
        File for the output of fits on this machine.
    storage : Storage or None
        Of the study's files; workers hold copies of them until its end.
    """
    cluster = _cluster()
    if cluster is None:
        with LocalWorkers(n_workers(), log_path=log_path, memory_bytes=worker_limit(n_workers())):
            yield
        return
    from realmix.flows.engines.dask import cluster_workers

    # The workers of a given cluster, which other studies may share, write logs of their own.
    with cluster_workers(
        cluster.client, None if cluster.address else log_path, storage.url if storage else None
    ):
        yield


def _cluster() -> Any:
    """Return the task runner of the running flow if it uses a cluster, else None."""
    context = FlowRunContext.get()
    runner = context.task_runner if context else None
    return None if runner is None or isinstance(runner, ThreadPoolTaskRunner) else runner
