"""Run an expectation suite, and convert Great Expectations' results to plain values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.validation.results import ExpectationOutcome, ValidationOutcome

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch

# Arguments of expectations that hold cells of their column, and what replaces them in a stored
# result where the column is personal; all others are names, constants and values of the card.
LEVEL_ARGUMENTS: dict[str, Any] = {"value_set": [], "counts": {}}
# Arguments that hold cells of several columns, by column.
BY_COLUMN_ARGUMENTS = {"levels", "ranges"}
EXCEPTION_NAME = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception))\b", re.MULTILINE)


def run_suite(
    frame: pd.DataFrame,
    suite: ExpectationSuite,
    *,
    personal: Collection[str] = (),
    row_column: str | None = None,
    is_detailed: bool = False,
) -> ValidationOutcome:
    """Run a suite; every call has its own context, so threads may run it side by side.

    A first pass asks for success or failure only; failed expectations are run again with all
    details, so that a valid table costs little.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    suite : ExpectationSuite
    personal : collection of str
        Columns whose values must not be in the outcome.
    row_column : str, optional
        Column of row positions; with it, rows that fail are named in ``bad_rows``.
    is_detailed : bool
        Whether successful expectations are run again with all details too.
    """
    batch = _batch(frame)
    first = batch.validate(suite, result_format="BOOLEAN_ONLY").results
    again = [r for r in first if _has_details(r, of_passed=is_detailed)]
    results = [r for r in first if not _has_details(r, of_passed=is_detailed)]
    if again:
        results += batch.validate(_suite_of(suite.name, again), result_format=_detailed(row_column)).results
    return ValidationOutcome(
        suite.name,
        len(frame),
        tuple(sorted((_outcome(r, personal) for r in results), key=_place)),
        _bad_rows(results, row_column) if row_column else {},
    )


def _batch(frame: pd.DataFrame) -> Batch:
    from realmix.expectations.custom import ProgressBarsConfig, gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("table")
    definition = asset.add_batch_definition_whole_dataframe("all rows")
    return definition.get_batch(batch_parameters={"dataframe": frame})


def _suite_of(name: str, results: Sequence[ExpectationValidationResult]) -> ExpectationSuite:
    from realmix.expectations.custom import gx

    configurations = [r.expectation_config for r in results if r.expectation_config is not None]
    return gx.ExpectationSuite(name=name, expectations=[c.to_domain_obj() for c in configurations])


def _detailed(row_column: str | None) -> Any:
    """Return the result format: with counts, and with the positions of failing rows if `row_column`."""
    if row_column is None:
        return "SUMMARY"
    return {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": [row_column],
        "return_unexpected_index_query": False,
    }


def _has_details(result: ExpectationValidationResult, *, of_passed: bool) -> bool:
    """Return whether an expectation failed by values, not by an exception; or passed, if `of_passed`."""
    return (of_passed or not result.success) and _exception(result) is None


def _outcome(result: ExpectationValidationResult, personal: Collection[str]) -> ExpectationOutcome:
    configuration = result.expectation_config
    assert configuration is not None, "Great Expectations returns every result with its configuration"
    kwargs: Any = configuration.to_json_dict()["kwargs"]
    arguments = {name: value for name, value in kwargs.items() if name != "batch_id"}
    exception = _exception(result)
    is_personal = arguments.get("column") in personal
    found: Any = result.to_json_dict()["result"]
    count = found.get("unexpected_count")
    percent = found.get("unexpected_percent")
    return ExpectationOutcome(
        column=arguments.get("column"),
        expectation=configuration.type,
        severity="critical" if exception else configuration.severity.value,
        success=bool(result.success),
        unexpected_count=count,
        unexpected_fraction=percent / 100 if percent is not None else None,
        observed=None if is_personal else _observed(found),
        exception=exception,
        arguments=_withheld(arguments, personal),
        meta=configuration.meta or {},
    )


def _withheld(arguments: Mapping[str, Any], personal: Collection[str]) -> dict[str, Any]:
    """Return the arguments without the levels and ranges of personal columns."""
    if arguments.get("column") in personal:
        return {name: LEVEL_ARGUMENTS.get(name, value) for name, value in arguments.items()}
    return {
        name: {c: v for c, v in value.items() if c not in personal} if name in BY_COLUMN_ARGUMENTS else value
        for name, value in arguments.items()
    }


def _observed(found: Mapping[str, Any]) -> Any:
    """Return what was found in a whole column or table: missing or surplus columns, a count, a number."""
    named = found.get("details", {}).get("mismatched")
    # Great Expectations' page cannot render numbers of numpy.
    return to_jsonable(named if named else found.get("observed_value"))


def _exception(result: ExpectationValidationResult) -> str | None:
    """Return the type of the first exception that an expectation raised, if any.

    Great Expectations gives one record, or a record per metric; it wraps the exceptions.
    """
    info = result.exception_info or {}
    records = [info] if "raised_exception" in info else list(info.values())
    raised = [record for record in records if record["raised_exception"]]
    if not raised:
        return None
    names = EXCEPTION_NAME.search(raised[0].get("exception_traceback") or "")
    return names.group(1) if names else "an exception"


def _bad_rows(results: Sequence[ExpectationValidationResult], row_column: str) -> dict[int, str]:
    """Collect the rows that fail a critical expectation about rows, each with all its reasons."""
    reasons: dict[int, list[str]] = {}
    for result in results:
        outcome = _outcome(result, personal=())
        if outcome.is_critical_failure and outcome.sets_rows_aside:
            for place in result.result["unexpected_index_list"]:
                reasons.setdefault(int(place[row_column]), []).append(
                    f"{outcome.expectation}: {outcome.column}"
                )
    return {row: "; ".join(sorted(why)) for row, why in sorted(reasons.items())}


def _place(outcome: ExpectationOutcome) -> tuple[str, str, str]:
    """Return the sort key of a result, independent of failures: the table, then its columns."""
    return (outcome.column or "", outcome.expectation, outcome.severity)
