"""Read a table once, check it against its card, and store it as a snapshot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.runtime.snapshots import describe_snapshot, store
from realmix.tasks.runtime.study_folder import Table, home
from realmix.tasks.study.request import read_rows, table_name

# Tables that this process has read before their study began, by the study's folder.
_read_before: dict[str, Table] = {}


@task(task_run_name="ingest", cache_policy=NO_CACHE)
def ingest(request: StudyRequest) -> Table:
    """Take a content-addressed snapshot of the table a request names, with its rows still in memory."""
    if request.out in _read_before:
        return stored(_read_before.pop(request.out))
    return stored(read_table(request, home() / "snapshots"))


def read_table(request: StudyRequest, snapshots: Path) -> Table:
    """Read and check the table a request names; nothing is written yet.

    Parameters
    ----------
    request : StudyRequest
    snapshots : Path
        Folder in which :func:`stored` will store it.

    Raises
    ------
    BadInput
        If anything cannot be used as given.
    """
    raw, source, card = read_rows(request)
    snapshot = describe_snapshot(raw, snapshots, source=source)
    # The rows as they are stored: one digest has one schema, whatever the order or the types of the source.
    schema = check_study_input(snapshot.read(), card)
    return Table(table_name(card, request), snapshot, source, card, schema)


def stored(table: Table) -> Table:
    """Store the snapshot of a table that was read."""
    return replace(table, snapshot=store(table.snapshot))


def hand_over(table: Table, out: str) -> None:
    """Give a table that was just read to the study in a folder, which will run in this process."""
    _read_before[out] = table
