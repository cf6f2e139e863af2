"""The same study again is not computed again, and another one is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.runtime.cache import make_cache
from realmix.tasks.runtime.study_folder import home
from realmix.tasks.study.report import manifest
from realmix.tasks.study.reuse import keep_study, request_key, reuse_study, study_key
from realmix.tasks.study.track import track
from realmix.tasks.teachers import TEACHERS
from tests.tasks.shop_table import rows
from tests.tasks.teachers.nearest import SPEC as NEAREST
from tests.tasks.versions import N_FIRST, WARNINGS, raw_rows, register, registry, study

pytestmark = WARNINGS
SCHEMA = infer_schema(rows(100), "y")


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory) -> Iterator[Path]:
    with registry(tmp_path_factory.mktemp("reuse")) as home:
        yield home


def key_of(snapshot: str = "abc", card: DataCard | None = None, **asked) -> str | None:
    return study_key(
        StudyRequest(**{"out": "a", **asked}), snapshot, "shop", card or DataCard(target="y"), SCHEMA
    )


def test_a_study_is_the_same_where_rows_card_and_request_are():
    assert key_of() == key_of() == key_of(out="elsewhere")
    others = [
        key_of("other rows"),
        key_of(seed=1),
        key_of(ratios=(2.0,)),
        key_of(card=DataCard(target="y", sensitive=("age",))),
    ]
    assert len({key_of(), *others}) == 5


def test_other_weights_of_a_teacher_are_another_study(monkeypatch, tmp_path):
    monkeypatch.setattr(TEACHERS, "_specs", {**TEACHERS, NEAREST.name: NEAREST})
    monkeypatch.chdir(tmp_path)
    keys = []
    for text in ("pretrained", "trained again"):
        (tmp_path / "nearest.weights").write_text(text)
        keys.append(key_of(card=DataCard(target="y", teachers=("nearest",))))
    assert keys[0] != keys[1]


def test_what_is_asked_for_has_a_key_of_its_own_which_knows_no_holdout():
    def asked(card=None, **options):
        return request_key(
            StudyRequest(**{"out": "a", **options}), "abc", "shop", card or DataCard(target="y"), SCHEMA
        )

    assert asked() == asked(out="elsewhere") != asked(seed=1)
    assert asked() != key_of()
    assert asked(card=DataCard(target="y", simulate="my.module:simulate")) is None


def test_nothing_tells_when_a_user_s_simulation_has_changed():
    assert key_of(card=DataCard(target="y", simulate="my.module:simulate")) is None


@pytest.fixture(scope="module")
def kept(place):
    """A finished study, stored under a key."""
    folder, document = study(register("shop"), raw_rows(N_FIRST), "class-prior")
    folder = dataclasses.replace(folder, cache=make_cache(home()))
    folder.write_json("manifest.json", manifest(folder.path).to_dict())
    document = track.fn(folder, document) | {"disqualified": {}}
    keep_study(folder, "the key", document)
    return folder, document


def test_its_results_are_laid_into_another_folder_bit_for_bit(kept, tmp_path):
    folder, document = kept
    again = reuse_study(tmp_path / "again", "the key")
    assert again["tracking"] == document["tracking"] and again["sentence"] == document["sentence"]
    assert manifest(tmp_path / "again") == manifest(folder.path)
    assert reuse_study(tmp_path / "none", "another key") is None and not (tmp_path / "none").exists()
    assert reuse_study(tmp_path / "none", None) is None


def test_a_folder_that_holds_them_is_left_alone_and_one_with_other_files_is_refused(kept, tmp_path):
    folder, _ = kept
    before = {p: p.stat().st_mtime_ns for p in folder.path.rglob("*")}
    assert reuse_study(folder.path, "the key") is not None
    assert {p: p.stat().st_mtime_ns for p in folder.path.rglob("*")} == before
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="other files"):
        reuse_study(tmp_path, "the key")


def test_a_study_that_could_end_otherwise_is_not_stored(kept, tmp_path):
    folder, document = kept
    for change in (
        {"complete": False},
        {"disqualified": {"ctgan/1": "too slow"}},
        {"tracking": document["tracking"] | {"run_id": None}},
    ):
        keep_study(folder, "unsettled", document | change)
    assert reuse_study(tmp_path / "out", "unsettled") is None


def test_a_study_whose_run_mlflow_lost_is_run_again(kept, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////elsewhere.db")
    assert reuse_study(tmp_path / "out", "the key") is None
