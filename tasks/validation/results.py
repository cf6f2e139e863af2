"""Results of a validation as values: what was expected, what was found, whether the table may be used.

Nothing here holds a cell of the table: only names, counts and numbers about whole columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from realmix.tasks.core.errors import ValidationFailed
from realmix.tasks.core.json_values import to_jsonable

Severity = Literal["critical", "warning", "info"]
# Where a larger share of rows is invalid, the table as a whole is wrong.
MAX_QUARANTINED_FRACTION = 0.1
# What rows are that fail an expectation.
FAILED_ROWS = {
    "expect_column_values_to_not_be_null": "is empty",
    "expect_column_levels_to_be_known": "holds an unknown level",
    "expect_column_numbers_to_be_finite": "holds no finite number",
    "expect_dates_to_be_plausible": "holds an implausible date",
    "expect_declared_range_to_hold": "is outside its declared range",
    "expect_row_key_to_be_unique": "holds a key that another row has too",
}
# A message names this many failed expectations and counts the others.
NAMED_FAILURES = 3


@dataclass(frozen=True)
class ExpectationOutcome:
    """The result of one expectation.

    Attributes
    ----------
    column : str or None
        None for an expectation about the whole table.
    expectation : str
        Its type, for example "expect_column_levels_to_be_known".
    severity : {"critical", "warning", "info"}
        "critical" for every expectation that raised an exception.
    success : bool
    unexpected_count : int or None
        Rows that fail; None for an expectation about the whole column or table.
    unexpected_fraction : float or None
        The same as a share of the rows with a value, in [0, 1].
    observed : object
        Plain numbers or column names about the whole; None for personal columns.
    exception : str or None
        Type of the exception it raised; its message may quote cells and is left out.
    arguments : mapping
        What was expected; levels and bounds of personal columns are left out.
    meta : mapping
        ``on_failure``: "quarantine" sets the failing rows aside, "stop" does not.
    """

    column: str | None
    expectation: str
    severity: Severity
    success: bool
    unexpected_count: int | None = None
    unexpected_fraction: float | None = None
    observed: Any = None
    exception: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_critical_failure(self) -> bool:
        """Whether a critical expectation failed."""
        return not self.success and self.severity == "critical"

    @property
    def sets_rows_aside(self) -> bool:
        """Whether this failure is one of rows, which can be quarantined."""
        return self.meta.get("on_failure") == "quarantine" and self.exception is None

    @property
    def sentence(self) -> str:
        """What failed, in a few words without any cell.

        Examples
        --------
        >>> ExpectationOutcome("age", "expect_column_values_to_not_be_null", "warning", False, 1623).sentence
        "column 'age' is empty in 1,623 rows"
        >>> ExpectationOutcome("age", "expect_column_values_to_be_between", "warning", False, 1).sentence
        "column 'age': 1 row breaks the expectation 'values to be between'"
        """
        words = self.expectation.removeprefix("expect_").removeprefix("column_").replace("_", " ")
        about = f"column '{self.column}': " if self.column else ""
        if self.exception:
            return f"{about}{words} (raised {self.exception})"
        if self.unexpected_count is not None:
            is_one = self.unexpected_count == 1
            rows = "1 row" if is_one else f"{self.unexpected_count:,} rows"
            if self.column and self.expectation in FAILED_ROWS:
                return f"column '{self.column}' {FAILED_ROWS[self.expectation]} in {rows}"
            return f"{about}{rows} {'breaks' if is_one else 'break'} the expectation '{words}'"
        return f"{about}{words}" + (f" (found {self.observed})" if self.observed is not None else "")


@dataclass(frozen=True)
class ValidationOutcome:
    """The results of a suite on one table.

    Attributes
    ----------
    suite : str
        "raw", "synthetic" or "training".
    n_rows : int
    expectations : tuple of ExpectationOutcome
    bad_rows : mapping of int to str
        Row position to the reason, for rows that fail a critical expectation about rows.
    """

    suite: str
    n_rows: int
    expectations: tuple[ExpectationOutcome, ...]
    bad_rows: Mapping[int, str] = field(default_factory=dict)

    @property
    def has_too_many_bad_rows(self) -> bool:
        """Whether so many rows are invalid that the table must not be used."""
        return len(self.bad_rows) >= MAX_QUARANTINED_FRACTION * max(self.n_rows, 1)

    @property
    def stopping(self) -> tuple[ExpectationOutcome, ...]:
        """Critical failures with which the table must not be used."""
        critical = [e for e in self.expectations if e.is_critical_failure]
        return tuple(e for e in critical if self.has_too_many_bad_rows or not e.sets_rows_aside)

    @property
    def warnings(self) -> tuple[ExpectationOutcome, ...]:
        """Failures that stop nothing but are reported."""
        return tuple(e for e in self.expectations if not e.success and e.severity == "warning")

    @property
    def failure(self) -> str | None:
        """Why the table must not be used, as a sentence; None when it may be.

        Examples
        --------
        >>> lost = ExpectationOutcome("age", "expect_column_to_exist", "critical", False)
        >>> ValidationOutcome("raw", 100, (lost,)).failure
        "The raw table fails 1 critical expectation: column 'age': to exist."
        """
        # Exceptions are mostly the consequence of another failure, such as a lost column.
        failed = [e.sentence for e in sorted(self.stopping, key=lambda e: e.exception is not None)]
        if not failed:
            return None
        more = f"; and {len(failed) - NAMED_FAILURES} more" if len(failed) > NAMED_FAILURES else ""
        count = "1 critical expectation" if len(failed) == 1 else f"{len(failed)} critical expectations"
        return f"The {self.suite} table fails {count}: {'; '.join(failed[:NAMED_FAILURES])}{more}."

    def check(self, next_step: str) -> None:
        """Raise where the table must not be used.

        Parameters
        ----------
        next_step : str
            What the user can do, as a sentence.

        Raises
        ------
        ValidationFailed
        """
        if self.failure:
            raise ValidationFailed(f"{self.failure} {next_step}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values without any cell of the table; invalid rows are only counted.

        Examples
        --------
        >>> ValidationOutcome("raw", 100, ()).to_dict()["is_usable"]
        True
        """
        return {
            "suite": self.suite,
            "is_usable": self.failure is None,
            "failure": self.failure,
            "n_rows": self.n_rows,
            "n_bad_rows": len(self.bad_rows),
            "expectations": to_jsonable(self.expectations),
        }
