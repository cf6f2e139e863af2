from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from realmix import AugmentedClassifier, AugmentedRegressor
from realmix.tasks.estimators import recipe

CHEAP = {"synthesizers": ("neighbour-swap",), "ratios": (1.0,), "n_folds": 2, "random_state": 0}


@pytest.fixture
def small_teacher(monkeypatch):
    """One cheap member labels synthetic rows in place of three."""
    monkeypatch.setattr(recipe, "TEACHER", (("linear", 0),))


def rows(n_rows=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    return X, np.where(X[:, 0] + rng.normal(size=n_rows) > 0, "yes", "no")


@pytest.mark.usefixtures("small_teacher")
@parametrize_with_checks([AugmentedClassifier(**CHEAP), AugmentedRegressor(**CHEAP)])
def test_estimators_pass_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_the_mix_is_chosen_and_reported_within_fit():
    X, y = rows()
    fitted = AugmentedClassifier(DecisionTreeClassifier(min_samples_leaf=5, random_state=0), **CHEAP).fit(
        X, y
    )
    assert fitted.verdict_ in ("proven", "expected to help", "keep real only")
    assert fitted.reason_
    assert fitted.predict_proba(X).shape == (120, 2)
    assert set(fitted.predict(X)) == {"yes", "no"}


@pytest.mark.usefixtures("small_teacher")
def test_what_softened_labels_gain_is_no_promise_of_synthetic_rows():
    X, y = rows()
    tree = AugmentedClassifier(DecisionTreeClassifier(max_depth=3, random_state=0), **CHEAP).fit(X, y)
    assert (tree.verdict_, tree.mix_, tree.promised_gain_) == ("keep real only", "distillation", 0)
    assert 0.2 < tree.labels_gain_ < 1
    smooth = AugmentedClassifier(LogisticRegression(), **CHEAP).fit(X, y)
    assert (smooth.mix_, smooth.labels_gain_) == ("real-only", 0)


@pytest.mark.usefixtures("small_teacher")
def test_the_same_rows_and_seed_give_the_same_model():
    X, y = rows()
    one, other = (AugmentedClassifier(KNeighborsClassifier(), **CHEAP).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert (one.mix_, one.promised_gain_, one.reason_) == (other.mix_, other.promised_gain_, other.reason_)


def test_too_few_rows_are_trained_on_as_they_are_and_the_reason_is_kept():
    X, y = rows(40)
    fitted = AugmentedClassifier(LogisticRegression(), **CHEAP).fit(X, y)
    np.testing.assert_array_equal(fitted.predict_proba(X), LogisticRegression().fit(X, y).predict_proba(X))
    assert fitted.verdict_ == "not decided"
    assert "expected at least 60" in fitted.reason_
    assert fitted.promised_gain_ == fitted.labels_gain_ == 0


@pytest.mark.usefixtures("small_teacher")
def test_a_pipeline_gets_the_columns_of_the_frame_it_names():
    X, y = rows()
    frame = pd.DataFrame(X, columns=["age", "income", "score"])
    frame["kind"] = np.where(X[:, 1] > 0, "a", "b")
    inner = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["kind"]), (StandardScaler(), ["age"])),
        LogisticRegression(),
    )
    fitted = AugmentedClassifier(inner, **CHEAP).fit(frame, y)
    assert fitted.feature_names_in_.tolist() == ["age", "income", "score", "kind"]
    assert fitted.verdict_ != "not decided"
    assert len(fitted.predict(frame)) == 120


@pytest.mark.usefixtures("small_teacher")
def test_an_estimator_without_probabilities_is_compared_by_its_labels():
    X, y = rows()
    fitted = AugmentedClassifier(LinearSVC(), **CHEAP).fit(X, y)
    assert not hasattr(fitted, "predict_proba")
    assert fitted.verdict_ != "not decided"


@pytest.mark.usefixtures("small_teacher")
def test_estimators_work_in_cross_validation_pipelines_and_clones():
    X, _ = rows()
    numbers = X[:, 0] * 2
    regressor = AugmentedRegressor(DecisionTreeRegressor(random_state=0), **CHEAP)
    pipeline = make_pipeline(StandardScaler(), clone(regressor))
    assert cross_val_score(pipeline, X, numbers, cv=2).mean() > 0.5


@pytest.mark.usefixtures("small_teacher")
def test_an_estimator_that_cannot_learn_real_rows_says_so_itself():
    X, y = rows()
    with pytest.raises(ValueError, match="max_iter"):
        AugmentedClassifier(LogisticRegression(max_iter=-1), **CHEAP).fit(X, y)
