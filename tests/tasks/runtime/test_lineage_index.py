"""The index keeps lineages of folders that may be gone, once each, and one bad file harms no other."""

from __future__ import annotations

import json
import shutil

import pytest

from realmix.tasks.runtime.lineage_index import INDEX, LINEAGE, keep_lineage, kept_lineages
from realmix.tasks.runtime.study_folder import home
from tests.tasks.core.provenance.test_lineage import LINEAGE as FOUND

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "runs" / "a"
    place.mkdir(parents=True)
    (place / LINEAGE).write_text(json.dumps(FOUND.to_dict()))
    return place


def test_a_lineage_outlives_its_folder_and_is_kept_once(folder):
    keep_lineage(folder)
    keep_lineage(folder)
    shutil.rmtree(folder)
    (kept,) = kept_lineages()
    assert (kept.path, kept.lineage) == (folder, FOUND)


def test_a_folder_without_one_is_left_out(tmp_path):
    keep_lineage(tmp_path)
    assert list(kept_lineages()) == []


def test_a_damaged_file_is_logged_and_the_others_are_read(folder, caplog, monkeypatch):
    keep_lineage(folder)
    (home() / INDEX / "0.json").write_text("{")
    (home() / INDEX / "1.json").write_text('{"path": "x", "lineage": {}}')
    assert len(list(kept_lineages())) == 1
