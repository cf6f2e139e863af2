"""A pretrained teacher of the user's own through a table's life: study, final fits, what ships, retraining."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.flows.terminal.tables import is_due, register
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.fits.scope import HOLDOUT, Scope, stored_rows
from realmix.tasks.fits.teacher import load_teacher
from realmix.tasks.runtime.database import registered_table
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.sources import open_source

NEAREST = Path(__file__).parents[1] / "tasks" / "teachers" / "nearest.py"
TABLE = "labelled"
CARD = """source: {source}
target: y
positive: 'yes'
plugins: ['nearest_for_tests:SPEC']
teachers: [nearest]
operation: {{landing: {landing}, budget_seconds: 30, promotion: approve}}
"""


@pytest.fixture(scope="module")
def life(prefect_server, workspace):
    """The entries of a first study and of a refit after few more rows, and the folders of both."""
    from realmix.flows.retrain import retrain

    place = workspace / "labelled"
    (place / "landing").mkdir(parents=True)
    shutil.copy(NEAREST, place / "nearest_for_tests.py")
    (place / "nearest.weights").write_text("pretrained")
    rows = open_source("bundled:bank_marketing?rows=640").load().sample(frac=1, random_state=0)
    rows[:600].to_csv(place / "labelled.csv", index=False)
    card = place / "card.yaml"
    card.write_text(CARD.format(source=place / "labelled.csv", landing=place / "landing"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr(StudyFolder, "clear_work", lambda folder: None)
        register(card, TABLE, trust_card=True)
        first = retrain(TABLE, "first")
        rows[600:].to_csv(place / "landing" / "more.csv", index=False)
        assert is_due(TABLE)
        yield place, first, retrain(TABLE, "more")


def folder_of(entry) -> StudyFolder:
    from realmix.tasks.runtime.study_folder import home

    return StudyFolder(home() / "studies" / entry["study"])


def test_the_card_puts_it_into_the_plan_with_the_digest_of_its_weights(life):
    import hashlib

    place, first, _ = life
    plan = folder_of(first).read_json("plan.json")
    assert ["nearest", 0] in plan["teacher"]
    assert plan["pretrained"] == {
        "nearest": hashlib.sha256((place / "nearest.weights").read_bytes()).hexdigest()
    }
    assert registered_table(TABLE).card.teachers == ("nearest",)


def check_out_of_fold(scope: Scope) -> None:
    """The stored labels of real rows know less of their classes than the fitted teacher, which has them by heart."""
    in_fold = load_teacher(scope).predict(scope.training[scope.context.schema.feature_names])
    y = scope.context.schema.one_hot_target(scope.training)
    known, stored = (
        (labels * y).sum(axis=1).mean() for labels in (in_fold, scope.read_array("teacher-training.npy"))
    )
    assert stored < known - 0.02, scope.name


def test_in_every_fold_real_rows_have_labels_that_are_not_its_memory(life):
    _, first, _ = life
    folds = sorted(folder_of(first).work.glob("fold-*"))
    assert len(folds) > 2
    for fold in folds:
        check_out_of_fold(Scope(fold))


def test_what_ships_knows_nothing_of_it_and_is_trained_again_from_its_table_alone(life, workspace):
    from realmix.tasks.fits.final import refit_from_training_table
    from realmix.tasks.runtime.workers import LocalWorkers
    from realmix.tasks.study.package import load_and_predict, save_pyfunc
    from realmix.tasks.study.refit import refit

    _, first, _ = life
    former = folder_of(first)
    folder = StudyFolder(workspace / "runs" / "by-the-nearest")
    shutil.copytree(former.work, folder.work)
    plan = Plan.from_dict(former.read_json("plan.json"))
    arm = Arm(Mix("sequential-trees", 1.0, 1.0, "teacher", real_labels="half"), "linear")
    with LocalWorkers(1):
        done = refit.fn(folder, "shipped", {"model": arm, "real_only": Arm(Mix(), "linear")}, plan)
    assert done["failure"] is None
    check_out_of_fold(Scope(folder.scope("shipped")))
    schema = Scope(folder.scope("shipped")).context.schema
    save_pyfunc(folder.scope("shipped") / "model", arm.model, schema, folder.path / "packed", {})
    raw = schema.restore(stored_rows(folder.work / HOLDOUT).rows)[schema.feature_names]
    served = load_and_predict(folder.path / "packed", raw)[[f"proba_{c}" for c in schema.classes]]
    again = refit_from_training_table(folder.path / "training.parquet").predict(schema.apply(raw))
    np.testing.assert_allclose(served.to_numpy(), again, atol=1e-6)
    assert "_realmix_proba_yes" in pd.read_parquet(folder.path / "training.parquet").columns
    texts = [
        path.read_text(errors="ignore")
        for path in (folder.path / "packed").rglob("*")
        if path.is_file() and path.suffix != ".pyc"  # which names the folder it was compiled in
    ]
    assert not any("nearest" in text for text in texts)


def test_few_more_rows_refit_the_winner_by_the_same_plan(life):
    _, first, more = life
    assert (first["level"], more["level"]) == ("study", "refit")
    one, other = (folder_of(entry).read_json("plan.json") for entry in (first, more))
    assert one == other and ["nearest", 0] in other["teacher"]
