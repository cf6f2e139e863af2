"""Results are stored without personal values, as pages and files that stand alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from realmix.tasks.core.errors import ValidationFailed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.validation.results import ExpectationOutcome, ValidationOutcome
from realmix.tasks.validation.run import run_suite
from realmix.tasks.validation.store import render_data_docs, write_validation
from realmix.tasks.validation.tables import validate_raw, validate_synthetic, validate_training

Make = Callable[..., pd.DataFrame]


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_no_stored_file_but_the_quarantine_holds_a_personal_value(
    schema: Schema, tmp_path: Path, card: DataCard, table: Make, training_table: Make
) -> None:
    raw = table().astype({"wealth": object})
    raw.loc[0, "age"] = 12
    raw.loc[1, "wealth"] = "12345.678 gulden"
    raw.loc[2, "faith"] = None
    raw.loc[3, "id"] = raw.loc[4, "id"]
    with pytest.raises(ValidationFailed) as caught:
        validate_raw(raw, schema, card, tmp_path)
    training = training_table().assign(faith="zoroastrian")
    validate_training(training, schema, card, n_real=200, synthesizers=[], folder=tmp_path)
    stored = {p.name: p.read_text(encoding="utf-8") for p in tmp_path.iterdir() if p.suffix != ".parquet"}
    assert len(stored) == 6
    personal = [str(v) for name in ("id", "faith", "wealth") for v in raw[name].dropna()]
    for name, text in {**stored, "message": str(caught.value)}.items():
        assert not [value for value in personal if value in text], name


def test_levels_of_a_sensitive_target_are_not_stored(tmp_path: Path, table: Make) -> None:
    card = DataCard(target="faith", sensitive=("faith",))
    schema = infer_schema(table(), "faith")
    validate_raw(table(), schema, card, tmp_path)
    outcome = validate_synthetic(schema.apply(table()), schema.apply(table()), schema, card, is_control=True)
    texts = [p.read_text(encoding="utf-8") for p in tmp_path.iterdir()] + [json.dumps(outcome.to_dict())]
    assert not [text for text in texts if "zoroastrian" in text]


def test_data_docs_are_great_expectations_own_page(
    schema: Schema, tmp_path: Path, card: DataCard, table: Make
) -> None:
    validate_raw(table(), schema, card, tmp_path)
    page = (tmp_path / "raw.html").read_text(encoding="utf-8")
    assert "Great Expectations" in page and "Evaluated Expectations" in page
    assert "numbers must be finite" in page and "e+308" not in page


def test_the_stored_suite_can_be_loaded_and_run_again(tmp_path: Path, table: Make) -> None:
    from great_expectations import ExpectationSuite

    card = DataCard(target="bought")
    schema = infer_schema(table(), "bought").from_dict(infer_schema(table(), "bought").to_dict())
    validate_raw(table(), schema, card, tmp_path)
    suite = ExpectationSuite(**read(tmp_path, "raw.suite.json"))
    assert all(e.success for e in run_suite(table(), suite).expectations if e.column == "age")


class Policy(HTMLParser):
    """Finds the content security policy, and what stands before it."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[str] = []
        self.allowed: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("http-equiv") == "Content-Security-Policy":
            parts = (part.split(maxsplit=1) for part in str(given["content"]).split(";"))
            self.allowed = {part[0]: part[1] for part in parts}
        elif not self.allowed:
            self.before.append(tag)


def page_of_a_failure() -> str:
    of_age = ExpectationOutcome(
        "age", "expect_column_values_to_not_be_null", "critical", False, 1, arguments={"column": "age"}
    )
    return render_data_docs(ValidationOutcome("raw", 100, (of_age,)))


def test_data_docs_ask_for_nothing_from_outside() -> None:
    page = page_of_a_failure()
    policy = Policy()
    policy.feed(page)
    assert policy.before == ["html", "head", "meta"], "a policy holds for what comes after it"
    assert policy.allowed.pop("style-src") == "'unsafe-inline'"
    assert policy.allowed["default-src"] == "'none'"
    assert set(policy.allowed.values()) == {"'none'"}


def test_data_docs_can_be_read_without_what_is_forbidden() -> None:
    page = page_of_a_failure()
    icons = set(re.findall(r'<i class="fas (fa-[a-z-]+)', page))
    assert icons
    assert all(f".{icon}::before" in page for icon in icons), "icons are letters of a font from elsewhere"
    assert page.index("charset") < 200, "browsers look for the encoding in the first 1,024 bytes"


@pytest.mark.parametrize("suite", ["raw", "synthetic", "training"])
def test_every_suite_has_its_page(suite, tmp_path):
    """The renderers look into results that are not there where all is well."""
    names = ["age", "y"]
    arguments = {"column_list": names}
    passed = ExpectationOutcome(
        None, "expect_table_columns_to_match_ordered_list", "critical", True, arguments=arguments
    )
    write_validation(ValidationOutcome(suite, 10, (passed,)), tmp_path)
    assert "age" in (tmp_path / f"{suite}.html").read_text()
