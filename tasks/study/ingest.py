"""Store the table of a study as a snapshot, and log what stands out in it."""

from __future__ import annotations

import logging
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.table.set_apart import table_notes
from realmix.tasks.runtime.study_folder import Table, home
from realmix.tasks.study.permission import record_responsibility
from realmix.tasks.study.read_table import handed_over, read_table, stored
from realmix.tasks.study.retries import RETRIES

log = logging.getLogger("realmix")


@task(task_run_name="ingest", cache_policy=NO_CACHE, **RETRIES)
def ingest(request: StudyRequest) -> Table:
    """Take a content-addressed snapshot of the table a request names, with its rows still in memory."""
    table = handed_over(request.out) or read_table(request, home() / "snapshots")
    for note in table_notes(table.schema, table.card, table.hints):
        log.info("%s", note)
    table = stored(table)
    study = Path(request.out).name
    record_responsibility(table.name, table.permission, table.snapshot.digest, study=study)
    return table
