from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest

from tasks.core.arms import Arm, Mix
from tasks.core.errors import SynthesizerFailed
from tasks.core.mixing import synthetic_quota
from tasks.fits.arms import train_arms
from tasks.fits.pools import load_pool, synthesize
from tasks.fits.scope import Scope, StudyContext, feature_groups, write_scope
from tasks.fits.teacher import fit_teacher, greedy_weights, inner_folds, load_teacher
from tasks.models import MODELS
from tasks.synthesizers import SYNTHESIZERS

MEMBERS = [("xgboost", 0), ("linear", 0)]


def twin(scope: Scope, tmp_path, change) -> Scope:
    """The same scope with changed files, in a study of its own."""
    other = tmp_path / "twin"
    shutil.copytree(scope.folder.parent, other)
    changed = Scope(other / scope.name)
    change(changed.folder)
    return changed


def flip_validation_labels(folder):
    validation = pd.read_parquet(folder / "validation.parquet")
    validation["y"] = validation["y"].map({"yes": "no", "no": "yes"})
    validation.to_parquet(folder / "validation.parquet", index=False)


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
        StudyContext.read.cache_clear()

    before, after = run_everything(scope), run_everything(twin(scope, tmp_path, reseed))
    assert (before["pool"] != after["pool"]).any()


def test_teacher_labels_of_training_rows_come_from_members_that_did_not_see_them(scope):
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    schema = scope.context.schema
    X = scope.training[schema.feature_names]
    out_of_fold, in_sample = scope.read_array("teacher-training.npy"), load_teacher(scope).predict(X)
    y = schema.encode_target(scope.training)
    own = np.arange(len(y)), y
    assert -np.log(out_of_fold[own]).mean() > -np.log(in_sample[own]).mean()


def test_teacher_is_no_worse_than_its_best_member_out_of_fold():
    rng = np.random.default_rng(0)
    y = np.eye(2)[rng.integers(0, 2, 400)]
    good = np.clip(0.5 + (y - 0.5) * 0.6 + rng.normal(0, 0.1, (400, 1)) * [-1, 1], 0.01, 0.99)
    bad = np.full_like(y, 0.5)
    weights = greedy_weights([bad, good], y, np.ones(400))
    assert weights.sum() == pytest.approx(1)
    mixed = weights[0] * bad + weights[1] * good
    assert -np.log(mixed[y == 1]).mean() <= -np.log(good[y == 1]).mean() + 1e-9


def test_a_pool_holds_every_ratio_and_the_teachers_labels(scope):
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    log = synthesize(str(scope.folder), "smote", 2.0, ["prior", "balanced"], None)
    pool = load_pool(scope, "smote")
    assert log["asked"] == log["kept"] == len(pool.rows) >= 400
    assert log["asked_by_class"] == pool.rows["y"].value_counts().to_dict()
    assert pool.teacher.shape == (len(pool.rows), 2)
    np.testing.assert_allclose(pool.teacher.sum(axis=1), 1)


def test_a_learner_that_fails_is_a_row_of_the_report(scope, monkeypatch):
    def broken(*_):
        raise FloatingPointError("no luck\nwith details")

    monkeypatch.setitem(MODELS._load(), "linear", dataclasses.replace(MODELS["linear"], build=broken))
    arms = [Arm(Mix(), "xgboost"), Arm(Mix(), "linear")]
    done = train_arms(str(scope.folder), "some", [arm.to_dict() for arm in arms], n_jobs=1)
    assert done["failures"] == {"real-only/linear": "the learner raised FloatingPointError"}
    predictions = scope.read_array("some.npy")
    assert np.isfinite(predictions[0]).all()
    assert np.isnan(predictions[1]).all()


def test_a_pool_with_too_few_rows_fails_its_own_arms_only(scope):
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    synthesize(str(scope.folder), "smote", 0.5, ["prior"], None)
    arms = [Arm(Mix("smote", 2.0), "linear"), Arm(Mix("smote", 0.5), "linear")]
    done = train_arms(str(scope.folder), "some", [arm.to_dict() for arm in arms], n_jobs=1)
    assert list(done["failures"]) == [arms[0].name]
    assert "pool" in done["failures"][arms[0].name]
    predictions = scope.read_array("some.npy")
    assert np.isnan(predictions[0]).all()
    assert np.isfinite(predictions[1]).all()


def test_a_dead_generator_is_named(scope, monkeypatch):
    class Dead:
        def fit(self, real, **_):
            return self

        def sample(self, n_rows, **_):
            return pd.DataFrame(columns=["age", "job", "y"])

    dead = dataclasses.replace(SYNTHESIZERS["smote"], build=lambda card: Dead())
    monkeypatch.setitem(SYNTHESIZERS._load(), "smote", dead)
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    with pytest.raises(SynthesizerFailed, match="smote"):
        synthesize(str(scope.folder), "smote", 1.0, ["prior"], None)


def test_rows_with_equal_features_are_one_group(scope):
    twice = pd.concat([scope.training.head(5)] * 2, ignore_index=True)
    twice["y"] = ["yes"] * 5 + ["no"] * 5
    assert feature_groups(twice, scope.context.schema).tolist() == [0, 1, 2, 3, 4] * 2


def test_inner_folds_keep_a_declared_group_together(scope):
    shops = np.arange(200) % 9
    scope.write_array("groups.npy", shops)
    folds = inner_folds(scope)
    assert len(set(folds)) == 3 and (pd.Series(folds).groupby(shops).nunique() == 1).all()
    scope.write_array("groups.npy", np.zeros(200, dtype=int))
    assert len(set(inner_folds(scope))) == 3


def test_a_class_without_training_rows_is_no_reason_to_fail(scope, tmp_path):
    one = scope.training[scope.training["y"] == "no"]
    fold = write_scope(tmp_path / "fold-0-1", one, np.ones(len(one)), np.arange(len(one)), scope.validation)
    fit_teacher(str(fold.folder), MEMBERS, n_jobs=1)
    assert np.isfinite(fold.read_array("teacher-validation.npy")).all()
    counts = np.bincount(fold.context.schema.encode_target(one), minlength=2)
    assert synthetic_quota(counts, 50, "balanced").tolist() == [50, 0]
