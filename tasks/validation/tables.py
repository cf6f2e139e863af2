"""Which suite each table is held against: the raw one, synthetic pools, the training one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from realmix.expectations.declared import RULE_COLUMN
from realmix.expectations.synthetic import COPIES_COLUMN
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.mixes.arms import CONTROL_SYNTHESIZERS
from realmix.tasks.core.mixes.pools import is_copy
from realmix.tasks.core.table.card import ConditionRule, DataCard, DerivedRule, DistributionRule
from realmix.tasks.core.table.rules import violations
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.validation.metadata import narrowed, personal_columns, suite_metadata
from realmix.tasks.validation.results import ValidationOutcome
from realmix.tasks.validation.run import run_suite
from realmix.tasks.validation.store import write_quarantine, write_validation

ROW = "_realmix_row"


def validate_raw(
    raw: pd.DataFrame, schema: Schema, card: DataCard, folder: Path, *, is_batch: bool = False
) -> tuple[pd.DataFrame, ValidationOutcome]:
    """Run the raw suite, set bad rows aside and store everything, then stop if it must.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    schema : Schema
    card : DataCard
    folder : Path
        Gets ``raw.suite.json``, ``raw.json``, ``raw.html`` and, where rows are bad,
        ``quarantine.parquet``: these rows with their reason in ``_realmix_reason``.
    is_batch : bool
        True for rows that arrive at a table, which may be few and wait for a target.

    Returns
    -------
    kept : DataFrame of shape (n_kept, n_columns)
        The other rows, with the index they had.
    outcome : ValidationOutcome

    Raises
    ------
    ValidationFailed
        If an expectation of the whole table failed, any raised an exception, or a tenth of
        the rows or more is bad.
    """
    from realmix.expectations.raw import suite

    # Ranges have expectations of their own, which name the column.
    rules = [i for i, rule in enumerate(card.rules) if isinstance(rule, ConditionRule | DerivedRule)]
    frame = _with_parsed_dates(raw, schema).assign(**_rule_columns(raw, card, rules))
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
    what = "The batch stays out. Mend it" if is_batch else "Nothing was trained. Mend the table"
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
        The canonical training rows whose levels and ranges hold, and that are not to be copied.
    schema : Schema
    card : DataCard
    class_counts : mapping of class to count, optional
        Rows asked of each class.
    is_control : bool
        Controls may copy real rows and break the card's rules.

    Returns
    -------
    ValidationOutcome
        Its ``failure`` says why the rows must not be mixed in, None when they may be.
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
        frame = frame.assign(**_synthetic_rule_columns(synthetic, schema, card, rules))
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
) -> str | None:
    """Say why a pool of synthetic rows must not be used, or None, and store the result in `folder`.

    See :func:`validate_synthetic`.
    """
    is_control = synthesizer in CONTROL_SYNTHESIZERS
    outcome = validate_synthetic(rows, real, schema, card, class_counts=class_counts, is_control=is_control)
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


def _with_parsed_dates(raw: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """A copy in which dates are timestamps without zone; what is no date is missing."""
    dates = [c.name for c in schema.columns if c.kind == "datetime" and c.name in raw.columns]
    return raw.assign(**{name: _timestamps(raw[name]) for name in dates})


def _timestamps(values: pd.Series) -> pd.Series:
    """Timestamps in nanoseconds where these reach: others Great Expectations looks at one by one."""
    parsed = pd.to_datetime(values, errors="coerce", format="ISO8601", utc=True).dt.tz_localize(None)
    reaches = parsed.min() >= pd.Timestamp.min and parsed.max() <= pd.Timestamp.max
    return parsed.astype("datetime64[ns]") if reaches else parsed


def _typed_as_in_file(canonical: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """A copy in which dates are timestamps and whole numbers integers, where they are whole."""
    typed: dict[str, pd.Series] = {}
    for column in schema.modelled:
        values = canonical.get(column.name)
        if values is None or not pd.api.types.is_float_dtype(values):
            continue
        if column.kind == "datetime":
            # Of a NaN pandas 2.3 rounds uninitialised memory, which now and then overflows.
            moments = pd.to_datetime(values.fillna(0), unit="s").dt.round("s")
            typed[column.name] = moments.where(values.notna())
        elif column.is_integer and bool((values.dropna() % 1 == 0).all()):
            typed[column.name] = values.astype("Int64")
    return canonical.assign(**typed)


def _synthetic_rule_columns(
    synthetic: pd.DataFrame, schema: Schema, card: DataCard, indices: Sequence[int]
) -> dict[str, np.ndarray]:
    """The same for canonical rows; nothing where they are of wrong types."""
    try:
        restored = schema.restore(synthetic)
    except (TypeError, ValueError):
        return {}
    return _rule_columns(restored, card, indices)


def _rule_columns(rows: pd.DataFrame, card: DataCard, indices: Sequence[int]) -> dict[str, np.ndarray]:
    """For each of these rules whether each row breaks it; nothing where that cannot be said.

    The suite then misses the columns, and names the column that is lost or of the wrong type.
    """
    try:
        broken = violations(rows, [card.rules[i] for i in indices]).to_numpy()
    except (BadInput, TypeError, ValueError):
        return {}
    return {RULE_COLUMN.format(i): broken[:, place] for place, i in enumerate(indices)}
