"""Marks are read back from files, of Parquet in the footer and of CSV beside it."""

from __future__ import annotations

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.provenance.mark import FOOTER, mark
from realmix.tasks.core.table.card_parts import Provenance
from realmix.tasks.runtime.cache_keys import file_digest
from realmix.tasks.study.mark import describe_file, read_mark, write_croissant

MARKED = mark(snapshot="0a", synthesizer="dp", seed=3, n_real=0, n_synthetic=2)
ROWS = pd.DataFrame({"age": [30, 41], "job": ["cook", "nurse"]})


def test_a_mark_is_read_from_the_footer(tmp_path):
    table = pa.Table.from_pandas(ROWS).replace_schema_metadata(
        {FOOTER: json.dumps(MARKED.to_dict()).encode()}
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    assert read_mark(tmp_path / "rows.parquet") == MARKED


def test_a_file_without_a_mark_gets_one_sentence(tmp_path):
    ROWS.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(BadInput, match="has no mark of origin"):
        read_mark(tmp_path / "rows.parquet")


@pytest.mark.filterwarnings("ignore")
def test_a_csv_stays_a_plain_csv_and_its_sidecar_is_valid(tmp_path):
    mlcroissant = pytest.importorskip("mlcroissant")
    file, sidecar = tmp_path / "rows.csv", tmp_path / "rows.csv.croissant.json"
    ROWS.to_csv(file, index=False)
    before = file.read_bytes()
    write_croissant(sidecar, "rows", "Synthetic rows.", Provenance(owner="Ward 3"), MARKED, [file])
    assert file.read_bytes() == before
    described = json.loads(sidecar.read_text())
    assert described["distribution"][0]["sha256"] == file_digest(file)
    assert [field["dataType"] for field in described["recordSet"][0]["field"]] == ["sc:Integer", "sc:Text"]
    dataset = mlcroissant.Dataset(sidecar)
    assert not dataset.metadata.ctx.issues.errors
    records = [record["rows-of-rows/0"] for record in dataset.records("rows-of-rows")]
    assert records == [30, 41]


def test_a_parquet_file_is_described_by_its_own_types(tmp_path):
    ROWS.to_parquet(tmp_path / "rows.parquet")
    assert describe_file(tmp_path / "rows.parquet").columns["age"] == "int64"
