"""A digest that a reader gets by the tools of any machine, and that no change of a file leaves as it was."""

from __future__ import annotations

import subprocess

import pytest

from realmix.tasks.core.errors import ModelChanged
from realmix.tasks.lifecycle.model_files import check_digests, digests_of_study
from realmix.tasks.runtime.cache_keys import tree_digest

COMMAND = "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"


@pytest.fixture
def model(tmp_path):
    for name in ("MLmodel", "artifacts/data/spec.json", "artifacts.txt", "Z", "a b"):
        (tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / name).write_text(name)
    return tmp_path / "model"


def test_the_digest_is_that_of_the_command_in_the_readme(model):
    done = subprocess.run(["sh", "-c", COMMAND], cwd=model, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [tree_digest(model), "-"]


def test_a_file_that_is_changed_added_renamed_or_gone_changes_it(model):
    seen = {tree_digest(model)}
    for change in (
        lambda: (model / "Z").write_text("z"),
        lambda: (model / "new").touch(),
        lambda: (model / "new").rename(model / "newer"),
        lambda: (model / "MLmodel").unlink(),
    ):
        change()
        seen.add(tree_digest(model))
    assert len(seen) == 5


def test_what_loading_leaves_in_the_folder_of_a_model_is_no_change_unless_somebody_else_may_have_left_it(
    model,
):
    before = tree_digest(model)
    (model / "code" / "__pycache__").mkdir(parents=True)
    for trace in ("registered_model_meta", "code/__pycache__/served_model.cpython-311.pyc"):
        (model / trace).write_text("left")
        assert tree_digest(model, as_made=True) == before != tree_digest(model)
    (model / "code" / "served_model.py").write_text("new")
    assert tree_digest(model, as_made=True) != before


def test_what_a_study_has_is_recorded(model):
    (model.parent / "verdict.json").write_text("{}")
    assert digests_of_study(model.parent).keys() == {"model", "verdict.json"}


def test_only_what_is_recorded_can_be_wrong():
    check_digests("It", {"model": "1", "verdict.json": "2"}, {"model": "1"})
    with pytest.raises(ModelChanged, match=r"It was changed .* \(model, verdict\.json\)"):
        check_digests("It", {"model": "1", "verdict.json": "2"}, {"model": "3", "verdict.json": "3"})
