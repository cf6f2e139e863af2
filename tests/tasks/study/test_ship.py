"""The end of a study and of a renewal: its steps in their order, and nothing after a refusal."""

from __future__ import annotations

import pytest

from realmix.tasks.core.errors import ValidationFailed
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study import ship as module
from realmix.tasks.study.ship import Stages, ship

ARMS = {"model": Arm(Mix("smote", 1.0), "linear"), "real_only": Arm(Mix(), "linear")}


@pytest.fixture
def done(monkeypatch):
    """What was done, in its order."""
    steps = []

    def step(name, answer=None):
        monkeypatch.setattr(module, name, lambda *given: steps.append(name) or answer)

    step("gate_training")
    step("read_holdout", {"n_rows": 60})
    step("package")
    monkeypatch.setattr(module, "track", lambda folder, document: document)
    return steps


@pytest.fixture
def folder(tmp_path):
    folder = StudyFolder(tmp_path)
    folder.scope("shipped").mkdir(parents=True)
    return folder


def test_the_documents_get_the_scores_of_the_holdout_after_the_models_are_packaged(folder, done):
    def publish(holdout):
        done.append("publish")
        return {"holdout": holdout}

    clock = Stages()
    document = ship(folder, None, ARMS, {}, None, publish, clock)
    assert done == ["gate_training", "read_holdout", "package", "publish"]
    assert document == {"holdout": {"n_rows": 60}}
    assert list(clock.seconds) == ["evaluate", "package", "report", "track"]
    assert not folder.scope("shipped").exists(), "intermediate files are removed at the end"


def test_after_a_refused_training_table_nothing_is_packaged_and_nothing_removed(folder, done, monkeypatch):
    def refuse(table, folder):
        raise ValidationFailed("a weight is negative")

    monkeypatch.setattr(module, "gate_training", refuse)
    with pytest.raises(ValidationFailed):
        ship(folder, None, ARMS, {}, None, lambda holdout: pytest.fail("published"), Stages())
    assert done == [] and folder.scope("shipped").exists()


def test_stages_are_timed_and_those_of_workers_stand_beside(monkeypatch):
    clock = Stages()
    with clock("race"):
        pass
    clock.worker_seconds = {"workers: train": 2.5}
    found = clock.all_seconds()
    assert set(found) == {"race", "so far", "workers: train"}
    assert found["so far"] >= found["race"] >= 0
