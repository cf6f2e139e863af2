"""Read a table, check it against its card, and store it as a snapshot."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.runtime.snapshots import take_snapshot
from realmix.tasks.runtime.study_folder import Table, home
from realmix.tasks.study.request import read_rows, table_name


@task(task_run_name="ingest", cache_policy=NO_CACHE)
def ingest(request: StudyRequest) -> Table:
    """Take a content-addressed snapshot of the table a request names."""
    return stored_table(request, home() / "snapshots")


def stored_table(request: StudyRequest, snapshots: Path) -> Table:
    """Read the table a request names and store it in the folder `snapshots`."""
    raw, source, card = read_rows(request)
    snapshot = take_snapshot(raw, snapshots, source=source)
    del raw
    # From the stored rows: one digest has one schema, whatever the order or the types of the source.
    schema = check_study_input(snapshot.read(), card)
    return Table(table_name(card, request), snapshot, source, card, schema)
