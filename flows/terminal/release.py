"""`realmix release`: a synthetic-only table to share, made in this process without servers."""

from __future__ import annotations

import os
from pathlib import Path

from realmix.flows.local import environment
from realmix.flows.terminal.progress import end_progress, show_progress
from realmix.flows.terminal.screen import tell
from realmix.tasks.core.release.document import release_lines
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.urls import hide_secrets


def run_release(request: StudyRequest, synthesizer: str, n_rows: int | None, *, fixed_mix: bool) -> None:
    """Release a table and print what was found.

    Raises
    ------
    RealmixError
        Whose message is one sentence for the user.
    """
    show_progress()
    if request.table:
        request = request.model_copy(update={"table": hide_secrets(request.table)})
    # Sums of equal numbers are equal on any number of processors.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    environment.prepare()
    from realmix.tasks.study.release import SHARED, release

    document = release(request, synthesizer, n_rows, fixed_mix=fixed_mix)
    end_progress()
    for line in release_lines(document):
        tell(line)
    tell(f"to share: {Path(request.out) / SHARED}; everything else in {request.out} is for the house alone")
