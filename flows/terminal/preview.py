"""`realmix preview`: a quick estimate without servers, of which no files remain."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

from realmix.flows.local import environment
from realmix.flows.terminal.progress import end_progress, show_progress
from realmix.flows.terminal.screen import tell
from realmix.tasks.core.plan.plan import Split
from realmix.tasks.core.report.preview_text import preview_lines
from realmix.tasks.core.table.reading_report import reading_lines
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.table.set_apart import table_notes
from realmix.tasks.core.urls import hide_secrets
from realmix.tasks.runtime.study_folder import Table


def run_preview(request: StudyRequest) -> None:
    """Train a few cheap models on a table and print whether a full study is worthwhile.

    Raises
    ------
    RealmixError
        Whose message is one sentence for the user.
    """
    show_progress()
    if request.table:
        request = request.model_copy(update={"table": hide_secrets(request.table)})
    # After SIGTERM, too, the rows in the temporary folder must be removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with TemporaryDirectory(prefix="realmix-preview-") as place:
        # Prefect, imported with the steps, wants a folder even where no flow runs.
        os.environ.setdefault("PREFECT_HOME", str(Path(place) / "prefect"))
        environment.prepare()
        from realmix.tasks.study.preview import preview

        table, split, judged = preview(request, Path(place))
    end_progress()
    notes = table_notes(table.schema, table.card, table.hints)
    read = [f"read: {line}" for line in reading_lines(table.source["reading"])]
    for line in (describe(table, split), *read, *notes, *preview_lines(judged)):
        tell(line)


def describe(table: Table, split: Split) -> str:
    """Describe in one line the table that was read."""
    schema = table.schema
    development = f"; {split.n_development:,} of them for development" if split.n_holdout else ""
    return (
        f"table: {table.name}, {split.n_all:,} rows, {len(schema.features)} features, "
        f"{schema.task} on '{schema.target}'{development}"
    )
