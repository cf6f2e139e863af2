"""Expectations named in the terms of this domain; each stores all its arguments in the suite.

Importing this module imports Great Expectations (3 s), so suites import it when they are built.
They import the library from here, where warnings about its deprecated imports are silenced.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd

# At INFO, the import logs its decorators, and every run of a suite logs how its context was set up.
logging.getLogger("great_expectations").setLevel(logging.WARNING)
with warnings.catch_warnings():
    # Great Expectations 1.24 imports three modules that Python 3.11 deprecates.
    warnings.filterwarnings("ignore", "module 'sre_", DeprecationWarning)
    import great_expectations as gx  # noqa: F401  (taken from here by the suites)
    import great_expectations.expectations as gxe
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: F401  (as gx)
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import BatchExpectation, ColumnAggregateExpectation
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.metrics import ColumnAggregateMetricProvider, column_aggregate_value
    from great_expectations.expectations.metrics.metric_provider import metric_value
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

# This module gives its logger a level of its own.
logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

CRITICAL, WARNING, INFO = FailureSeverity.CRITICAL, FailureSeverity.WARNING, FailureSeverity.INFO
# Rows that fail are set aside and the study continues with the others; or it stops.
QUARANTINE = {"on_failure": "quarantine"}
STOP = {"on_failure": "stop"}
LARGEST_FLOAT = float(np.finfo(float).max)


class ExpectRowKeyToBeUnique(gxe.ExpectColumnValuesToBeUnique):
    """No two rows have the same key."""


class ExpectColumnLevelsToBeKnown(gxe.ExpectColumnValuesToBeInSet):
    """Every category is one of the schema's levels."""


class ExpectColumnNumbersToBeFinite(gxe.ExpectColumnValuesToBeBetween):
    """No number is infinite."""


class ExpectDeclaredRangeToHold(gxe.ExpectColumnValuesToBeBetween):
    """A range rule of the data card holds."""


class ExpectDeclaredRuleToHold(gxe.ExpectColumnValuesToBeInSet):
    """A rule of the data card holds; its column says for each row whether it is broken."""


class ExpectDatesToBePlausible(gxe.ExpectColumnValuesToBeBetween):
    """No date stands for "unknown" or "never"."""


class ExpectSyntheticRowsNotToCopyReal(gxe.ExpectColumnValuesToBeInSet):
    """Few synthetic rows equal a real row; its column says for each row whether it does."""


class ColumnValueCounts(ColumnAggregateMetricProvider):
    """How often each value occurs, as text; missing values are left out."""

    metric_name = "column.realmix_value_counts"
    filter_column_isnull = True

    @column_aggregate_value(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, **kwargs: Any) -> dict[str, int]:
        return {str(value): int(count) for value, count in column.value_counts().items()}


class ExpectValueCountsToEqual(ColumnAggregateExpectation):
    """The column holds each value of `counts` exactly that often; other values may occur."""

    counts: dict[str, int]

    metric_dependencies = ("column.realmix_value_counts",)
    success_keys = ("counts",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        found = metrics["column.realmix_value_counts"]
        observed = {value: found.get(value, 0) for value in self.counts}
        return {"success": observed == self.counts, "result": {"observed_value": observed}}


class ExpectColumnPsiToBeAtMost(ColumnAggregateExpectation):
    """The population stability index between the column's bins and the `reference` is at most `maximum`.

    `reference` has rows by number of the bin; ``prior`` rows are added to each bin that is not
    empty on both sides.
    """

    reference: dict[str, int]
    prior: float
    maximum: float

    metric_dependencies = ("column.realmix_value_counts",)
    success_keys = ("reference", "prior", "maximum")

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        found = metrics["column.realmix_value_counts"]
        bins = sorted({*self.reference, *found})
        rows = np.array(
            [[side.get(name, 0) for name in bins] for side in (self.reference, found)], dtype=float
        )
        rows = rows[:, rows.sum(axis=0) > 0] + self.prior
        before, after = rows / rows.sum(axis=1, keepdims=True)
        psi = float(np.sum((after - before) * np.log(after / before)))
        return {"success": psi <= self.maximum, "result": {"observed_value": psi}}


class ExpectDomainAucToBeAtMost(gxe.ExpectColumnMeanToBeBetween):
    """A classifier cannot tell new rows from reference rows.

    Its column holds for each new row the share of reference rows that look less new; their mean is
    the area under the ROC curve.
    """


class ExpectColumnTypesToBe(BatchExpectation):
    """Every column of `types` is stored as the named pandas type."""

    types: dict[str, str]

    metric_dependencies = ("table.column_types",)
    success_keys = ("types",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        found = {column["name"]: str(column["type"]) for column in metrics["table.column_types"]}
        others = {
            name: found.get(name, "absent") for name in self.types if found.get(name) != self.types[name]
        }
        return {"success": not others, "result": {"observed_value": others}}


class TableMissingCounts(TableMetricProvider):
    """Missing values of each of `columns`."""

    metric_name = "table.realmix_missing_counts"
    value_keys = ("columns",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls, execution_engine: Any, metric_value_kwargs: dict[str, Any], **kwargs: Any
    ) -> dict[str, int]:
        frame = _all_rows(execution_engine)
        return {name: int(frame[name].isna().sum()) for name in metric_value_kwargs["columns"]}


class TableUnknownLevelCounts(TableMetricProvider):
    """Values of each column of `levels` that are not among its levels; missing ones do not count."""

    metric_name = "table.realmix_unknown_level_counts"
    value_keys = ("levels",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls, execution_engine: Any, metric_value_kwargs: dict[str, Any], **kwargs: Any
    ) -> dict[str, int]:
        frame = _all_rows(execution_engine)
        levels = metric_value_kwargs["levels"]
        return {name: int((frame[name].notna() & ~frame[name].isin(levels[name])).sum()) for name in levels}


class TableOutOfRangeCounts(TableMetricProvider):
    """Values of each column of `ranges` below its first or above its second bound."""

    metric_name = "table.realmix_out_of_range_counts"
    value_keys = ("ranges",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls, execution_engine: Any, metric_value_kwargs: dict[str, Any], **kwargs: Any
    ) -> dict[str, int]:
        frame = _all_rows(execution_engine)
        ranges = metric_value_kwargs["ranges"]
        return {name: _out_of_range(frame[name], *ranges[name]) for name in ranges}


class ExpectNoValueToBeMissing(BatchExpectation):
    """None of `columns` has a missing value."""

    columns: list[str]

    metric_dependencies = ("table.realmix_missing_counts",)
    success_keys = ("columns",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        return _nothing_counted(metrics["table.realmix_missing_counts"])


class ExpectLevelsToBeKnown(BatchExpectation):
    """Every category is one of the `levels` that the real rows hold in that column."""

    levels: dict[str, list[str]]

    metric_dependencies = ("table.realmix_unknown_level_counts",)
    success_keys = ("levels",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        return _nothing_counted(metrics["table.realmix_unknown_level_counts"])


class ExpectValuesToStayInRange(BatchExpectation):
    """Every number or date lies in the range of the real rows: lowest and highest by column."""

    ranges: dict[str, list[Any]]

    metric_dependencies = ("table.realmix_out_of_range_counts",)
    success_keys = ("ranges",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        return _nothing_counted(metrics["table.realmix_out_of_range_counts"])


class TableRowSumError(TableMetricProvider):
    """Largest distance from 1 of a row's sum over some columns; missing values make it infinite."""

    metric_name = "table.realmix_row_sum_error"
    value_keys = ("columns",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, execution_engine: Any, metric_value_kwargs: dict[str, Any], **kwargs: Any) -> float:
        frame = _all_rows(execution_engine)
        sums = frame[metric_value_kwargs["columns"]].to_numpy(dtype=float).sum(axis=1)
        return float(np.nan_to_num(np.abs(sums - 1), nan=np.inf).max(initial=0.0))


class ExpectProbabilitiesToSumToOne(BatchExpectation):
    """In every row the `columns` sum to 1, within `tolerance`."""

    columns: list[str]
    tolerance: float

    metric_dependencies = ("table.realmix_row_sum_error",)
    success_keys = ("columns", "tolerance")

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        error = metrics["table.realmix_row_sum_error"]
        return {"success": error <= self.tolerance, "result": {"observed_value": error}}


def _all_rows(execution_engine: PandasExecutionEngine) -> pd.DataFrame:
    frame, _, _ = execution_engine.get_compute_domain({}, domain_type="table")
    return frame


def _out_of_range(values: pd.Series, lowest: Any, highest: Any) -> int:
    if pd.api.types.is_datetime64_any_dtype(values):
        lowest, highest = pd.Timestamp(lowest), pd.Timestamp(highest)
    return int(((values < lowest) | (values > highest)).fillna(False).sum())


def _nothing_counted(counts: dict[str, int]) -> dict[str, Any]:
    """Return success if all counts are 0, and the other counts by column."""
    found = {name: count for name, count in counts.items() if count}
    return {"success": not found, "result": {"observed_value": found}}
