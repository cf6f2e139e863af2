"""Finding studies: under runs/ and in the home, finished or not."""

from __future__ import annotations

import fcntl
import json
import os
from datetime import datetime

import pytest

from realmix.flows.terminal.studies import find_studies, read_tracked, rows_of, study_folder
from realmix.tasks.core.errors import BadInput
from realmix.tasks.metrics import METRICS
from tests.tasks.core.conftest import simulate
from tests.tasks.core.report.documents import build

pytestmark = pytest.mark.usefixtures("restored_environment")


@pytest.fixture
def studied(place):
    """A folder with a finished study `runs/mine` and an interrupted one, `runs/half`."""
    for name in ("mine", "half"):
        (place / "runs" / name / "work").mkdir(parents=True)
        (place / "runs" / name / "work" / "lock").touch()
    document = build(simulate(0, offsets={6: -0.1}), METRICS["rmse"])
    (place / "runs" / "mine" / "verdict.json").write_text(json.dumps(document.to_dict()))
    return place


def test_finished_interrupted_and_running_studies_are_found_and_other_folders_are_not(studied):
    (studied / "runs" / "notes").mkdir()
    states = {study.folder.name: study.state for study in find_studies()}
    assert states["half"] == "interrupted" and states["mine"] in (
        "proven",
        "expected to help",
        "keep real only",
    )
    assert set(states) == {"mine", "half"}
    with (studied / "runs" / "half" / "work" / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert {study.state for study in find_studies() if study.folder.name == "half"} == {"running"}


def test_a_study_whose_verdict_cannot_be_read_is_listed_as_that(studied):
    (studied / "runs" / "mine" / "verdict.json").write_text("{")
    assert {study.state for study in find_studies()} == {"interrupted", "cannot be read"}


def test_a_study_is_named_by_its_name_or_its_folder(studied):
    assert study_folder("mine") == study_folder("runs/mine")
    with pytest.raises(BadInput, match="did you mean 'mine'"):
        study_folder("mime")


def test_without_any_study_the_next_step_is_said(place):
    with pytest.raises(BadInput, match="realmix run"):
        study_folder("mine")


def test_a_row_of_a_finished_study_names_its_minute_and_table_and_an_unfinished_one_its_state(studied):
    ended = datetime(2026, 3, 1, 14, 5).timestamp()
    os.utime(studied / "runs" / "mine" / "verdict.json", (ended, ended))
    listed = list(rows_of(find_studies()))
    assert ("mine", "2026-03-01 14:05") in [row[:2] for row in listed]
    rows = {row[0]: row[2:] for row in listed}
    assert rows["mine"][:2] == ("bank", "300")
    assert rows["half"] == ("", "", "interrupted", "")


def test_where_mlflow_holds_a_study_is_read_beside_its_verdict(studied):
    folder = studied / "runs" / "mine"
    assert read_tracked(folder).tracking is None
    tracking = {"experiment": "bank", "uri": "http://mlflow", "run_id": "r1", "error": None}
    (folder / "tracking.json").write_text(json.dumps(tracking))
    assert read_tracked(folder).tracking.experiment == "bank"
