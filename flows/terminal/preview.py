"""The first answer from the terminal: no server, no store, nothing left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

from realmix.flows.local import environment
from realmix.flows.terminal.run_study import show_progress
from realmix.tasks.core.plan.plan import Split
from realmix.tasks.core.report.preview_text import preview_lines
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.urls import hide_secrets
from realmix.tasks.runtime.study_folder import Table


def run_preview(request: StudyRequest) -> None:
    """Look at a table with cheap arms and print whether a study is worth it.

    Raises
    ------
    RealmixError
        With one sentence for the user.
    """
    show_progress()
    if request.table:
        request = request.model_copy(update={"table": hide_secrets(request.table)})
    # Ended from outside, the rows in the temporary folder must go as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with TemporaryDirectory(prefix="realmix-preview-") as place:
        # Prefect, imported with the steps, wants a folder even where no flow runs.
        os.environ.setdefault("PREFECT_HOME", str(Path(place) / "prefect"))
        environment.prepare()
        from realmix.tasks.study.preview import preview

        table, split, judged = preview(request, Path(place))
    for line in (describe(table, split), *preview_lines(judged)):
        print(line)


def describe(table: Table, split: Split) -> str:
    """Say what was read, in one line."""
    schema = table.schema
    kept = f"; {split.n_development:,} of them for development" if split.n_holdout else ""
    return (
        f"table: {table.name}, {split.n_all:,} rows, {len(schema.features)} features, "
        f"{schema.task} on '{schema.target}'{kept}"
    )
