"""Show drift in Great Expectations: compare the new rows' bins with those of the earlier rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.expectations.drift import DOMAIN_COLUMN
from realmix.tasks.core.lifecycle.column_drift import PRIOR_ROWS, Bins, learn_bins
from realmix.tasks.core.lifecycle.drift import SMALL_AUC, ColumnDrift, Drift, comparable_rows, labelled
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.validation.results import ValidationOutcome
from realmix.tasks.validation.run import run_suite
from realmix.tasks.validation.store import write_validation


def validate_drift(
    reference: pd.DataFrame, new: pd.DataFrame, schema: Schema, drift: Drift, folder: Path
) -> None:
    """Run the drift suite and store its results page; a failure is a warning and stops nothing.

    Parameters
    ----------
    reference, new : DataFrame of shape (n_rows, n_columns)
        Rows of the file, as given to :func:`realmix.tasks.core.lifecycle.drift.measure_drift`.
    schema : Schema
    drift : Drift
        The result of that function.
    folder : Path
        Gets ``drift.suite.json``, ``drift.json`` and ``drift.html``, none of which holds a cell.
    """
    write_validation(run_drift_suite(reference, new, schema, drift), folder)


def run_drift_suite(
    reference: pd.DataFrame, new: pd.DataFrame, schema: Schema, drift: Drift
) -> ValidationOutcome:
    """Run the drift suite on the new rows, binned by the bins of the reference rows.

    Parameters are those of :func:`validate_drift`.
    """
    from realmix.expectations.drift import suite

    before, after = comparable_rows(reference, new, schema, seed=drift.seed)
    columns, frame = [], {}
    for found in drift.columns:
        bins = learn_bins(before[found.name], schema[found.name])
        columns.append(_expected(found, bins.counts(before[found.name])))
        frame[found.name] = _numbers(after[found.name], bins)
    if drift.target is not None:
        # Rows that wait for their target have none; in a feature that would be a bin of its own.
        values = labelled(before, schema.target)[schema.target]
        bins = learn_bins(values, schema[schema.target])
        columns.append(_expected(drift.target, bins.counts(values)))
        frame[schema.target] = _numbers(labelled(after, schema.target)[schema.target], bins)
    domain = None
    if drift.domain is not None:
        frame[DOMAIN_COLUMN] = drift.domain.ranks
        domain = {"maximum": max(drift.domain.auc_by_chance, SMALL_AUC), "p_value": drift.domain.p_value}
    metadata = {"columns": columns, "prior": PRIOR_ROWS, "domain": domain}
    return run_suite(pd.DataFrame(frame, index=after.index), suite(metadata), is_detailed=True)


def _expected(found: ColumnDrift, counts: np.ndarray) -> dict[str, Any]:
    return {
        "name": found.name,
        "reference": {str(place): int(n) for place, n in enumerate(counts)},
        "maximum": found.psi_limit,
        "p_value": found.p_adjusted,
    }


def _numbers(values: pd.Series, bins: Bins) -> pd.Series:
    return pd.Series(bins.codes(values), index=values.index, dtype="Int64")
