"""Validate each kind of table by its suite: raw tables, pools of synthetic rows, training tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from realmix.expectations.declared import RULE_COLUMN
from realmix.expectations.synthetic import COPIES_COLUMN
from realmix.tasks.core.contracts.specs import CONTROLS
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.mixes.pools import is_copy
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.dates_as_written import as_moments, moments_of
from realmix.tasks.core.table.rule_kinds import DistributionRule, RangeRule
from realmix.tasks.core.table.rules import violations
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.table.with_columns import with_columns
from realmix.tasks.validation.metadata import narrowed, personal_columns, suite_metadata
from realmix.tasks.validation.results import ValidationOutcome
from realmix.tasks.validation.run import run_suite
from realmix.tasks.validation.store import write_quarantine, write_validation

ROW = "_realmix_row"


def validate_raw(
    raw: pd.DataFrame, schema: Schema, card: DataCard, folder: Path, *, is_batch: bool = False
) -> tuple[pd.DataFrame, ValidationOutcome]:
    """Run the raw suite, set invalid rows aside and store everything; raise if the table must not be used.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    schema : Schema
    card : DataCard
    folder : Path
        Gets ``raw.suite.json``, ``raw.json``, ``raw.html`` and, where rows are invalid,
        ``quarantine.parquet``: these rows with their reason in ``_realmix_reason``.
    is_batch : bool
        True for a batch of a registered table, whose rows may be few and wait for a target.

    Returns
    -------
    valid : DataFrame of shape (n_valid, n_columns)
        The other rows, with their index.
    outcome : ValidationOutcome

    Raises
    ------
    ValidationFailed
        If an expectation of the whole table failed, any raised an exception, or a tenth of
        the rows or more is invalid.
    """
    from realmix.expectations.raw import suite

    # Ranges have expectations of their own, which name the column.
    rules = [i for i, rule in enumerate(card.rules) if not isinstance(rule, RangeRule | DistributionRule)]
    dates = [c.name for c in schema.columns if c.kind == "datetime" and c.name in raw.columns]
    # In nanoseconds where their range suffices: Great Expectations checks others one by one.
    parsed = {name: as_moments(raw[name]) for name in dates}
    frame = with_columns(raw, {**parsed, **_rule_columns(raw, card, rules)})
    frame[ROW] = np.arange(len(raw))
    outcome = run_suite(
        frame,
        suite(suite_metadata(schema, card, rule_columns=rules, is_batch=is_batch)),
        personal=personal_columns(schema, card),
        row_column=ROW,
    )
    write_validation(outcome, folder)
    is_bad = np.isin(np.arange(len(raw)), list(outcome.bad_rows))
    if is_bad.any():
        write_quarantine(raw[is_bad], list(outcome.bad_rows.values()), folder)
    what = "The batch is refused. Correct it" if is_batch else "Nothing was trained. Correct the table"
    outcome.check(f"{what} or its card; the details are in {folder}.")
    return raw[~is_bad], outcome


def validate_synthetic(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    schema: Schema,
    card: DataCard,
    *,
    class_counts: Mapping[str, int] | None = None,
    is_control: bool = False,
) -> ValidationOutcome:
    """Run the synthetic suite.

    Parameters
    ----------
    synthetic : DataFrame of shape (n_synthetic, n_modelled)
        Canonical.
    real : DataFrame of shape (n_real, n_modelled)
        The canonical training rows: their levels and ranges are required, copies of them are counted.
    schema : Schema
    card : DataCard
    class_counts : mapping of class to count, optional
        Rows requested of each class.
    is_control : bool
        Controls may copy real rows and break the card's rules.

    Returns
    -------
    ValidationOutcome
        Its ``failure`` says why the rows must not be used; None when they may be.
    """
    from realmix.expectations.synthetic import suite

    of_rows = [i for i, rule in enumerate(card.rules) if not isinstance(rule, DistributionRule)]
    rules = [] if is_control else of_rows
    is_whole = set(synthetic.columns) >= {c.name for c in schema.modelled}
    metadata = suite_metadata(
        narrowed(schema, real),
        card,
        class_counts=dict(class_counts) if class_counts is not None else None,
        rule_columns=rules,
        is_control=is_control,
    )
    frame = _typed_as_in_file(synthetic, schema)
    if is_whole:
        frame = with_columns(frame, _synthetic_rule_columns(synthetic, schema, card, rules))
        if not is_control:
            frame[COPIES_COLUMN] = is_copy(synthetic, real)
    return run_suite(frame, suite(metadata), personal=personal_columns(schema, card))


def gate_synthetic(
    rows: pd.DataFrame,
    real: pd.DataFrame,
    schema: Schema,
    card: DataCard,
    synthesizer: str,
    folder: Path,
    *,
    class_counts: Mapping[str, int] | None,
    ships: bool,
) -> str | None:
    """Validate a pool, and say why it must not be used, or None; see :func:`validate_synthetic`.

    The results are stored in `folder` for a pool that ships or is refused. A control that ships must pass
    what every synthesizer must.
    """
    is_control = synthesizer in CONTROLS and not ships
    outcome = validate_synthetic(rows, real, schema, card, class_counts=class_counts, is_control=is_control)
    if ships or outcome.failure:
        write_validation(outcome, folder)
    return outcome.failure


def validate_training(
    training: pd.DataFrame,
    schema: Schema,
    card: DataCard,
    *,
    n_real: int,
    synthesizers: Sequence[str],
    folder: Path | None = None,
) -> ValidationOutcome:
    """Run the training suite over the winning training table.

    Parameters
    ----------
    training : DataFrame of shape (n_rows, n_columns + 4 or more)
        Columns of the file and the ``_realmix_`` ones.
    schema : Schema
    card : DataCard
    n_real : int
        Rows of origin ``real``.
    synthesizers : sequence of str
        The other origins.
    folder : Path, optional
        Where to store the results.

    Raises
    ------
    ValidationFailed
        If any critical expectation failed, after the results are stored.
    """
    from realmix.expectations.training import soft_columns, suite

    plain = suite_metadata(schema, card, n_real=n_real, synthesizers=list(synthesizers))
    plain["is_soft"] = any(name in training.columns for name in soft_columns(plain["schema"]))
    outcome = run_suite(training, suite(plain), personal=personal_columns(schema, card))
    if folder is not None:
        write_validation(outcome, folder)
    outcome.check("The model of this mix must not ship: report this table and its card as a fault.")
    return outcome


def _typed_as_in_file(canonical: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Copy a frame with dates as timestamps, and integer columns as integers where they are whole."""
    typed: dict[str, pd.Series] = {}
    for column in schema.modelled:
        values = canonical.get(column.name)
        if values is None or not pd.api.types.is_float_dtype(values):
            continue
        if column.kind == "datetime":
            typed[column.name] = moments_of(values.round())
        elif column.is_integer and bool((values.dropna() % 1 == 0).all()):
            typed[column.name] = values.astype("Int64")
    return with_columns(canonical, typed)


def _synthetic_rule_columns(
    synthetic: pd.DataFrame, schema: Schema, card: DataCard, indices: Sequence[int]
) -> dict[str, np.ndarray]:
    """Compute the rules' columns of canonical rows; none where these have wrong types."""
    try:
        restored = schema.restore(synthetic)
    except (TypeError, ValueError):
        return {}
    return _rule_columns(restored, card, indices)


def _rule_columns(rows: pd.DataFrame, card: DataCard, indices: Sequence[int]) -> dict[str, np.ndarray]:
    """Compute for each of these rules whether each row breaks it; none where that is impossible.

    The suite then misses these columns, and names the column that is missing or of the wrong type.
    """
    try:
        broken = violations(rows, [card.rules[i] for i in indices]).to_numpy()
    except (BadInput, TypeError, ValueError):
        return {}
    return {RULE_COLUMN.format(i): broken[:, place] for place, i in enumerate(indices)}
