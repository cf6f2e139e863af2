from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.fits.arms import (
    arm_seed,
    coded,
    ingredients,
    mixed,
    params_of,
    train_arms,
    training_set,
)
from realmix.tasks.fits.pools import synthesize
from realmix.tasks.fits.scope import WEIGHT
from realmix.tasks.fits.teacher import fit_teacher
from realmix.tasks.models import MODELS
from tests.tasks.scopes import set_beside

MEMBERS = [("xgboost", 0), ("linear", 0)]


def test_a_learner_that_fails_is_a_row_of_the_report(scope, monkeypatch):
    def broken(*_):
        raise FloatingPointError("no luck\nwith details")

    monkeypatch.setitem(MODELS._load(), "linear", dataclasses.replace(MODELS["linear"], build=broken))
    arms = [Arm(Mix(), "xgboost"), Arm(Mix(), "linear")]
    done = train_arms(str(scope.folder), "some", [arm.to_dict() for arm in arms], n_jobs=1)
    assert done["failures"] == {"real-only/linear": "the learner raised FloatingPointError"}
    predictions = scope.read_predictions("some.npy")
    assert np.isfinite(predictions[0]).all()
    assert np.isnan(predictions[1]).all()


def test_a_pool_with_too_few_rows_fails_its_own_arms_only(scope):
    fit_teacher(str(scope.folder), MEMBERS, n_jobs=1)
    synthesize(str(scope.folder), "smote", 0.5, ["prior"], None)
    arms = [Arm(Mix("smote", 2.0), "linear"), Arm(Mix("smote", 0.5), "linear")]
    done = train_arms(str(scope.folder), "some", [arm.to_dict() for arm in arms], n_jobs=1)
    assert list(done["failures"]) == [arms[0].name]
    assert "pool" in done["failures"][arms[0].name]
    predictions = scope.read_predictions("some.npy")
    assert np.isnan(predictions[0]).all()
    assert np.isfinite(predictions[1]).all()


def test_predictions_stand_in_the_order_of_the_arms_and_are_named_beside(scope):
    arms = [Arm(Mix(), "class-prior"), Arm(Mix(), "linear"), Arm(Mix(), "linear", 1)]
    train_arms(str(scope.folder), "some", [arm.to_dict() for arm in arms], n_jobs=1)
    predictions = scope.read_predictions("some.npy")
    assert predictions.shape == (3, 60, 2)
    assert json.loads((scope.folder / "some.json").read_text()) == [arm.name for arm in arms]
    share = (scope.training["y"] == "yes").mean()
    assert predictions[0, :, 1] == pytest.approx(np.full(60, share))
    assert np.abs(predictions[1] - predictions[2]).max() > 0


def test_texts_looked_up_once_give_the_same_training_set(scope):
    mix = Mix()
    plain = training_set(scope, mix)
    fast = mixed(coded(ingredients(scope, None), scope.context.schema), mix, scope.context.schema)
    assert isinstance(fast.rows["job"].dtype, pd.CategoricalDtype)
    pd.testing.assert_frame_equal(fast.rows.astype({"job": object}), plain.rows)
    assert (fast.y_proba == plain.y_proba).all() and (fast.sample_weight == plain.sample_weight).all()


def test_a_learner_has_one_seed_for_all_mixes_and_another_for_each_trial(scope):
    seeds = {arm_seed(scope, Arm(mix, "linear")) for mix in (Mix(), Mix("smote", 1.0), Mix("ctgan", 2.0))}
    assert len(seeds) == 1
    assert arm_seed(scope, Arm(Mix(), "linear", 1)) not in seeds
    assert arm_seed(scope, Arm(Mix(), "xgboost")) not in seeds


def test_the_ensemble_takes_half_of_the_strong_member_and_half_of_the_scope_s_teacher(scope):
    made = fit_teacher(
        str(scope.folder), [(name, t) for name in ("xgboost", "linear") for t in (0, 1)], n_jobs=1
    )
    members = {
        name: (trial, weight) for name, trial, weight in params_of(scope, Arm(Mix(), "ensemble"))["members"]
    }
    for name, (trial, weight) in members.items():
        half = made["weights"][f"{name}/{trial}"] / 2
        assert weight == pytest.approx(half + (0.5 if name == "xgboost" else 0.0))
    arms = [Arm(Mix(), "ensemble"), Arm(Mix(), "linear", members["linear"][0])]
    done = train_arms(str(scope.folder), "some", [arm.to_dict() for arm in arms], n_jobs=1)
    assert not done["failures"]
    both, linear = scope.read_predictions("some.npy")
    assert np.abs(both - linear).max() > 0.01


def test_only_a_final_fit_takes_the_mean_of_several_seeds(scope):
    arm = Arm(Mix(), "xgboost", 1)
    assert params_of(scope, arm, final=True) == params_of(scope, arm) | {"n_seeds": 3}


def test_weights_of_the_real_rows_reach_the_learner(scope):
    arms = [Arm(Mix(), "class-prior").to_dict()]
    heavy = np.where(scope.training["y"] == "yes", 3.0, 1.0)
    set_beside(scope, **{WEIGHT: heavy / heavy.mean()})
    train_arms(str(scope.folder), "weighted", arms, n_jobs=1)
    n_yes = (scope.training["y"] == "yes").sum()
    expected = 3 * n_yes / (3 * n_yes + 200 - n_yes)
    assert scope.read_predictions("weighted.npy")[0, 0, 1] == pytest.approx(expected)
