"""Settle flow runs whose process died: retry studies and retrainings, mark others crashed.

Prefect learns of the end of a run from its process or from the worker that started it; if both were killed,
it shows the run as running for ever.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from realmix.flows.local.child_process import marked_processes
from realmix.flows.local.names import POOL
from realmix.flows.local.tied_process import MARK, RUN, RUNS
from realmix.tasks.runtime.study_folder import home

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

PROCESS_TAG = "realmix-process:"
DIED = "The process of this run died."
# A busy worker needs seconds between taking a run and starting its process.
PENDING_SECONDS = 60
# A run whose process died this often would let it die again.
MAX_TRIES = 5
# Flows to retry; the watcher polls the landing place again.
RETRIED = ("study", "retrain")


def settle_lost_runs(worker_since: datetime.datetime, *, is_shared: bool) -> list[str]:
    """Settle the runs of our work pool that no process of this machine works on.

    Studies and retrainings are retried under the same run, so that nothing is done twice; a poll is
    marked as crashed, a run that was being cancelled as cancelled.

    Parameters
    ----------
    worker_since : datetime
        When the worker was started: runs that an earlier one was about to start will never start.
    is_shared : bool
        Whether workers of other homes take runs from the same server: theirs are left alone. The exception
        is a run that was taken and not started within a minute: it has lost its worker, whoever's it was,
        and while it is pending no other run of its deployment begins.

    Returns
    -------
    list of str
        One line to print for each.
    """
    from prefect.client.orchestration import get_client

    lines = []
    with get_client(sync_client=True) as client:
        unfinished = runs_of_pool(client, ["RUNNING", "CANCELLING", "PENDING"])
        here = [found for _, found in marked_processes() if found[MARK] == str(home())]
        living = {found[RUN] for found in here if RUN in found}
        ours = noted_runs(keep={str(run.id) for run in unfinished} | living)
        for run in unfinished:
            is_ours = not is_shared or str(run.id) in ours
            if str(run.id) in living or not (is_ours or is_pending(run)):
                continue
            if is_starting(run, worker_since if is_ours else None):
                continue
            # A run that ended since it was read is left alone.
            now = client.read_flow_run(run.id)
            if now.state is None or run.state is None or now.state.id != run.state.id:
                continue
            flow = client.read_flow(now.flow_id).name
            state = settled_state(now, flow)
            client.set_flow_run_state(now.id, state, force=True)
            lines.append(f"The process of {flow} run '{now.name}' had died: the run is now {state.name}.")
    return lines


def process_tag() -> str:
    """Return a tag for the runs of this process, by which another process can detect that it died."""
    import psutil

    process = psutil.Process()
    return f"{PROCESS_TAG}{process.pid}:{process.create_time():.2f}"


def mark_dead_runs() -> int:
    """Mark runs as crashed whose tag names a process that died; return their number."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType
    from prefect.states import Crashed

    running = filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=[StateType.RUNNING]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_run_filter=filters.FlowRunFilter(state=running))
        dead = [run for run in found if any(_names_dead_process(tag) for tag in run.tags)]
        for run in dead:
            client.set_flow_run_state(run.id, Crashed(message=DIED), force=True)
    return len(dead)


def _names_dead_process(tag: str) -> bool:
    import psutil

    if not tag.startswith(PROCESS_TAG):
        return False
    pid, started = tag.removeprefix(PROCESS_TAG).split(":")
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != started
    except psutil.NoSuchProcess:
        return True


def noted_runs(keep: set[str]) -> set[str]:
    """Return the ids in `keep` that were started from this home; delete the notes of all others."""
    folder = home() / RUNS
    notes = list(folder.iterdir()) if folder.exists() else []
    for note in notes:
        if note.name not in keep:
            note.unlink()
    return {note.name for note in notes} & keep


def runs_of_pool(client: SyncPrefectClient, states: list[str], **more: Any) -> list[FlowRun]:
    """Return the flow runs of our work pool in states of these types."""
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType

    types = filters.FlowRunFilterStateType(any_=[StateType(state) for state in states])
    return client.read_flow_runs(
        flow_run_filter=filters.FlowRunFilter(state=filters.FlowRunFilterState(type=types)),
        work_pool_filter=filters.WorkPoolFilter(name=filters.WorkPoolFilterName(any_=[POOL])),
        **more,
    )


def is_pending(run: FlowRun) -> bool:
    """Return whether a worker took a run and has not reported yet that it runs."""
    return run.state is not None and run.state.is_pending()


def is_starting(run: FlowRun, worker_since: datetime.datetime | None) -> bool:
    """Return whether a worker (ours, if its start time is given) may be about to start a run's process."""
    if run.state is None or not is_pending(run):
        return False
    age = datetime.datetime.now(datetime.UTC) - run.state.timestamp
    is_of_worker = worker_since is None or run.state.timestamp > worker_since
    return is_of_worker and age.total_seconds() < PENDING_SECONDS


def settled_state(run: FlowRun, flow: str) -> State[Any]:
    """Return the new state of a run whose process died."""
    from prefect.states import AwaitingRetry, Cancelled, Crashed

    if run.state is not None and run.state.is_cancelling():
        return Cancelled(message=DIED)
    if flow in RETRIED and run.run_count < MAX_TRIES:
        return AwaitingRetry(message=f"{DIED} It is retried; finished fits are in the cache.")
    return Crashed(message=DIED)
