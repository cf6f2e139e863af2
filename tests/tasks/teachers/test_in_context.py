"""Teachers that predict in context, with a small model of the same interface."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.text_codes import code_texts
from realmix.tasks.teachers import _in_context
from tests.tasks.models.conftest import Rows, mixed_rows
from tests.tasks.teachers.nearest import SPEC


def rows_of(task) -> Rows:
    raw, new = mixed_rows(120, task, 0), mixed_rows(60, task, 1)
    return Rows(infer_schema(raw, "outcome"), raw, new)


def fitted(rows: Rows, weight=None):
    weight = np.ones(len(rows.raw)) if weight is None else weight
    return SPEC.build(rows.schema, 0, 1).fit(code_texts([rows.X])[0], rows.y_proba, weight)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_it_knows_its_own_rows_by_heart_and_others_in_the_right_shape(task):
    rows = rows_of(task)
    model = fitted(rows)
    assert np.allclose(model.predict(code_texts([rows.X])[0]), rows.y_proba, atol=1e-5)
    others = model.predict(code_texts([rows.X_new])[0])
    assert others.shape == (60, *rows.y_proba.shape[1:])
    assert model.predict(rows.X_new.iloc[:0]).shape == (0, *rows.y_proba.shape[1:])
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(code_texts([rows.X_new])[0]), others)


def test_new_rows_are_read_in_parts_that_change_nothing(monkeypatch):
    rows = rows_of("binary")
    weight = (np.arange(120) < 10).astype(float)
    model, whole = fitted(rows, weight), fitted(rows, weight).predict(code_texts([rows.X_new])[0])
    read = []
    monkeypatch.setattr(_in_context, "FEWEST_AT_ONCE", 7)
    made = model.estimator
    model.estimator = lambda wanted: _counting(made(wanted), read)
    assert np.array_equal(model.predict(code_texts([rows.X_new])[0]), whole)
    assert read == [10] * 6


def _counting(estimator, read):
    plain = estimator.predict_proba
    estimator.fit(np.zeros((2, 1)), [0, 1])

    class Counting:
        def fit(self, X, y):
            estimator.fit(X, y)
            return self

        def predict_proba(self, X):
            read.append(len(X))
            return plain(X)

    return Counting()


def test_rows_without_weight_are_not_remembered():
    rows = rows_of("binary")
    weight = np.ones(120)
    weight[:60] = 0
    model = fitted(rows, weight)
    assert len(model.rows_) == 60
    wrong = model.predict(code_texts([rows.X])[0])[:60].argmax(axis=1) != rows.y_proba[:60].argmax(axis=1)
    assert wrong.any()


def test_a_class_that_was_not_learnt_has_no_probability_and_one_class_alone_has_all():
    rows = rows_of("multiclass")
    codes = rows.y_proba.argmax(axis=1)
    without = fitted(rows, (codes != 1).astype(float)).predict(code_texts([rows.X_new])[0])
    assert without[:, 1].max() < 1e-6 and np.allclose(without.sum(axis=1), 1)
    alone = fitted(rows, (codes == 2).astype(float)).predict(code_texts([rows.X_new])[0])
    assert alone[:, 2].min() > 0.999


def test_it_predicts_where_it_is_put():
    rows = rows_of("binary")
    seen = []
    model = fitted(rows).to("cuda")
    made = model.estimator
    model.estimator = lambda wanted: seen.append(wanted) or made(wanted)
    model.predict(code_texts([rows.X_new])[0])
    assert seen[0].device == "cuda" and seen[0].categories
    assert dataclasses.replace(seen[0], device="cpu").random_state == 0
