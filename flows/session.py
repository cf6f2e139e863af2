"""One study from the terminal: checks before anything is written, progress, a clean end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from flows import environment
from tasks.core.config import StudyRequest
from tasks.core.documents import summary_lines
from tasks.core.errors import StudyInterrupted
from tasks.core.locations import hide_secrets
from tasks.core.study import check_output_folder
from tasks.core.workers import current_pool

log = logging.getLogger("realmix")
INTERRUPTED = 130
# Ctrl-C must be over within five seconds, whatever a library is doing.
PATIENCE_SECONDS = 3.5


def run_study(request: StudyRequest) -> None:
    """Check a request, run the study, print the verdict.

    Raises
    ------
    RealmixError
        With one sentence for the user.
    """
    environment.prepare()
    show_progress()
    if request.table:
        request = request.model_copy(update={"table": hide_secrets(request.table)})
    from tasks.inputs import check_names, check_plan, read_plan, read_study_input, table_name

    raw, source, card, schema = read_study_input(request)
    check_names(request, card, schema)
    if request.plan:
        check_plan(read_plan(Path(request.plan)), schema)
    name = table_name(card, request)
    out = Path(request.out) if request.out else Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    check_output_folder(out)
    log.info(
        "%s: %s rows, %d features, %s on '%s'%s",
        name,
        f"{len(raw):,}",
        len(schema.features),
        schema.task,
        schema.target,
        f" (positive: {schema.positive})" if schema.positive else "",
    )
    log.info("read as %s", ", ".join(f"{key} {value}" for key, value in source.items() if key != "location"))
    if request.plan:
        log.info("the plan decides everything but the table: other options are left aside")
    del raw, source
    environment.make_home()
    document = interruptible(request.model_copy(update={"out": str(out)}))
    print_verdict(document, out)


def interruptible(request: StudyRequest) -> dict[str, Any]:
    """Run the flow so that Ctrl-C ends it, its workers and its server within seconds."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows.study import study

    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        # The heartbeat thread costs each flow run a second at its end; a study run by hand needs none.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            return study(request)
    except (StudyInterrupted, KeyboardInterrupt):
        _say_interrupted(request.out)
        _exit_now()
        raise


def show_progress() -> None:
    """Send our own progress to standard error, with the seconds since the start."""
    started = time.perf_counter()

    class Elapsed(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return f"[{time.perf_counter() - started:5.0f} s] {super().format(record)}"

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Elapsed("%(message)s"))
    log.setLevel(logging.INFO)
    log.handlers = [handler]
    log.propagate = False


def print_verdict(document: dict[str, Any], out: Path) -> None:
    """Print the verdict and where everything lies, in a few lines."""
    print()
    print(f"Verdict: {document['word']}")
    print(document["sentence"])
    for line in summary_lines(document):
        print(f"  {line}")
    print(f"Report:  {out / 'report.html'}")
    print(f"Files:   {out}/ (verdict.json, model/, real_only/, training.parquet, manifest.json)")
    print(f"MLflow:  experiment '{document['tracking']['experiment']}' in {document['tracking']['uri']}")
    print("         `make ui`, or `realmix ui`, opens it.")


def _interrupt(signum: int, frame: FrameType | None) -> None:
    threading.Thread(target=_last_resort, daemon=True).start()
    with suppress(RuntimeError):  # no pool is open before the first fit and after the last
        current_pool().kill()
    raise KeyboardInterrupt


def _last_resort() -> None:
    time.sleep(PATIENCE_SECONDS)
    _exit_now()


def _say_interrupted(out: str) -> None:
    print(f"realmix: interrupted; what was computed is kept in {out}/work.", file=sys.stderr)


def _exit_now() -> None:
    """End child processes and this one, without waiting for any thread."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(INTERRUPTED)
