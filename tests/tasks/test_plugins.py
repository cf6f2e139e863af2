"""Plug-ins that a card or a command names as ``module:SPEC``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from realmix.tasks import plugins
from realmix.tasks.core.contracts import registry as contracts
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.cache_keys import entry_key, outside_version
from realmix.tasks.runtime.user_modules import load_reference
from realmix.tasks.study.request import with_plugins
from realmix.tasks.synthesizers import SYNTHESIZERS

GHOST = """
from realmix.tasks.synthesizers.duplicates import Duplicates
from realmix.tasks.core.contracts.specs import SynthesizerSpec

SPEC = SynthesizerSpec(
    name="ghost", build=lambda card: Duplicates(), family="augmentation", reference="none",
    fit_cost=lambda n_rows, n_columns, steps: 1.0, sample_cost=lambda n_rows, n_columns: 0.1,
)
WRONG = 3
"""


@pytest.fixture(autouse=True)
def no_trace(monkeypatch):
    """What is loaded here decides no other test's keys."""
    monkeypatch.setattr(contracts, "_outside", set())


@pytest.fixture
def ghost(tmp_path, monkeypatch):
    """A module with a synthesizer; registries forget it afterwards."""
    (tmp_path / "ghost_plugin.py").write_text(GHOST)
    monkeypatch.syspath_prepend(str(tmp_path))
    for registry in plugins.REGISTRIES:
        monkeypatch.setattr(registry, "_specs", dict(registry))
    yield "ghost_plugin:SPEC"
    sys.modules.pop("ghost_plugin", None)


def test_a_plugin_is_available_under_its_name(ghost):
    assert plugins.load_plugins([ghost]) == {ghost: "ghost"}
    assert SYNTHESIZERS["ghost"].name == "ghost" and "ghost" not in METRICS
    assert plugins.load_plugins([ghost, ghost]) == {ghost: "ghost"}


def test_what_is_no_spec_is_refused(ghost):
    with pytest.raises(
        BadInput,
        match="is a int: expected one of SourceSpec, SynthesizerSpec, ModelSpec, TeacherSpec, MetricSpec",
    ):
        plugins.load_plugins(["ghost_plugin:WRONG"])


def test_a_request_that_names_a_plugin_gets_its_name_and_remembers_where_it_is_from(ghost):
    request = with_plugins(StudyRequest(out="", synthesizers=("smote", ghost), metric="log_loss"))
    assert (request.synthesizers, request.metric, request.models) == (("smote", "ghost"), "log_loss", None)
    assert request.plugins == (ghost,)
    assert with_plugins(request) == request


def test_a_card_names_plugins_and_its_digest_without_any_is_what_it_was():
    assert DataCard(target="y", plugins=("a.b:SPEC",)).studied["plugins"] == ["a.b:SPEC"]
    assert "plugins" not in DataCard(target="y").studied
    with pytest.raises(ValueError, match="plugins"):
        DataCard(target="y", plugins=("no reference",))


def test_a_teacher_called_like_a_learner_is_refused(ghost, tmp_path):
    (tmp_path / "shadow.py").write_text(
        "from dataclasses import replace\nfrom tests.tasks.teachers.nearest import SPEC as NEAREST\n"
        "SPEC = replace(NEAREST, name='linear')\n"
    )
    with pytest.raises(BadInput, match="both called 'linear'"):
        plugins.load_plugins(["shadow:SPEC"])
    sys.modules.pop("shadow", None)


def test_other_code_of_a_plugin_is_another_key(ghost, tmp_path):
    plugins.load_plugins([ghost])
    before = entry_key(seed=0)
    outside_version.cache_clear()
    (tmp_path / "ghost_plugin.py").write_text(GHOST + "# changed\n")
    assert entry_key(seed=0) != before
    outside_version.cache_clear()


def test_what_a_plugin_imports_from_beside_it_decides_too(tmp_path, monkeypatch):
    (tmp_path / "beside_it.py").write_text("PROBABILITY = 0.9\n")
    (tmp_path / "with_helper.py").write_text("import beside_it\nSPEC = beside_it.PROBABILITY\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_reference("with_helper:SPEC", "The plug-in")
    before = outside_version.__wrapped__(("with_helper",))
    (tmp_path / "beside_it.py").write_text("PROBABILITY = 0.1\n")
    assert outside_version.__wrapped__(("with_helper",)) != before


def test_a_plugin_of_another_study_of_this_process_takes_no_part(ghost):
    plugins.load_plugins([ghost])
    assert "ghost" in plugins.specs_for(SYNTHESIZERS, DataCard(target="y", plugins=(ghost,)))
    assert "ghost" not in plugins.specs_for(SYNTHESIZERS, DataCard(target="y"))
    assert "smote" in plugins.specs_for(SYNTHESIZERS, DataCard(target="y"))


def test_what_is_there_for_every_study_stays_so_when_a_card_names_it_too():
    reference = "realmix.tasks.synthesizers.smote:SPEC"
    assert plugins.load_plugins([reference]) == {reference: "smote"}
    assert "smote" in plugins.specs_for(SYNTHESIZERS, DataCard(target="y"))


def test_a_file_in_a_folder_that_is_no_package_decides_the_key(tmp_path, monkeypatch):
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose" / "one.py").write_text("SPEC = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_reference("loose.one:SPEC", "The plug-in")
    before = outside_version.__wrapped__(("loose.one",))
    (tmp_path / "loose" / "one.py").write_text("SPEC = 2\n")
    assert outside_version.__wrapped__(("loose.one",)) != before


# What a process of a cluster does first with a scope, whose study named a plug-in.
IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from realmix.tasks.fits.cached import fit_key
from realmix.tasks.synthesizers import SYNTHESIZERS
key = fit_key("a:fit", Path(sys.argv[1]), {}, {}, card=("rules",))
print(SYNTHESIZERS["ghost"].name, key)
"""


def test_a_process_that_only_sees_the_scope_knows_the_plugin_and_its_code(tmp_path):
    (tmp_path / "fold-0-0").mkdir()
    context = {"card": {"plugins": ["ghost_plugin:SPEC"], "rules": []}}
    (tmp_path / "context.json").write_text(
        json.dumps(context | dict.fromkeys(("schema", "snapshot", "seed", "on_gpu")))
    )

    def first_step(text):
        (tmp_path / "ghost_plugin.py").write_text(text)
        command = [sys.executable, "-P", "-c", IN_ANOTHER_PROCESS, "fold-0-0"]
        return subprocess.check_output(command, cwd=tmp_path, text=True).split()

    name, key = first_step(GHOST)
    assert name == "ghost"
    assert first_step(GHOST + "# changed\n")[1] != key
