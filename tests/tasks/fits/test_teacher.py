import json

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.mixes.training_set import synthetic_quota
from realmix.tasks.core.table.text_codes import code_texts
from realmix.tasks.fits import teacher
from realmix.tasks.fits.scope import GROUP
from realmix.tasks.fits.teacher import (
    fit_teacher,
    greedy_weights,
    inner_folds,
    learnt_rows,
    load_teacher,
    soft_weights,
)
from realmix.tasks.teachers import TEACHERS
from tests.tasks.scopes import change_rows, scope_of, set_beside
from tests.tasks.teachers.nearest import SPEC as NEAREST

MEMBERS = [("linear", 0)]


def test_a_bounded_teacher_learns_from_a_sample_and_labels_every_row(scope):
    learnt = learnt_rows(scope, 120)
    assert len(np.unique(learnt)) == 120 == len(inner_folds(scope, learnt))
    fit_teacher(str(scope.folder), MEMBERS, 1)
    whole = scope.read_array("teacher-training.npy")
    fit_teacher(str(scope.folder), MEMBERS, 1, max_rows=120)
    bounded = scope.read_array("teacher-training.npy")
    assert bounded.shape == whole.shape
    assert not np.array_equal(bounded, whole)
    np.testing.assert_allclose(bounded, whole, atol=0.2)


def test_a_bound_above_the_rows_changes_nothing(scope):
    fit_teacher(str(scope.folder), MEMBERS, 1)
    whole = scope.read_array("teacher-training.npy")
    fit_teacher(str(scope.folder), MEMBERS, 1, max_rows=200)
    assert np.array_equal(scope.read_array("teacher-training.npy"), whole)


def test_distillation_learns_from_what_the_fitted_teacher_says_of_the_training_rows(scope):
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    X = scope.training[scope.context.schema.feature_names]
    assert np.allclose(scope.read_array("teacher-training.npy"), load_teacher(scope).predict(X))


def test_only_the_best_trial_of_each_model_is_a_member(scope, monkeypatch):
    losses = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(teacher, "_mean_loss", lambda *_: next(losses, 0.0))
    tried = [("linear", 0), ("linear", 1), ("class-prior", 0)]
    made = fit_teacher(str(scope.folder), tried, n_jobs=1)
    assert made["weights"]["linear/0"] == 0.0 and sum(made["weights"].values()) == pytest.approx(1)
    assert min(made["weights"]["linear/1"], made["weights"]["class-prior/0"]) > 0
    labels = scope.read_array("teacher-training.npy")
    monkeypatch.undo()
    fit_teacher(str(scope.folder), [("linear", 1)], n_jobs=1)
    alone = scope.read_array("teacher-training.npy")
    share = (scope.training["y"] == "yes").mean()
    both = made["weights"]["linear/1"] * alone[:, 1] + made["weights"]["class-prior/0"] * share
    assert np.allclose(labels[:, 1], both)


def test_weights_are_nearly_equal_with_few_rows_and_nearly_greedy_with_many():
    weights = {n: soft_weights([np.ones(n), np.zeros(n)], np.zeros(n), np.ones(n)) for n in (200, 20_000)}
    assert weights[200].tolist() == pytest.approx([1 / 2 - 1 / 12, 1 / 2 + 1 / 12])
    assert weights[20_000][1] > 0.97


def test_teacher_is_no_worse_than_its_best_member_out_of_fold():
    rng = np.random.default_rng(0)
    y = np.eye(2)[rng.integers(0, 2, 400)]
    good = np.clip(0.5 + (y - 0.5) * 0.6 + rng.normal(0, 0.1, (400, 1)) * [-1, 1], 0.01, 0.99)
    bad = np.full_like(y, 0.5)
    weights = greedy_weights([bad, good], y, np.ones(400))
    assert weights.sum() == pytest.approx(1)
    mixed = weights[0] * bad + weights[1] * good
    assert -np.log(mixed[y == 1]).mean() <= -np.log(good[y == 1]).mean() + 1e-9


def test_inner_folds_keep_a_declared_group_together(scope):
    shops = np.arange(200) % 9
    set_beside(scope, **{GROUP: shops})
    folds = inner_folds(scope)
    assert len(set(folds)) == 3 and (pd.Series(folds).groupby(shops).nunique() == 1).all()
    set_beside(scope, **{GROUP: np.zeros(200, dtype=int)})
    assert len(set(inner_folds(scope))) == 3


def test_a_class_without_training_rows_is_no_reason_to_fail(scope, tmp_path):
    one = scope.training[scope.training["y"] == "no"]
    fold = scope_of(tmp_path / "fold-0-1", one, np.ones(len(one)), np.arange(len(one)), scope.validation)
    fit_teacher(str(fold.folder), MEMBERS, n_jobs=1)
    assert np.isfinite(fold.read_array("teacher-validation.npy")).all()
    counts = np.bincount(fold.context.schema.encode_target(one), minlength=2)
    assert synthetic_quota(counts, 50, "balanced").tolist() == [50, 0]


@pytest.fixture
def by_heart(scope, monkeypatch):
    """A scope whose labels are drawn by lot, and a teacher that knows the rows it learnt by heart."""
    monkeypatch.setattr(TEACHERS, "_specs", {**TEACHERS, NEAREST.name: NEAREST})
    lots = np.random.default_rng(0)
    change_rows(scope.folder, lambda rows: rows.assign(y=rows["y"].to_numpy()[lots.permutation(len(rows))]))
    return scope


def labels_by_the_nearest(scope, **bound):
    """Its part of the labels of the training rows, and what it predicts for these once it is fitted."""
    made = fit_teacher(str(scope.folder), [("linear", 0), ("nearest", 0)], 1, **bound)
    fitted, X = load_teacher(scope), scope.training[scope.context.schema.feature_names]
    linear, nearest = (member.predict(code_texts([X])[0]) for member in fitted.members)
    part = scope.read_array("teacher-training.npy") - made["weights"]["linear/0"] * linear
    return part / made["weights"]["nearest/0"], nearest


def test_labels_by_a_teacher_that_knows_its_rows_by_heart_are_those_of_fits_that_did_not_see_them(by_heart):
    y = by_heart.context.schema.encode_target(by_heart.training)
    labels, in_fold = labels_by_the_nearest(by_heart)
    assert (in_fold.argmax(axis=1) == y).all()  # what a mix must not be offered as the teacher's word
    agree = (labels.argmax(axis=1) == y).mean()
    chance = (np.bincount(y) ** 2).sum() / len(y) ** 2
    assert abs(agree - chance) < 3 * np.sqrt(chance * (1 - chance) / len(y))


def test_rows_that_a_bounded_teacher_did_not_learn_are_labelled_by_the_fitted_one(by_heart):
    learnt = learnt_rows(by_heart, 120)
    labels, fitted = labels_by_the_nearest(by_heart, max_rows=120)
    others = np.setdiff1d(np.arange(200), learnt)
    assert np.allclose(labels[others], fitted[others])
    assert not np.allclose(labels[learnt], fitted[learnt], atol=0.5)


def test_the_ensemble_that_may_ship_has_no_member_from_outside(by_heart):
    members = [("linear", 0), ("class-prior", 0)]
    fit_teacher(str(by_heart.folder), members, 1)
    alone = json.loads((by_heart.folder / "ensemble.json").read_text())
    fit_teacher(str(by_heart.folder), [*members, ("nearest", 0)], 1)
    assert json.loads((by_heart.folder / "ensemble.json").read_text()) == alone
    assert load_teacher(by_heart).weights.shape == (3,)


def test_the_same_seed_gives_the_same_labels(by_heart):
    first, again = (labels_by_the_nearest(by_heart)[0] for _ in range(2))
    assert np.array_equal(first, again)
