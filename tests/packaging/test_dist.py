"""`make dist`: the source distribution holds all that the wheel is made of, and gives the same wheel."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.packaging.conftest import ROOT


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Build both; the wheel is built from the unpacked source distribution."""
    place = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(place), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,), (source,) = place.glob("*.whl"), place.glob("*.tar.gz")
    return wheel, source


def test_the_wheel_from_the_source_distribution_is_the_wheel_of_the_checkout(dist, wheel):
    built, _ = dist
    assert set(zipfile.ZipFile(built).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_licence_and_notices_travel_with_both(dist):
    wheel, source = dist
    in_wheel = zipfile.ZipFile(wheel).namelist()
    with tarfile.open(source) as archive:
        in_source = [name.partition("/")[2] for name in archive.getnames()]
    for name in ("LICENSE", ".github/NOTICE"):
        assert any(path.endswith(f"licenses/{name}") for path in in_wheel)
        assert name in in_source
    assert "realmix/tasks/sources/data/ATTRIBUTION.md" in in_wheel
