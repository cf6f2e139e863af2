from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import SynthesizerFailed
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.mixes.training_set import synthetic_quota
from realmix.tasks.fits.arms import score_on_training_rows, train_arms
from realmix.tasks.fits.pools import load_pool, synthesize
from realmix.tasks.fits.scope import Scope, StudyContext, feature_groups, write_scope
from realmix.tasks.fits.teacher import fit_teacher, greedy_weights, inner_folds, load_teacher
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.nulls.planted import Leaking, planted, registered

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

    before, after = run_everything(scope), run_everything(twin(scope, tmp_path, reseed))
    assert (before["pool"] != after["pool"]).any()


def test_distillation_learns_from_what_the_fitted_teacher_says_of_the_training_rows(scope):
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    X = scope.training[scope.context.schema.feature_names]
    assert np.allclose(scope.read_array("teacher-training.npy"), load_teacher(scope).predict(X))


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


def test_a_model_that_memorises_scores_better_on_its_training_rows(scope):
    arms = [Arm(Mix(), name) for name in ("random-forest", "linear", "class-prior")]
    dictionaries = [arm.to_dict() for arm in arms]
    train_arms(str(scope.folder), "some", dictionaries, n_jobs=1)
    on_training = score_on_training_rows(str(scope.folder), dictionaries, 1, "log_loss")
    y = scope.context.schema.encode_target(scope.validation)
    gap = {
        arm.model: METRICS["log_loss"].compute(y, predicted, None) - on_training[arm.name]
        for arm, predicted in zip(arms, scope.read_array("some.npy"), strict=True)
    }
    assert gap["random-forest"] > 0.1
    assert gap["random-forest"] > gap["linear"]
    assert gap["class-prior"] == pytest.approx(0.0, abs=0.05)


def test_an_arm_that_fails_has_no_score_on_its_training_rows(scope):
    arms = [Arm(Mix("smote", 1.0), "linear").to_dict(), Arm(Mix(), "class-prior").to_dict()]
    scores = score_on_training_rows(str(scope.folder), arms, 1, "roc_auc")
    assert scores == {"real-only/class-prior": pytest.approx(0.5)}


def test_a_generator_that_was_given_validation_rows_is_refused_and_its_rows_are_not_kept(scope):
    everything = pd.concat([scope.training, scope.validation])
    leak = planted("exact-leak", lambda: Leaking(everything, "exact"))
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    with registered(leak), pytest.raises(SynthesizerFailed, match="'exact-leak' copied"):
        synthesize(str(scope.folder), leak.name, 1.0, ["prior"], None)
    assert not (scope.folder / "exact-leak.parquet").exists()
