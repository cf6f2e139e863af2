"""What may ship is fitted once more: its score on training rows, and which features it needs."""

from __future__ import annotations

import dataclasses

import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.fits import examine as module
from realmix.tasks.fits.arms import train_arms
from realmix.tasks.fits.examine import examine_arms
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS


def test_a_model_that_memorises_scores_better_on_its_training_rows(scope):
    arms = [Arm(Mix(), name) for name in ("random-forest", "linear", "class-prior")]
    dictionaries = [arm.to_dict() for arm in arms]
    train_arms(str(scope.folder), "some", dictionaries, n_jobs=1)
    found = examine_arms(str(scope.folder), dictionaries, 1, "log_loss")
    y = scope.context.schema.encode_target(scope.validation)
    gap = {
        arm.model: METRICS["log_loss"].compute(y, predicted, None) - found[arm.name]["training"]
        for arm, predicted in zip(arms, scope.read_predictions("some.npy"), strict=True)
    }
    assert gap["random-forest"] > 0.1
    assert gap["random-forest"] > gap["linear"]
    assert gap["class-prior"] == pytest.approx(0.0, abs=0.05)


def test_an_arm_that_fails_has_no_numbers(scope, monkeypatch):
    arms = [Arm(Mix("smote", 1.0), "linear").to_dict(), Arm(Mix(), "class-prior").to_dict()]
    found = examine_arms(str(scope.folder), arms, 1, "roc_auc")
    assert list(found) == ["real-only/class-prior"]
    assert found["real-only/class-prior"]["training"] == pytest.approx(0.5)

    def broken(*_):
        raise FloatingPointError("no luck")

    monkeypatch.setitem(MODELS._load(), "linear", dataclasses.replace(MODELS["linear"], build=broken))
    assert examine_arms(str(scope.folder), [Arm(Mix(), "linear").to_dict()], 1, "roc_auc") == {}


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc"])
def test_a_feature_that_decides_is_needed_more_than_one_that_hardly_does_whatever_is_better(scope, metric):
    arm = Arm(Mix(), "linear").to_dict()
    (found,) = examine_arms(str(scope.folder), [arm], 1, metric).values()
    needed = found["importance"]
    assert set(needed) == {"age", "job"} and needed["age"] > max(needed["job"], 0.05)
    assert examine_arms(str(scope.folder), [arm], 1, metric) == {"real-only/linear": found}, (
        "the same each time"
    )


def test_a_model_that_knows_no_feature_needs_none(scope):
    (found,) = examine_arms(str(scope.folder), [Arm(Mix(), "class-prior").to_dict()], 1, "log_loss").values()
    assert set(found["importance"].values()) == {0.0}


def test_very_many_features_are_not_shuffled(scope, monkeypatch):
    monkeypatch.setattr(module, "MAX_FEATURES", 1)
    (found,) = examine_arms(str(scope.folder), [Arm(Mix(), "linear").to_dict()], 1, "log_loss").values()
    assert found["importance"] == {}
