"""The description of an output is Croissant 1.1 by the validator of those who made the format."""

from __future__ import annotations

import json

import pytest

from realmix.tasks.core.provenance.croissant import CONFORMS_TO, MarkedFile, croissant
from realmix.tasks.core.provenance.mark import mark
from realmix.tasks.core.table.card_parts import Provenance

TERMS = Provenance(owner="Ward 3", licence="https://creativecommons.org/licenses/by/4.0/", purpose="triage")
COLUMNS = {
    "age": "int64",
    "income": "double",
    "seen": "timestamp[us]",
    "is_ill": "bool",
    'name, "x"': "string",
}


def described(terms=TERMS, n_synthetic=50, name="training.parquet"):
    marked = mark(snapshot="0a" * 32, synthesizer="ctgan", seed=7, n_real=100, n_synthetic=n_synthetic)
    file = MarkedFile(name, "0b" * 32, 1234, COLUMNS)
    return croissant("calls-training", "Rows that the model was trained on.", terms, marked, [file])


def issues_of(description, folder):
    mlcroissant = pytest.importorskip("mlcroissant")
    path = folder / "croissant.json"
    path.write_text(json.dumps(description))
    return mlcroissant.Dataset(path).metadata.ctx.issues


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("terms", [TERMS, Provenance()], ids=["declared", "silent"])
@pytest.mark.parametrize("name", ["training.parquet", "released.csv"])
def test_mlcroissant_finds_no_error(tmp_path, terms, name):
    assert not issues_of(described(terms, name=name), tmp_path).errors


@pytest.mark.filterwarnings("ignore")
def test_mlcroissant_would_find_an_error(tmp_path):
    mlcroissant = pytest.importorskip("mlcroissant")
    broken = described()
    del broken["distribution"][0]["sha256"], broken["distribution"][0]["contentUrl"]
    with pytest.raises(mlcroissant.ValidationError):
        issues_of(broken, tmp_path)


def test_the_mark_stands_in_the_terms_of_prov_and_rai():
    found = described()
    assert found["conformsTo"] == list(CONFORMS_TO)
    assert found["rai:hasSyntheticData"] is True
    assert found["rai:syntheticDataExplanation"].startswith("50 of 150 rows are synthetic")
    assert found["prov:wasDerivedFrom"][0]["identifier"] == "0a" * 32
    activity = found["prov:wasGeneratedBy"]
    assert {p["name"]: p["value"] for p in activity["additionalProperty"]} == {
        "synthesizer": "ctgan",
        "seed": 7,
    }
    assert "realmix" in {agent["name"] for agent in activity["prov:wasAssociatedWith"]}


def test_real_rows_alone_are_marked_as_such():
    found = described(n_synthetic=0)
    assert found["rai:hasSyntheticData"] is False
    assert found["rai:syntheticDataExplanation"] == "None of the 100 rows is synthetic."
    assert found["prov:wasGeneratedBy"]["additionalProperty"] == []


def test_no_output_claims_to_keep_a_law():
    text = json.dumps(described()).casefold()
    assert "complian" not in text and "no statement that a law" in text
