from __future__ import annotations

import numpy as np

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.fits.preview import BATCH, preview_fold

MEMBERS = [("linear", 0), ("xgboost", 0)]
ARMS = [Arm(Mix(), "linear"), Arm(Mix("neighbour-swap", 1.0, label_rule="teacher"), "linear")]


def test_every_arm_predicts_the_validation_rows(scope):
    failed = preview_fold(
        str(scope.folder), MEMBERS, {"neighbour-swap": 1.0}, [arm.to_dict() for arm in ARMS]
    )
    assert failed == {}
    predictions = scope.read_predictions(f"{BATCH}.npy")
    assert predictions.shape == (2, 60, 2)
    assert not np.allclose(predictions[0], predictions[1])


def test_a_generator_that_cannot_be_used_takes_only_its_own_mixes_with_it(scope):
    # A simulation needs `simulate` in the card, which has none.
    arms = [*ARMS, Arm(Mix("simulation", 1.0), "linear")]
    ratios = {"neighbour-swap": 1.0, "simulation": 1.0}
    failed = preview_fold(str(scope.folder), MEMBERS, ratios, [arm.to_dict() for arm in arms])
    assert list(failed) == ["simulation/1/joint"]
    assert "simulat" in failed["simulation/1/joint"]
    predictions = scope.read_predictions(f"{BATCH}.npy")
    assert np.isnan(predictions[2]).all()
    assert np.isfinite(predictions[:2]).all()
