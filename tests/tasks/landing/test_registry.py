"""Every landing place is found by its file, and chosen by the location alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.landing import LANDINGS, find_landing

LOCATIONS = {"folder": "incoming/", "s3": "s3://bucket/incoming", "sql": "sql:events"}


def test_every_landing_file_is_registered_and_has_a_location_here():
    assert {name: find_landing(location).name for name, location in LOCATIONS.items()} == {
        name: name for name in LANDINGS
    }


def test_a_place_nothing_can_land_in_is_one_sentence_without_its_secret():
    with pytest.raises(BadInput, match=r"https://example\.org/in.*expected a folder") as caught:
        find_landing("https://me:s3cret@example.org/in?key=s3cret")
    assert "s3cret" not in str(caught.value)


def test_listing_the_landing_places_imports_no_heavy_library():
    code = "import sys, realmix.tasks.landing as t; list(t.LANDINGS); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"sqlalchemy", "fsspec", "s3fs", "great_expectations", "xgboost"} & set(loaded.split())
