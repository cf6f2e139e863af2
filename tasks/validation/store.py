"""Store the results of a validation, with its Data Docs; only the quarantine holds cells of the table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.validation.results import ExpectationOutcome, ValidationOutcome

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult

QUARANTINE_REASON = "_realmix_reason"
# Great Expectations' page loads style, icons and scripts from other servers; opened in a browser it would
# reveal the study to them. The policy forbids every load and every script, which would need those loads;
# the style replaces what is missing and hides what has no effect without it.
STANDS_ALONE = r"""
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; form-action 'none'">
    <style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8886; }
.alert { background: #8882; padding: .2rem .8rem; } h5 { font-size: 1.2rem; margin: .4rem 0; } h6 { margin: .4rem 0; }
.badge { background: #8882; padding: 0 .3rem; } .text-success { color: #008060; } .text-danger { color: #c04000; }
i { font-style: normal; } .fa-check-circle::before { content: "\2713  passed"; } .fa-times::before { content: "\2717  failed"; }
.fa-exclamation-triangle::before { content: "! raised"; } .alert i::before { content: none; }
div.sticky { position: static; } .navbar.sticky-top, .card.mb-3, footer, [data-toggle="collapse"] { display: none; }
    </style>"""


def write_validation(outcome: ValidationOutcome, folder: Path) -> None:
    """Store suite, results and Data Docs; none of them holds a value of a personal column.

    Parameters
    ----------
    outcome : ValidationOutcome
    folder : Path
        Gets ``<suite>.suite.json``, ``<suite>.json`` and ``<suite>.html``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(suite_dict(outcome), folder / f"{outcome.suite}.suite.json")
    _write_json(outcome.to_dict(), folder / f"{outcome.suite}.json")
    (folder / f"{outcome.suite}.html").write_text(render_data_docs(outcome), encoding="utf-8")


def write_quarantine(bad: pd.DataFrame, reasons: Sequence[str], folder: Path) -> None:
    """Store invalid rows with their reasons in ``quarantine.parquet``, the only file with cells.

    Parameters
    ----------
    bad : DataFrame of shape (n_bad, n_columns)
    reasons : sequence of str, of length n_bad
    folder : Path
    """
    # Parquet stores no column of mixed types, and invalid rows often mix types.
    text = {name: "string" for name in bad.columns if bad[name].dtype == object}
    bad.astype(text).assign(**{QUARANTINE_REASON: list(reasons)}).to_parquet(folder / "quarantine.parquet")


def suite_dict(outcome: ValidationOutcome) -> dict[str, Any]:
    """Return the suite in Great Expectations' JSON form, without values of personal columns."""
    from importlib.metadata import version

    expectations = [
        {"type": e.expectation, "kwargs": dict(e.arguments), "severity": e.severity, "meta": dict(e.meta)}
        for e in outcome.expectations
    ]
    meta = {"great_expectations_version": version("great_expectations")}
    return {"name": outcome.suite, "expectations": expectations, "meta": meta}


def render_data_docs(outcome: ValidationOutcome) -> str:
    """Render a result as Great Expectations' own HTML page.

    It is made from the outcome, which holds no cell of the table, not from the raw result, and
    loads nothing from other servers.
    """
    from realmix.expectations.custom import gx

    document = gx.render.renderer.ValidationResultsPageRenderer().render(_as_great_expectations(outcome))
    page = gx.render.view.DefaultJinjaPageView().render(document)
    return page.replace("<head>", f"<head>{STANDS_ALONE}", 1)


def _as_great_expectations(outcome: ValidationOutcome) -> ExpectationSuiteValidationResult:
    """Convert the outcome to the form that Great Expectations' renderers take."""
    from realmix.expectations.custom import gx

    n_passed = sum(e.success for e in outcome.expectations)
    n_all = len(outcome.expectations)
    return gx.core.ExpectationSuiteValidationResult(
        success=outcome.failure is None,
        results=[_expectation_result(e, outcome.n_rows) for e in outcome.expectations],
        suite_name=outcome.suite,
        statistics={
            "evaluated_expectations": n_all,
            "successful_expectations": n_passed,
            "unsuccessful_expectations": n_all - n_passed,
            "success_percent": 100 * n_passed / n_all if n_all else None,
        },
        meta={"run_id": {"run_name": outcome.suite, "run_time": None}},
    )


def _expectation_result(expectation: ExpectationOutcome, n_rows: int) -> ExpectationValidationResult:
    from realmix.expectations.custom import FailureSeverity, gx

    # The page needs the columns even of a table whose columns are as expected.
    columns = expectation.arguments.get("column_list")
    fraction = expectation.unexpected_fraction
    found = {
        "element_count": n_rows,
        "unexpected_count": expectation.unexpected_count,
        "unexpected_percent": None if fraction is None else 100 * fraction,
        "observed_value": columns if expectation.observed is None else expectation.observed,
    }
    return gx.core.ExpectationValidationResult(
        success=expectation.success,
        expectation_config=gx.expectations.expectation_configuration.ExpectationConfiguration(
            type=expectation.expectation,
            kwargs=dict(expectation.arguments),
            meta=dict(expectation.meta),
            severity=FailureSeverity(expectation.severity),
            description=_in_words(expectation.arguments),
        ),
        result={name: value for name, value in found.items() if value is not None},
        exception_info={
            "raised_exception": expectation.exception is not None,
            "exception_message": expectation.exception,
            "exception_traceback": expectation.exception,
        },
    )


def _in_words(arguments: Mapping[str, Any]) -> str | None:
    """Say of numbers that they need only be finite: the page would write the bound with its 308 digits."""
    from realmix.expectations.custom import LARGEST_FLOAT

    if arguments.get("max_value") != LARGEST_FLOAT:
        return None
    return "numbers must be finite" if arguments["min_value"] else "numbers must be finite and not negative"


def _write_json(data: Any, path: Path) -> None:
    path.write_text(json.dumps(to_jsonable(data), indent=1, allow_nan=False), encoding="utf-8")
