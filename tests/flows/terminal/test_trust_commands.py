"""The words on provenance can be followed as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from realmix.flows.terminal.cli import app
from realmix.tasks.core.errors import BadInput

README = Path(__file__).parents[3] / "tasks" / "core" / "provenance" / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(README.read_text(encoding="utf-8")) if found == language]


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A new folder in which the README was followed, and what each block printed."""
    place = tmp_path_factory.mktemp("followed")
    (place / "own.yaml").write_text(blocks("yaml")[0])
    named = {
        "REALMIX_HOME": str(place / ".realmix"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    left_out = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "PREFECT_HOME")
    environment = {key: value for key, value in os.environ.items() if key not in left_out} | named
    printed = []
    for block in blocks("sh"):
        done = subprocess.run(
            ["bash", "-ec", block], cwd=place, env=environment, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout + done.stderr)
    return place, printed


@pytest.mark.timeout(600)
def test_a_forbidden_study_is_refused_and_a_permitted_one_runs(followed):
    place, (said, *_) = followed
    assert '`provenance.licence` is "none"' in said and "refused, as it should be" in said
    assert (place / "runs" / "own" / "verdict.json").exists()
    assert not list((place / "runs").glob("forbidden*"))


@pytest.mark.timeout(600)
def test_the_lineage_is_printed_for_people_and_for_programs(followed):
    place, (_, said, _) = followed
    assert "this is its training table" in said and "this is its model/MLmodel" in said
    assert "raw snapshot" in said and "decision" in said
    assert {"entity", "activity", "wasDerivedFrom"} <= json.loads(
        (place / "own.prov.json").read_text()
    ).keys()


@pytest.mark.timeout(600)
def test_a_person_is_forgotten_and_the_model_is_named(followed):
    place, (*_, said) = followed
    assert "Removed 1 rows of 1 person (`patient`) from 'own'" in said
    assert "folder model/ of own" in said and "Marked as stale in MLflow: version 1." in said
    assert f"{place / 'runs' / 'own'} holds results of a study with the rows" in said
    assert "forgotten, " in said  # the entry stands in the lineage of the model, too


def test_a_table_that_is_not_registered_gets_one_sentence(place, restored_environment):
    with pytest.raises(BadInput, match="No table is registered"):
        app(["forget", "calls", "--key", "1"], result_action="return_value", exit_on_error=False)


def test_a_file_that_is_not_there_gets_one_sentence(place, restored_environment):
    with pytest.raises(BadInput, match=r"There is no none\.parquet"):
        app(["lineage", "none.parquet"], result_action="return_value", exit_on_error=False)
