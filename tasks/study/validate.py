"""Hold tables against their expectations: the raw one before, the training one after."""

from __future__ import annotations

import dataclasses
import logging

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.runtime.snapshots import take_snapshot
from realmix.tasks.runtime.study_folder import StudyFolder, Table, home
from realmix.tasks.validation.tables import validate_raw, validate_training

log = logging.getLogger("realmix")
VALIDATION = "validation"


@task(task_run_name="validate-raw", cache_policy=NO_CACHE)
def gate_raw(table: Table, folder: StudyFolder) -> Table:
    """Stop at a bad table; set bad rows aside and go on with a snapshot of the others.

    Raises
    ------
    ValidationFailed
        Before anything is trained; the results are stored with the study.
    """
    raw = table.snapshot.read()
    kept, outcome = validate_raw(raw, table.schema, table.card, folder.path / VALIDATION)
    for warning in outcome.warnings:
        log.info("warning: %s", warning.sentence)
    if len(kept) == len(raw):
        return table
    log.info("%d bad rows are set aside in %s/quarantine.parquet", len(raw) - len(kept), VALIDATION)
    schema = check_study_input(kept.reset_index(drop=True), table.card)
    snapshot = take_snapshot(kept, home() / "snapshots", source=table.source)
    return dataclasses.replace(table, snapshot=snapshot, schema=schema)


@task(task_run_name="validate-training", cache_policy=NO_CACHE)
def gate_training(table: Table, folder: StudyFolder) -> None:
    """Hold the shipped training table against its suite.

    Raises
    ------
    ValidationFailed
        If the table is not what it must be; its model must not ship.
    """
    training = pd.read_parquet(folder.path / "training.parquet")
    origins = training["_realmix_origin"]
    validate_training(
        training,
        table.schema,
        table.card,
        n_real=int((origins == "real").sum()),
        synthesizers=sorted(set(origins) - {"real"}),
        folder=folder.path / VALIDATION,
    )
