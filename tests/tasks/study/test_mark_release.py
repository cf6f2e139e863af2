"""A shared table says what it is; what it was made from is known in the house alone where epsilon promises so."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest

from realmix.tasks.core.release.document import ReleaseDocument
from realmix.tasks.core.table.card import parse_card
from realmix.tasks.core.table.infer_schema import schema_of
from realmix.tasks.runtime.cache_keys import file_digest
from realmix.tasks.runtime.lineage_index import kept_lineages
from realmix.tasks.runtime.snapshots import describe_snapshot, take_snapshot
from realmix.tasks.runtime.study_folder import Table
from realmix.tasks.study.mark import raw_rows
from realmix.tasks.study.mark_release import mark_release
from tests.tasks.core.release.test_document import BUDGET, FIELDS

pytestmark = pytest.mark.usefixtures("own_home")
ROWS = pd.DataFrame({"age": [30, 41, 52, 63], "y": ["no", "yes", "no", "yes"]})
CARD = parse_card(
    {"target": "y", "source": "calls.csv", "provenance": {"owner": "Ward 3", "licence": "CC BY 4.0"}}
)


def released(folder, **changes):
    shared = folder / "share" / "synthetic.csv"
    shared.parent.mkdir(parents=True)
    ROWS.iloc[:2].to_csv(shared, index=False)
    (folder / "release.json").write_text("{}")
    snapshot = describe_snapshot(ROWS, folder / "snapshots", source={})
    table = Table("calls", snapshot, {}, CARD, schema_of(ROWS, CARD))
    mark_release(folder, shared, ReleaseDocument.build(FIELDS | changes), table)
    return table, shared, json.loads((shared.parent / "croissant.json").read_text(encoding="utf-8"))


def test_the_shared_file_is_described_beside_it_and_its_lineage_stays_in_the_house(tmp_path):
    table, shared, described = released(tmp_path / "given")
    assert described["license"] == "CC BY 4.0" and described["rai:hasSyntheticData"]
    assert described["prov:wasDerivedFrom"][0]["identifier"] == table.snapshot.digest
    assert sorted(path.name for path in shared.parent.iterdir()) == ["croissant.json", "synthetic.csv"]
    (kept,) = kept_lineages()
    assert (kept.path, kept.lineage.kind, kept.lineage.raw.source) == (
        tmp_path / "given",
        "release",
        "calls.csv",
    )
    assert kept.lineage.training.sha256 == file_digest(shared)
    assert kept.lineage.files.keys() == {"release.json", "share/croissant.json"}


def test_what_follows_from_the_rows_without_noise_is_not_beside_a_private_table(tmp_path):
    table, shared, described = released(tmp_path / "given", dp=BUDGET)
    assert described["prov:wasDerivedFrom"] == []
    assert "Differentially private: epsilon 3, delta 1e-06" in described["description"]
    assert all(table.snapshot.digest not in path.read_text() for path in shared.parent.iterdir())
    (kept,) = kept_lineages()
    assert kept.lineage.raw.digest == table.snapshot.digest


def test_the_rows_of_a_registered_table_are_of_the_file_that_it_was_registered_from(tmp_path):
    snapshot = take_snapshot(ROWS, tmp_path, source={"kind": "file", "sha256": "first"})
    registered = Table("calls", snapshot, {"kind": "registered"}, CARD, schema_of(ROWS, CARD))
    assert raw_rows(registered)["source_sha256"] == "first"
    again = replace(registered, source={"kind": "file", "sha256": "second"})
    assert raw_rows(again)["source_sha256"] == "second"


def test_epsilon_that_covers_the_counts_alone_is_not_promised_to_those_who_get_the_table(tmp_path):
    _, _, described = released(tmp_path / "given", dp=BUDGET | {"end_to_end": False})
    assert "Differentially private" not in described["description"] and described["prov:wasDerivedFrom"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dp", [None, BUDGET])
def test_the_description_is_valid_croissant(tmp_path, dp):
    mlcroissant = pytest.importorskip("mlcroissant")
    released(tmp_path / "given", dp=dp)
    dataset = mlcroissant.Dataset(tmp_path / "given" / "share" / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
