from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import estimator_checks_generator
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from realmix import RealmixSampler
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.estimators import sampler
from realmix.tasks.estimators.recipe import LEARNER

SMALL = {"synthesizers": ("smote",), "ratios": (0.5,), "n_folds": 2, "random_state": 0}


def rows(n_rows=160, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    return X, np.where(X[:, 0] + 0.3 * rng.normal(size=n_rows) > 1, "yes", "no")


@pytest.fixture
def mixed(monkeypatch):
    """Whatever the rows say, the mix that raises the rare class is decided for."""
    decide = sampler.decide

    def for_the_mix(comparison, *, margin):
        return dataclasses.replace(
            decide(comparison, margin=margin), ships=Arm(Mix("smote", 0.5, balance="balanced"), LEARNER)
        )

    monkeypatch.setattr(sampler, "decide", for_the_mix)


# The decorator of imbalanced-learn hands pytest a generator, of which it warns.
CHECKS = [
    pytest.param(estimator, check, id=check.func.__name__)
    for estimator, check in estimator_checks_generator(
        RealmixSampler(DecisionTreeClassifier(max_depth=3, random_state=0), **SMALL)
    )
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_the_sampler_passes_the_checks_of_imbalanced_learn(estimator, check):
    check(estimator)


def test_the_rows_are_those_of_the_mix_and_the_rare_class_is_raised(mixed):
    X, y = rows()
    sampled = RealmixSampler(**SMALL)
    more, labels = sampled.fit_resample(X, y)
    np.testing.assert_array_equal(more[:160], X)
    np.testing.assert_array_equal(labels[:160], y)
    assert len(more) == len(labels) == 240
    assert sampled.sampling_strategy_ == {"no": 0, "yes": 80}
    assert sampled.mix_ == "smote/0.5/joint/balanced"


def test_real_only_returns_the_rows_as_they_are_and_says_why():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 2)), rng.integers(0, 2, 120)
    sampled = RealmixSampler(**SMALL)
    more, labels = sampled.fit_resample(X, y)
    np.testing.assert_array_equal(more, X)
    np.testing.assert_array_equal(labels, y)
    assert (sampled.verdict_, sampled.mix_) == ("keep real only", "real-only") and sampled.reason_


def test_frames_keep_their_columns_and_types(mixed):
    X, y = rows()
    frame = pd.DataFrame(X, columns=["age", "income", "score"]).assign(n=np.arange(160) % 7)
    frame["kind"] = np.where(X[:, 1] > 0, "a", "b")
    numbers = make_column_transformer(("passthrough", ["age", "income", "score", "n"]))
    inner = Pipeline([("numbers", numbers), ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))])
    more, labels = RealmixSampler(inner, **SMALL).fit_resample(frame, pd.Series(y, name="label"))
    assert more.dtypes.equals(frame.dtypes) and labels.name == "label"
    pd.testing.assert_frame_equal(more.head(160), frame)
    assert set(more["kind"]) == {"a", "b"}


def test_a_pipeline_of_imbalanced_learn_samples_in_fit_alone():
    X, y = rows()
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), RealmixSampler(clone(tree), **SMALL), tree)
    assert len(pipeline.fit(X, y).predict(X)) == 160
    assert cross_val_score(pipeline, X, y, cv=2).mean() > 0.8


def test_the_same_rows_and_seed_give_the_same_rows(mixed):
    X, y = rows()
    one, other = (RealmixSampler(**SMALL).fit_resample(X, y)[0] for _ in range(2))
    np.testing.assert_array_equal(one, other)
