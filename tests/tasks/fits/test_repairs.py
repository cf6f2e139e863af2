"""Repairs of unequal groups on a fold: what they are fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.fits.arms import train_arms, training_set
from realmix.tasks.fits.pools import load_pool, synthesize
from realmix.tasks.fits.repairs import cells_of, raised_set, reweighed_set, train_repairs
from realmix.tasks.fits.teacher import fit_teacher

REAL_ONLY = Arm(Mix(), "linear")


@pytest.fixture
def fold(scope):
    fit_teacher(str(scope.folder), [("linear", 0)], 1)
    synthesize(str(scope.folder), "smote", 2.0, ["prior"], None)
    return scope


def test_reweighed_rows_are_the_real_ones_and_class_and_group_are_independent(fold):
    training = reweighed_set(fold, REAL_ONLY, "job")
    assert len(training.rows) == 200 and set(training.origin) == {"real"}
    assert training.sample_weight.sum() == pytest.approx(200)
    is_yes = (fold.training["y"] == "yes").to_numpy()
    shares = [
        np.average(is_yes[of_job], weights=training.sample_weight[of_job])
        for job in ("clerk", "nurse", "smith")
        if (of_job := (fold.training["job"] == job).to_numpy()).any()
    ]
    np.testing.assert_allclose(shares, is_yes.mean(), rtol=1e-9)


@pytest.mark.parametrize("label_rule", ["joint", "teacher"])
def test_raised_rows_are_of_the_rarest_cells_and_weigh_as_the_mix_says(fold, label_rule):
    arm = Arm(Mix("smote", 2.0, 0.5, label_rule), "linear")
    training, plain = raised_set(fold, arm, "job"), training_set(fold, arm.mix)
    is_real = training.origin == "real"
    assert is_real.sum() == 200 and (~is_real).sum() == 200, "half of the pool's 400 rows"
    assert training.sample_weight[~is_real].sum() == pytest.approx(
        plain.sample_weight[plain.origin != "real"].sum()
    )

    def evenness(rows) -> int:
        schema = fold.context.schema
        cells = cells_of(rows.rows, fold.training, "job", schema, schema.encode_target(rows.rows))
        counts = np.bincount(cells, minlength=6)
        return int(counts.max() - counts.min())

    whole = load_pool(fold, "smote")
    assert len(whole.rows) == 400
    first_half = training_set(fold, Mix("smote", 1.0, 0.5, label_rule))
    assert evenness(training) < evenness(first_half)


def test_predictions_of_both_repairs_lie_in_the_fold_and_are_the_same_again(fold):
    mix = Arm(Mix("smote", 1.0), "linear")

    def predicted() -> tuple[np.ndarray, np.ndarray]:
        made = train_repairs(str(fold.folder), REAL_ONLY.to_dict(), mix.to_dict(), "job", 1)
        assert made == {"ratio": 1.0}
        return fold.read_predictions("reweighed.npy"), fold.read_predictions("raised.npy")

    first, again = predicted(), predicted()
    for one, other in zip(first, again, strict=True):
        assert one.shape == (60, 2)
        np.testing.assert_array_equal(one, other)
    train_arms(str(fold.folder), "plain", [REAL_ONLY.to_dict()], 1)
    assert not np.allclose(first[0], fold.read_predictions("plain.npy")[0])
