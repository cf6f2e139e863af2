import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from realmix.tasks.core import versions
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.versions import installed_version
from realmix.tasks.runtime.object_store import connect
from realmix.tasks.sources.sql import SqlSource
from realmix.tasks.study.request import read_rows
from realmix.tasks.synthesizers.simulation import load_simulation

CLAIMS = "realmix.tasks.synthesizers.simulations.claims:simulate"


def test_the_version_is_that_of_the_distribution():
    assert installed_version("numpy") == version("numpy")


def test_a_missing_library_is_an_error_unless_another_stands_in(monkeypatch):
    with pytest.raises(PackageNotFoundError):
        installed_version("no-such-library")
    monkeypatch.setitem(versions.STAND_INS, "no-such-library", "numpy")
    assert installed_version("no-such-library") == version("numpy")
    monkeypatch.setitem(versions.STAND_INS, "no-such-library", "none-either")
    with pytest.raises(PackageNotFoundError, match="none-either"):
        installed_version("no-such-library")


@pytest.mark.parametrize(
    ("module", "extra", "need"),
    [
        ("s3fs", "s3", lambda: connect("s3://bucket/key")),
        ("psycopg2", "postgres", lambda: SqlSource("sql:calls").load()),
        ("simpy", "examples", lambda: load_simulation(CLAIMS)),
        ("xgboost", "cpu", lambda: read_rows(StudyRequest(out=""))),
    ],
)
def test_a_missing_library_is_one_sentence_with_its_extra(monkeypatch, module, extra, need):
    monkeypatch.setenv("REALMIX_SQL_URL", "postgresql://me@127.0.0.1:9/db")
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, CLAIMS.partition(":")[0], raising=False)
    with pytest.raises(BadInput, match=rf"needs {module}, .* Run pip install -e '\.\[{extra}\]' "):
        need()
