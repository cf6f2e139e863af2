from __future__ import annotations

from pathlib import Path

from tests.benchmarks.overhead import found
from tests.benchmarks.processes import STAGE_LINE, Study


def test_two_documents_are_compared_without_their_seconds() -> None:
    first = {"study": "a", "word": "keep real only", "race": {"blocks": 3, "generator_seconds": 1.0}}
    second = {"study": "b", "word": "keep real only", "race": {"blocks": 3, "generator_seconds": 2.0}}
    assert found(first) == found(second)
    assert found(first) != found({**second, "race": {"blocks": 4}})


def test_a_stage_is_read_from_the_line_that_begins_it() -> None:
    begun = STAGE_LINE.match("[   12 s] rows saved ...")
    assert begun and begun[1] == "rows saved"
    assert not STAGE_LINE.match("[   12 s] race  50 % · smote on fold-0-1")


def test_stages_of_a_study_add_up_to_its_wall_seconds() -> None:
    study = Study(20.0, Path(), {}, {}, {"ingest": 7.0, "race": 8.5, "track": 16.0})
    assert study.stage_seconds == {"start": 7.0, "ingest": 1.5, "race": 7.5, "track": 4.0}
