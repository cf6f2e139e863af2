"""What follows from the results of a validation: stop, set rows aside, or go on."""

from __future__ import annotations

import json

import pytest

from realmix.expectations import custom
from realmix.tasks.core.errors import ValidationFailed
from realmix.tasks.validation.results import FAILED_ROWS, ExpectationOutcome, ValidationOutcome


def failed(column: str | None = "age", severity: str = "critical", **more) -> ExpectationOutcome:
    return ExpectationOutcome(column, "expect_column_values_to_be_between", severity, False, **more)  # type: ignore[arg-type]


OF_ROWS = {"meta": {"on_failure": "quarantine"}, "unexpected_count": 5}


def test_a_few_bad_rows_are_set_aside_and_a_tenth_of_them_stop_the_table():
    few = ValidationOutcome("raw", 100, (failed(**OF_ROWS),), dict.fromkeys(range(9), "age"))
    assert few.failure is None and few.stopping == ()
    many = ValidationOutcome("raw", 100, (failed(**OF_ROWS),), dict.fromkeys(range(10), "age"))
    assert many.has_too_many_bad_rows and "age" in many.failure


def test_a_failure_of_the_whole_table_stops_it_whatever_the_rows():
    assert ValidationOutcome("raw", 100, (failed(None),)).failure
    assert ValidationOutcome("raw", 100, (failed(**OF_ROWS, exception="KeyError"),)).failure, (
        "no row is named"
    )


@pytest.mark.parametrize(("severity", "n_warnings"), [("warning", 1), ("info", 0)])
def test_what_is_not_critical_stops_nothing(severity, n_warnings):
    outcome = ValidationOutcome("raw", 100, (failed(severity=severity),))
    assert outcome.failure is None and len(outcome.warnings) == n_warnings
    outcome.check("Correct it.")


def test_an_expectation_that_holds_is_no_warning():
    held = ExpectationOutcome("age", "expect_column_to_exist", "warning", True)
    assert ValidationOutcome("raw", 100, (held,)).warnings == ()


def test_a_message_names_three_failures_counts_the_others_and_puts_exceptions_last():
    raised = failed("lost", exception="KeyError")
    others = [failed(f"column-{i}") for i in range(4)]
    message = ValidationOutcome("training", 100, (raised, *others)).failure
    assert all(f"column-{i}" in message for i in range(3)) and "lost" not in message
    assert "5 critical" in message and "2 more" in message and "training" in message
    with pytest.raises(ValidationFailed, match="Correct the source"):
        ValidationOutcome("training", 100, (raised,)).check("Correct the source.")


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"unexpected_count": 1}, "1 row breaks the expectation"),
        ({"unexpected_count": 1234}, "1,234 rows break the expectation"),
        ({"observed": ["a", "b"]}, "['a', 'b']"),
        ({"exception": "KeyError", "unexpected_count": 3}, "KeyError"),
    ],
)
def test_a_failure_is_told_with_its_column_and_how_much_is_wrong(more, part):
    sentence = failed(**more).sentence
    assert "'age'" in sentence and "values to be between" in sentence and part in sentence


@pytest.mark.parametrize("expectation", FAILED_ROWS)
def test_the_commonest_failures_are_said_without_the_name_of_an_expectation(expectation):
    name = expectation.removeprefix("expect_").title().replace("_", "")
    assert hasattr(custom, f"Expect{name}") or hasattr(custom.gxe, f"Expect{name}")
    said = ExpectationOutcome("age", expectation, "critical", False, 1234).sentence
    assert said == f"column 'age' {FAILED_ROWS[expectation]} in 1,234 rows"


def test_results_are_strict_json_and_name_no_bad_row():
    outcome = ValidationOutcome("raw", 100, (failed(observed=float("nan")),), {17: "the cell 'zoroastrian'"})
    document = json.loads(json.dumps(outcome.to_dict(), allow_nan=False))
    assert document["n_bad_rows"] == 1 and document["is_usable"] is False
    assert "zoroastrian" not in json.dumps(document) and document["expectations"][0]["observed"] is None
