"""Run a study or retraining from the terminal: checks, progress on standard error, a clean end on Ctrl-C."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

from realmix.flows.local import environment
from realmix.flows.local.access import why_no_prefect
from realmix.flows.local.embedded_server import EmbeddedServer
from realmix.flows.terminal.progress import Detail, end_progress, show_progress
from realmix.flows.terminal.screen import tell
from realmix.tasks.core.errors import BadInput, RealmixError, StudyInterrupted
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.urls import hide_secrets
from realmix.tasks.runtime.fork_server import fork_server
from realmix.tasks.runtime.settings import settings
from realmix.tasks.runtime.study_folder import LOCK, check_output_folder, home, is_held, only_study_in
from realmix.tasks.runtime.workers import current_workers

if TYPE_CHECKING:
    from realmix.flows.engines.choose import AnyRunner
    from realmix.tasks.core.report.verdict_document import VerdictDocument

log = logging.getLogger("realmix")
INTERRUPTED = 130
# Where studies go without --out, and in each the key of what was asked for.
RUNS, ASKED = Path("runs"), "work/asked"
NOTHING_DECIDED = 4
# After Ctrl-C the process must end within five seconds, whatever a library is doing.
PATIENCE_SECONDS = 3.5


def run_study(
    request: StudyRequest,
    *,
    runner: Literal["threads", "dask"],
    address: str | None,
    detail: Detail = "normal",
    show: Callable[[VerdictDocument, Path], None],
) -> None:
    """Check a request, run the study and show the verdict.

    Parameters
    ----------
    request : StudyRequest
    runner : {"threads", "dask"}
        Where the work runs; does not change the verdict.
    address : str or None
        Of the Dask scheduler; None starts a cluster on this machine.
    detail : {"quiet", "normal", "verbose"}
        How much of the progress is shown.
    show : callable
        Takes the verdict document and the folder of the results.

    Raises
    ------
    RealmixError
        Whose message is one sentence for the user.
    """
    environment.prepare()
    end_on_signal(None)
    show_progress(detail)
    server = None if settings().prefect_api_url else EmbeddedServer()
    if request.table:
        request = request.model_copy(update={"table": hide_secrets(request.table)})
    from realmix.flows.engines.options import check_runner
    from realmix.tasks.core.table.reading_report import reading_lines
    from realmix.tasks.study.read_table import hand_over, read_table
    from realmix.tasks.study.request import check_names, check_plan, read_plan, with_plugins

    check_runner(runner, address, request.storage)
    request = with_plugins(request)
    table = read_table(request, home() / "snapshots")
    name, card, schema = table.name, table.card, table.schema
    check_names(request, card, schema)
    if request.plan:
        check_plan(read_plan(Path(request.plan)), card, schema, table.snapshot.n_rows)
    from realmix.tasks.core.report.verdict_document import VerdictDocument
    from realmix.tasks.study.reuse import request_key, reuse_study, study_key

    key = study_key(request, table.snapshot.digest, name, card, schema)
    asked = request_key(request, table.snapshot.digest, name, card, schema)
    out = Path(request.out) if request.out else unfinished(name, asked) or new_run(name)
    if former := reuse_study(out, key):
        log.info("nothing changed since the study '%s': same table, options and code", former["study"])
        end_progress()
        show(VerdictDocument.read(former), out)
        return
    check_output_folder(out)
    log.info(
        "%s: %s rows, %d features, %s on '%s'%s",
        name,
        f"{table.snapshot.n_rows:,}",
        len(schema.features),
        schema.task,
        schema.target,
        f" (positive: {schema.positive})" if schema.positive else "",
    )
    hidden = ("location", "reading", "notes")
    source = {key: value for key, value in table.source.items() if key not in hidden}
    log.info("input: %s", ", ".join(f"{key} {value}" for key, value in source.items()))
    for line in reading_lines(table.source["reading"]):
        log.info("read: %s", line)
    if request.plan:
        log.info("--plan sets everything but the table: options that it also sets are ignored")
    if runner == "threads":
        start_helpers(server)
    import psutil

    from realmix.flows.engines.choose import task_runner

    engine = task_runner(runner, address, out, request.storage)
    if runner == "dask":  # nothing is written for a cluster that cannot be used
        start_helpers(server)
    request = request.model_copy(update={"out": str(out), "began": psutil.Process().create_time()})
    with only_study_in(out):
        (out / ASKED).write_text(asked or "", encoding="utf-8")
        hand_over(table, request.out)
        del table
        shipped = interruptible("study", request, server=server, engine=engine, results=f"{out}/work")
    document = VerdictDocument.read(shipped)
    end_progress()
    show(document, out)
    exit_if_not_decided(document.word)


def new_run(name: str) -> Path:
    """Return a new folder for the results of a study of this table."""
    return RUNS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def unfinished(name: str, key: str | None) -> Path | None:
    """Return the latest folder in which the same study was interrupted, to go on in it.

    Parameters
    ----------
    name : str
        Of the table.
    key : str or None
        Of the request; None, where changes of its code cannot be seen, starts anew.
    """
    for asked in sorted(RUNS.glob(f"{name}-*/{ASKED}"), reverse=True) if key else ():
        out = asked.parents[1]
        is_open = not (out / "verdict.json").exists() and not is_held(out / LOCK)
        if is_open and asked.read_text(encoding="utf-8") == key:
            log.info("going on with the interrupted study in %s", out)
            return out
    return None


def exit_if_not_decided(word: str | None) -> None:
    """End the process with the exit code of a study that decided nothing."""
    from realmix.tasks.core.decision.outcomes import NOT_DECIDED

    if word == NOT_DECIDED:
        sys.exit(NOTHING_DECIDED)


def run_retraining(
    table: str, why: str, detail: Detail = "normal", *, is_due: Callable[[str], bool] | None = None
) -> dict[str, Any] | None:
    """Retrain a registered table in this process.

    Parameters
    ----------
    table : str
    why : str
        Reason for the record of decisions.
    detail : {"quiet", "normal", "verbose"}
        How much of the progress is shown.
    is_due : callable, optional
        Asked first, with the table, whether there is anything to do.

    Returns
    -------
    dict or None
        The entry in the record of decisions; None where nothing is due.
    """
    from realmix.tasks.runtime.database import registered_table

    registered_table(table)
    environment.prepare()
    end_on_signal(None)
    show_progress(detail)
    # Before anything imports Prefect, which takes the server's address from the environment then.
    server = None if settings().prefect_api_url else EmbeddedServer()
    if is_due and not is_due(table):
        end_progress()
        return None
    start_helpers(server)
    entry: dict[str, Any] = interruptible("retrain", table, why, server=server, results=str(home()))
    end_progress()
    return entry


def start_helpers(server: EmbeddedServer | None) -> None:
    """Make the home, and start the processes that import libraries for seconds while this one imports its own."""
    from realmix.tasks.runtime.state_connection import transaction

    environment.make_home()
    with transaction():
        pass  # a state that cannot be used is found now, not when the holdout is read
    log.info("starting Prefect and the workers ...", extra={"progress": {"stage": "starting Prefect"}})
    if server:
        server.start()
    fork_server(1)


def interruptible(
    name: str, *arguments: Any, server: EmbeddedServer | None, engine: AnyRunner | None = None, results: str
) -> Any:
    """Run a flow so that Ctrl-C or SIGTERM ends it, its workers and its server within seconds.

    Parameters
    ----------
    name : str
        Name of the flow and of its module in `flows`.
    *arguments
        Arguments of the flow.
    server : EmbeddedServer or None
    engine : task runner, optional
        The flow's own when None.
    results : str
        Folder whose results a later run can use, named in the message after Ctrl-C.
    """
    received, interrupted = end_on_signal(results)

    def restore_sigterm(*_: Any) -> None:
        # Prefect's own handler would report to a server that the same signal ended, and retry for minutes.
        signal.signal(signal.SIGTERM, interrupted)

    try:
        from prefect import tags
        from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        from realmix.flows.local import lost_runs
        from realmix.tasks.study.tracking_store import check_tracking_store

        flow = getattr(import_module(f"realmix.flows.{name}"), name)
        # A retraining runs its study as a flow of its own, with a handler of its own.
        study = import_module("realmix.flows.study").study
        study.on_running_hooks.append(restore_sigterm)
        # The slowest import of a study, and MLflow's store, are seen to while the server starts.
        import_module("great_expectations")
        check_tracking_store()
        if server:
            server.wait()
            lost_runs.mark_dead_runs()
        elif problem := why_no_prefect():
            raise BadInput(f"The Prefect server at {problem}")
        # The heartbeat thread costs each flow run a second at its end; a study run by hand needs none.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), tags(lost_runs.process_tag()):
            options = {"task_runner": engine} if engine else {}
            return flow.with_options(**options, on_running=[restore_sigterm])(*arguments)
    except BaseException as err:
        # A library that is interrupted, even in an import, may raise an error of its own.
        if received.is_set() or isinstance(err, StudyInterrupted | KeyboardInterrupt):
            _exit_now(results)
        if known := known_reason(err):
            raise known from err
        raise


def known_reason(err: BaseException) -> RealmixError | None:
    """Return why a flow really failed, where Prefect's report of that to its server failed, too, and hides it."""
    from prefect.exceptions import PrefectHTTPStatusError

    from realmix.tasks.runtime.snapshots import explain_os_error
    from realmix.tasks.runtime.worker_process import is_full

    if not isinstance(err, PrefectHTTPStatusError):
        return None
    hidden = err.__cause__ or err.__context__
    while hidden:
        if isinstance(hidden, RealmixError):
            return hidden
        hidden = hidden.__cause__ or hidden.__context__
    return explain_os_error(OSError(errno.ENOSPC, ""), home()) if is_full(home()) else None


def end_on_signal(results: str | None) -> tuple[threading.Event, Callable[[int, FrameType | None], None]]:
    """Let Ctrl-C and SIGTERM end this process within seconds, whatever a library makes of the interruption.

    Parameters
    ----------
    results : str or None
        Folder whose results a later run can use; None where nothing was computed yet.

    Returns
    -------
    received : Event
        Set once a signal came.
    handler : callable
        Of both signals.
    """
    received = threading.Event()
    handler = partial(_interrupt, results, received)
    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)
    return received, handler


def _interrupt(results: str | None, received: threading.Event, signum: int, frame: FrameType | None) -> None:
    received.set()
    # Dask's event loop is interrupted, which it would log as tracebacks.
    logging.getLogger("tornado.application").disabled = True
    threading.Thread(target=_exit_after_patience, args=(results,), daemon=True).start()
    with suppress(RuntimeError):  # no workers are open before the first fit and after the last
        current_workers().kill()
    raise KeyboardInterrupt


def _exit_after_patience(results: str | None) -> None:
    time.sleep(PATIENCE_SECONDS)
    _exit_now(results)


def _exit_now(results: str | None) -> None:
    """Kill child processes, say where the results are and exit, without waiting for any thread."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    kept = (
        f"what was finished is in {results}. Run the same command again to go on from there"
        if results and Path(results).exists()
        else "nothing was computed yet, so nothing is kept"
    )
    try:
        end_progress()
        tell(f"realmix: interrupted; {kept}.", stderr=True)
    finally:  # also where nobody reads it any longer
        os._exit(INTERRUPTED)
