from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import SynthesizerFailed
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.fits.pools import draw_rows, load_pool, pool_size, refuse_leak, synthesize
from realmix.tasks.fits.scope import WEIGHT
from realmix.tasks.fits.teacher import Teacher, fit_teacher
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.nulls.planted import Leaking, planted, registered
from tests.tasks.fits.conftest import rows
from tests.tasks.scopes import scope_of, set_beside

MEMBERS = [("xgboost", 0), ("linear", 0)]


def test_a_pool_holds_every_ratio_and_the_teachers_labels(scope):
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    log = synthesize(str(scope.folder), "smote", 2.0, ["prior", "balanced"], None)
    pool = load_pool(scope, "smote")
    assert log["asked"] == log["kept"] == len(pool.rows) >= 400
    assert log["asked_by_class"] == pool.rows["y"].value_counts().to_dict()
    assert pool.teacher.shape == (len(pool.rows), 2)
    np.testing.assert_allclose(pool.teacher.sum(axis=1), 1)


def test_without_a_teacher_a_pool_has_the_same_rows_and_no_labels_beside_their_own(scope):
    draw_rows(str(scope.folder), "smote", 2.0, ["prior"], None)
    alone = load_pool(scope, "smote")
    assert alone.teacher is None
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    synthesize(str(scope.folder), "smote", 2.0, ["prior"], None)
    pd.testing.assert_frame_equal(load_pool(scope, "smote").rows, alone.rows)


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


def test_a_generator_that_was_given_validation_rows_is_refused_and_its_rows_are_not_kept(scope):
    everything = pd.concat([scope.training, scope.validation])
    leak = planted("exact-leak", lambda: Leaking(everything, "exact"))
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    with registered(leak), pytest.raises(SynthesizerFailed, match="'exact-leak' copied"):
        synthesize(str(scope.folder), leak.name, 1.0, ["prior"], None)
    assert not (scope.folder / "exact-leak.parquet").exists()


def test_a_pool_is_large_enough_for_every_class_under_each_balance(scope):
    real = scope.training
    counts = real["y"].value_counts()
    n_rows, by_class = pool_size(real, np.ones(200), scope.context.schema, 0.5, ("prior",))
    assert n_rows == sum(by_class.values()) == 100
    both, by_class_of_both = pool_size(real, np.ones(200), scope.context.schema, 0.5, ("prior", "balanced"))
    assert both >= n_rows and all(by_class_of_both[label] >= by_class[label] for label in by_class)
    assert by_class_of_both[counts.idxmin()] > by_class[counts.idxmin()]


def test_the_rows_of_each_class_follow_the_weights(scope):
    """Half the rows are of each class, but those of 'yes' stand for nine times as many of the population."""
    weight = np.where(scope.training["y"] == "yes", 1.8, 0.2)
    by_class = pool_size(scope.training, weight, scope.context.schema, 1.0, ("prior",))[1]
    share = weight[scope.training["y"] == "yes"].sum() / weight.sum()
    assert by_class["yes"] == pytest.approx(200 * share, abs=1)


def test_a_generator_learns_the_weighted_distribution(scope):
    """Rows of old people weigh nine times as much: its people are old."""
    old = scope.training["age"].to_numpy() > 45
    ages = {}
    for name, weight in (("equal", np.ones(200)), ("old", np.where(old, 1.8, 0.2))):
        set_beside(scope, **{WEIGHT: weight})
        fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
        synthesize(str(scope.folder), "gaussian-copula", 2.0, ["prior"], None)
        ages[name] = load_pool(scope, "gaussian-copula").rows["age"].mean()
    weighted = np.average(scope.training["age"], weights=np.where(old, 1.8, 0.2))
    assert ages["equal"] == pytest.approx(scope.training["age"].mean(), abs=2)
    assert ages["old"] == pytest.approx(weighted, abs=2.5)


def test_the_mean_label_of_the_teacher_is_the_weighted_class_prior(scope, monkeypatch):
    """A teacher that leans to one class in the pool does not move the prior of the mix."""
    lean = np.array([0.2, 0.8])
    predict = Teacher.predict
    monkeypatch.setattr(
        Teacher, "predict", lambda self, X: (p := predict(self, X) * lean) / p.sum(axis=1, keepdims=True)
    )
    weight = np.where(scope.training["y"] == "yes", 1.5, 0.5)
    set_beside(scope, **{WEIGHT: weight})
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    synthesize(str(scope.folder), "smote", 1.0, ["prior"], None)
    prior = np.average(scope.training["y"] == "yes", weights=weight)
    assert load_pool(scope, "smote").teacher[:, 1].mean() == pytest.approx(prior, abs=0.005)


def test_a_pool_of_numbers_is_counted_without_classes():
    raw = pd.DataFrame({"x": np.linspace(0, 1, 40), "price": np.linspace(1, 2, 40) ** 2})
    schema = infer_schema(raw, "price")
    assert pool_size(schema.apply(raw), np.ones(40), schema, 1.5, ("prior",)) == (60, None)


def test_a_pool_that_holds_validation_rows_is_refused_and_one_of_a_final_fit_cannot_be(scope):
    fresh = rows(120, seed=5)
    refuse_leak(scope, "smote", scope.context.schema.apply(fresh))
    with pytest.raises(SynthesizerFailed, match="'smote'"):
        refuse_leak(scope, "smote", scope.validation)
    whole = scope_of(scope.folder.parent / "shipped", scope.training, np.ones(200), np.arange(200))
    refuse_leak(whole, "smote", scope.validation)


def test_a_stored_pool_is_read_back_with_its_labels(scope):
    drawn = scope.training.head(10)
    drawn.to_parquet(scope.folder / "smote.parquet", index=False)
    scope.write_predictions("smote-teacher.npy", np.full((10, 2), 0.5))
    pool = load_pool(scope, "smote")
    pd.testing.assert_frame_equal(pool.rows, drawn)
    assert pool.teacher.tolist() == [[0.5, 0.5]] * 10
