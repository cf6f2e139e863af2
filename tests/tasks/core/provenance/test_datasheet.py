"""The datasheet has the law's headings, says what study and card say, and leaves open what no program knows."""

from __future__ import annotations

import pytest

from realmix.tasks.core.provenance.datasheet import OPEN, datasheet
from realmix.tasks.core.provenance.mark import mark
from realmix.tasks.core.table.card import parse_card
from tests.tasks.core.report.documents import build

HEADINGS = [
    "Annex IV, 2 (d): general description, provenance, scope and main characteristics",
    "Annex IV, 2 (d): how the data was obtained and selected",
    "Annex IV, 2 (d): labelling procedures",
    "Annex IV, 2 (d): data cleaning methodologies",
    "Annex IV, 2 (d): training methodologies and techniques",
    *(f"Article 10 (2) ({letter})" for letter in "abcdefh"),
    "Article 10 (3)",
    "Article 10 (4)",
    "Article 10 (5)",
]
TERMS = {"owner": "Ward 3", "licence": "internal", "purpose": "triage"}


@pytest.fixture
def sheet(simulate_ranking, roc_auc):
    def made(n_synthetic=50, **card):
        declared = parse_card({"target": "subscribed", "sensitive": ["age"], "provenance": TERMS, **card})
        marked = mark(snapshot="abc", synthesizer="ctgan", seed=7, n_real=100, n_synthetic=n_synthetic)
        return datasheet(build(simulate_ranking(0, strength=2.0), roc_auc), declared, marked)

    return made


def test_every_heading_is_there_and_none_is_empty(sheet):
    text = sheet()
    assert [heading for heading in HEADINGS if f"\n## {heading}" not in text] == []
    assert all(part.partition("\n")[2].strip().startswith("- ") for part in text.split("\n## ")[1:])


def test_it_is_filled_from_card_and_study(sheet):
    text = sheet()
    for said in ("Dataset issuer: Ward 3.", "License to use: internal.", "Intended data use: triage.",
                 "300 rows, 4 features", "seed 7", "sha256 of its rows abc", "Declared as sensitive: `age`"):  # fmt: skip
        assert said in text
    assert f"{OPEN} Contact, Consent basis, Consent documentation location, Retention, Permitted uses" in text


def test_it_is_marked_as_synthetic_and_never_called_compliant(sheet):
    assert "**Marked as synthetic in part.**" in sheet()
    assert "**Holds no synthetic rows.**" in sheet(n_synthetic=0)
    for text in (sheet(), sheet(n_synthetic=0)):
        assert "complian" not in text.casefold() and "does not say that the Regulation is kept" in text


def test_without_sensitive_columns_it_says_that_no_group_was_looked_at(sheet):
    assert "so no group was looked at" in sheet(sensitive=[])
