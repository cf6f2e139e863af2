from __future__ import annotations

import shutil

import numpy as np

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.fits.arms import train_arms
from realmix.tasks.fits.pools import load_pool, synthesize
from realmix.tasks.fits.scope import VALIDATION, Scope, StudyContext
from realmix.tasks.fits.teacher import fit_teacher
from tests.tasks.scopes import change_rows

MEMBERS = [("xgboost", 0), ("linear", 0)]


def twin(scope: Scope, tmp_path, change) -> Scope:
    """The same scope with changed files, in a study of its own."""
    other = tmp_path / "twin"
    shutil.copytree(scope.folder.parent, other)
    changed = Scope(other / scope.name)
    change(changed.folder)
    return changed


def flip_validation_labels(folder):
    validated = Scope(folder).read_array(VALIDATION)

    def flip(rows):
        rows = rows.copy()
        rows.loc[validated, "y"] = rows["y"][validated].map({"yes": "no", "no": "yes"})
        return rows

    change_rows(folder, flip)


def run_everything(scope: Scope) -> dict[str, np.ndarray]:
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    synthesize(str(scope.folder), "sequential-trees", 1.0, ["prior"], None)
    mixes = [
        Mix(),
        Mix(label_rule="teacher"),
        Mix("sequential-trees", 1.0),
        Mix("sequential-trees", 0.5, 1.0, "teacher"),
    ]
    arms = [Arm(mix, model) for mix in mixes for model in ("xgboost", "linear")]
    done = train_arms(str(scope.folder), "all", [arm.to_dict() for arm in arms], n_jobs=1)
    assert done["failures"] == {}
    return {
        "predictions": scope.read_array("all.npy"),
        "teacher": scope.read_array("teacher-validation.npy"),
        "pool": load_pool(scope, "sequential-trees").rows.to_numpy(),
    }


def test_labels_of_validation_rows_change_nothing_that_is_fitted(scope, tmp_path):
    before = run_everything(scope)
    after = run_everything(twin(scope, tmp_path, flip_validation_labels))
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name], err_msg=name)


def test_the_same_scope_gives_the_same_numbers_bit_for_bit(scope, tmp_path):
    before, after = run_everything(scope), run_everything(twin(scope, tmp_path, lambda folder: None))
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name], err_msg=name)


def test_another_study_seed_draws_other_rows(scope, tmp_path):
    def reseed(folder):
        path = folder.parent / "context.json"
        context = StudyContext.read(path)
        StudyContext(context.schema, context.card, context.snapshot, 1).write(path)

    before, after = run_everything(scope), run_everything(twin(scope, tmp_path, reseed))
    assert (before["pool"] != after["pool"]).any()
