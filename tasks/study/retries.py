"""Try a step again that failed by its input or output, never one that computed or decided."""

from __future__ import annotations

import errno
from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.tasks import Task, exponential_backoff

from realmix.tasks.core.errors import NoAnswer

# A disk, a mount or a network that may be back in seconds; a full disk or a missing file is not.
TRANSIENT = {
    errno.EIO, errno.ESTALE, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ENETDOWN, errno.ENETUNREACH,
    errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ETIMEDOUT,
}  # fmt: skip


def is_transient(err: BaseException) -> bool:
    """Return whether the same step may succeed in some seconds.

    Parameters
    ----------
    err : BaseException

    Examples
    --------
    >>> is_transient(NoAnswer("The store does not answer.")), is_transient(ConnectionResetError())
    (True, True)
    >>> is_transient(FileNotFoundError(errno.ENOENT, "not found")), is_transient(ValueError())
    (False, False)
    """
    if isinstance(err, NoAnswer | ConnectionError | TimeoutError):
        return True
    return isinstance(err, OSError) and err.errno in TRANSIENT


def may_retry(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Return whether Prefect tries a failed task again."""
    # The state of an attempt holds its exception itself; no result is read from anywhere.
    return isinstance(state.data, BaseException) and is_transient(state.data)


# After 2 and 4 seconds, each up to half longer, so that many who wait do not come at once.
RETRIES: dict[str, Any] = {
    "retries": 2,
    "retry_delay_seconds": exponential_backoff(2),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": may_retry,
}


def is_last_attempt() -> bool:
    """Return whether Prefect will not try the present task again; True outside a task run."""
    context = TaskRunContext.get()
    return context is None or context.task_run.run_count > context.task.retries
