"""Every result of a study says what it was made from, and leads back to the raw rows."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput, RegistryRefused
from realmix.tasks.core.provenance.lineage import Lineage
from realmix.tasks.lifecycle.lineage import trace
from realmix.tasks.runtime.cache_keys import file_digest, tree_digest
from realmix.tasks.runtime.study_folder import home
from realmix.tasks.study.mark import read_mark


def test_the_training_table_is_marked_in_its_footer(finished):
    out, document = finished
    marked, rows = read_mark(out / "training.parquet"), pd.read_parquet(out / "training.parquet")
    assert marked.n_synthetic == int((rows["_realmix_origin"] != "real").sum())
    assert marked.has_synthetic_data == (document["winner"]["recipe"]["synthesizer"] is not None)
    assert marked.derived_from == (document["digests"]["snapshot"],)
    assert marked.versions["realmix"] == document["realmix_version"]


@pytest.mark.filterwarnings("ignore")
def test_the_description_of_a_study_is_valid_croissant(finished):
    mlcroissant = pytest.importorskip("mlcroissant")
    out, document = finished
    dataset = mlcroissant.Dataset(out / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    described = json.loads((out / "croissant.json").read_text())
    assert described["distribution"][0]["sha256"] == document["digests"]["training"]
    assert described["license"] == document["provenance"]["licence"]


def test_the_datasheet_is_filled_and_claims_nothing(finished):
    out, document = finished
    text = (out / "datasheet.md").read_text(encoding="utf-8")
    assert "Dataset issuer: S. Moro" in text and document["sentence"] in text
    assert "complian" not in text.casefold()


def test_the_lineage_holds_what_is_in_the_folder(finished):
    out, document = finished
    lineage = Lineage.read(json.loads((out / "lineage.json").read_text()))
    assert lineage.raw.digest == document["digests"]["snapshot"]
    assert lineage.training.sha256 == file_digest(out / "training.parquet")
    assert lineage.models["model"] == tree_digest(out / "model")
    assert lineage.split and lineage.split.folds == file_digest(out / "work" / "folds.npz")
    assert {pool.synthesizer for pool in lineage.pools} >= {"sequential-trees", "smote"}
    assert all(pool.sha256 for pool in lineage.pools)
    assert lineage.files["report.html"] == file_digest(out / "report.html")
    listed = json.loads((out / "manifest.json").read_text())["sha256"]
    assert {"lineage.json", "croissant.json", "datasheet.md"} <= listed.keys()


@pytest.mark.parametrize(
    ("name", "role"),
    [("training.parquet", "training table"), ("report.html", "report.html"), ("model/MLmodel", "model/MLmodel"),
     ("work/fold-0-0/smote.parquet", "pool smote of fold-0-0"), ("work/folds.npz", "folds")],
)  # fmt: skip
def test_a_file_is_recognized_wherever_it_lies(finished, tmp_path, name, role):
    out, document = finished
    copy = tmp_path / f"renamed{(out / name).suffix}"
    shutil.copyfile(out / name, copy)
    roles = {chain.lineage.study: chain.role for chain in trace(str(copy))}
    assert roles[document["study"]] == role


def test_a_model_folder_and_a_served_model_lead_to_the_same_study(finished):
    out, document = finished
    tracked = document["tracking"]
    served = f"models:/{tracked['model']}"
    for place in (str(out / "model"), f"{served}/{tracked['version']}", f"{served}@champion"):
        assert document["study"] in {chain.lineage.study for chain in trace(place)}


def test_the_snapshot_leads_to_every_study_of_it_also_as_a_copy(finished, tmp_path):
    _, document = finished
    snapshot = home() / "snapshots" / f"{document['digests']['snapshot']}.parquet"
    copy = tmp_path / "rows.parquet"
    shutil.copyfile(snapshot, copy)
    for place in (snapshot, copy):
        found = {chain.lineage.study: chain.role for chain in trace(str(place))}
        assert found[document["study"]] == "raw snapshot"


def test_a_changed_file_is_not_recognized_but_its_mark_is_read(finished, tmp_path):
    import pyarrow.parquet as pq

    out, document = finished
    table = pq.read_table(out / "training.parquet")
    pq.write_table(table.slice(1), tmp_path / "changed.parquet")
    with pytest.raises(BadInput, match=f"from the snapshot {document['digests']['snapshot']}"):
        trace(str(tmp_path / "changed.parquet"))


@pytest.mark.parametrize(
    "location", ["models:/", "models:/bank_marketing", "models:/none/1", "models:/none@champion"]
)
def test_a_served_model_that_is_not_there_gets_one_sentence(finished, location):
    with pytest.raises(RegistryRefused, match="MLflow does not give models:/"):
        trace(location)


def test_what_nothing_was_made_of_is_refused_with_what_would_be_recognized(finished, tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(
        BadInput, match=r"exact copy of a result or of the table as it was read, .* a database"
    ):
        trace(str(tmp_path / "other.csv"))


def test_what_is_not_there_gets_one_sentence(finished, tmp_path):
    with pytest.raises(BadInput, match="There is no"):
        trace(str(tmp_path / "none.parquet"))
