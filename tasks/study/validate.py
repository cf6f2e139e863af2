"""Validate tables with their expectations: the raw table before a study, the training table after it."""

from __future__ import annotations

import dataclasses
import logging

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.runtime.snapshots import describe_snapshot, store
from realmix.tasks.runtime.study_folder import VALIDATION, StudyFolder, Table, home
from realmix.tasks.validation.tables import validate_raw, validate_training

log = logging.getLogger("realmix")


@task(task_run_name="validate-raw", cache_policy=NO_CACHE)
def gate_raw(table: Table, folder: StudyFolder) -> Table:
    """Refuse a bad table; move bad rows to quarantine and return a snapshot of the others.

    Raises
    ------
    ValidationFailed
        Before anything is trained; the validation results are stored with the study.
    """
    raw = table.snapshot.read()
    good_rows, outcome = validate_raw(raw, table.schema, table.card, folder.path / VALIDATION)
    for warning in outcome.warnings:
        log.info("warning: %s", warning.sentence)
    if len(good_rows) == len(raw):
        return table
    log.info("%d bad rows were moved to %s/quarantine.parquet", len(raw) - len(good_rows), VALIDATION)
    schema = check_study_input(good_rows.reset_index(drop=True), table.card)
    snapshot = store(describe_snapshot(good_rows, home() / "snapshots", source=table.source))
    table.snapshot.forget_rows()
    schema = dataclasses.replace(schema, forms=table.schema.forms)
    return dataclasses.replace(table, snapshot=snapshot, schema=schema)


@task(task_run_name="validate-training", cache_policy=NO_CACHE)
def gate_training(table: Table, folder: StudyFolder) -> None:
    """Validate the shipped training table with its suite.

    Raises
    ------
    ValidationFailed
        If the table breaks a critical expectation: its model must not ship.
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
