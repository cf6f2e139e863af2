"""The first answer from the terminal: no server, no store, nothing left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

from flows import environment
from flows.session import show_progress
from tasks.core.config import StudyRequest
from tasks.core.locations import hide_secrets
from tasks.core.preview_lines import preview_lines
from tasks.core.study import Split, Table


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
        from tasks.preview import preview

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
