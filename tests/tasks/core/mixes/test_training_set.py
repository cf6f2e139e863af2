import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.errors import SyntheticPoolTooSmall
from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.mixes.training_set import Pool, draw, mix_training_set, pool_quota, synthetic_quota
from realmix.tasks.core.table.infer_schema import infer_schema

COUNTS = st.lists(st.integers(1, 500), min_size=2, max_size=6).map(np.array)
RATIOS = (0.5, 1.0, 2.0)


def table(n_rows, rare=0.2):
    rng = np.random.default_rng(0)
    y = np.where(np.arange(n_rows) < rare * n_rows, "yes", "no")
    return pd.DataFrame({"age": rng.normal(40, 9, n_rows), "job": rng.choice(["a", "b"], n_rows), "y": y})


@pytest.fixture
def binary():
    raw = table(60)
    schema = infer_schema(raw, "y")
    real = schema.apply(raw)
    pool = pd.concat([real] * 8, ignore_index=True)
    labels = np.random.default_rng(1).dirichlet([1, 1], len(pool))
    return schema, real, Pool(pool, labels)


@given(COUNTS, st.integers(0, 2000), st.sampled_from(["prior", "balanced"]))
def test_quota_always_sums_to_the_rows_asked_for(counts, n_synthetic, balance):
    quota = synthetic_quota(counts, n_synthetic, balance)
    assert quota.sum() == n_synthetic
    assert (quota >= 0).all()


@pytest.mark.parametrize("balance", ["prior", "balanced"])
def test_a_class_without_real_rows_gets_no_synthetic_ones(balance):
    quota = synthetic_quota(np.array([70, 0, 10]), 50, balance)
    assert quota[1] == 0 and quota.sum() == 50


@given(COUNTS, st.integers(1, 2000))
def test_balancing_never_makes_the_classes_less_even(counts, n_synthetic):
    raised = counts + synthetic_quota(counts, n_synthetic, "balanced")
    kept = counts + synthetic_quota(counts, n_synthetic, "prior")
    assert np.ptp(raised) <= np.ptp(kept) + 1


@given(COUNTS, st.integers(1, 500), st.integers(1, 500))
def test_smaller_balanced_quota_fits_into_a_larger_one(counts, a, b):
    small, large = sorted((a, b))
    difference = synthetic_quota(counts, large, "balanced") - synthetic_quota(counts, small, "balanced")
    assert (difference >= -1).all()


def test_pool_holds_enough_for_every_balance():
    counts = np.array([90, 10])
    needed = pool_quota(counts, 50, ("prior", "balanced"))
    assert needed.tolist() == [45, 50]


def test_ratio_zero_is_the_real_data_itself(binary):
    schema, real, _ = binary
    training = mix_training_set(real, None, Mix(), schema=schema)
    pd.testing.assert_frame_equal(training.rows, real)
    assert (training.sample_weight == 1).all()
    assert (training.origin == "real").all()


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("weight", [0.3, 1.0, 2.0])
def test_synthetic_block_weighs_what_the_mix_says(binary, ratio, weight):
    schema, real, pool = binary
    training = mix_training_set(real, pool, Mix("copies", ratio, weight), schema=schema)
    synthetic = training.origin != "real"
    assert synthetic.sum() == round(ratio * len(real))
    assert training.sample_weight[synthetic].sum() == pytest.approx(weight * len(real))


def test_smaller_ratio_takes_a_subset_of_the_larger_one(binary):
    schema, real, pool = binary
    counts = np.bincount(schema.encode_target(real))
    taken = [
        set(draw(pool.rows, schema, synthetic_quota(counts, round(r * len(real)), "prior"))) for r in RATIOS
    ]
    assert taken[0] < taken[1] < taken[2]


def test_class_prior_of_synthetic_rows_is_that_of_the_real_rows(binary):
    schema, real, pool = binary
    training = mix_training_set(real, pool, Mix("copies", 2.0), schema=schema)
    synthetic = training.rows[training.origin != "real"]
    assert (synthetic["y"] == "yes").mean() == (real["y"] == "yes").mean()


def test_teacher_mix_takes_the_labels_of_the_teacher(binary):
    schema, real, pool = binary
    training = mix_training_set(real, pool, Mix("copies", 1.0, 1.0, "teacher"), schema=schema)
    n_real = len(real)
    assert (training.y_proba[:n_real].max(axis=1) == 1).all()
    soft = training.y_proba[n_real:]
    labels = np.array(schema.classes)[soft.argmax(axis=1)]
    assert (training.rows["y"].to_numpy()[n_real:] == labels).all()
    assert np.isin(soft, pool.teacher).all()


def test_distillation_keeps_the_real_rows_and_half_of_their_own_labels(binary):
    schema, real, _ = binary
    teacher = np.tile([0.3, 0.7], (len(real), 1))
    mix = Mix(label_rule="teacher")
    training = mix_training_set(real, None, mix, schema=schema, real_teacher=teacher)
    pd.testing.assert_frame_equal(training.rows, real)
    assert np.allclose(training.y_proba, (schema.one_hot_target(real) + teacher) / 2)


def test_half_labels_soften_the_real_rows_of_a_mix_and_change_nothing_else(binary):
    schema, real, pool = binary
    teacher = np.tile([0.3, 0.7], (len(real), 1))
    plain = Mix("copies", 2.0, 2.0, "teacher")
    half = dataclasses.replace(plain, real_labels="half")
    own, softened = (
        mix_training_set(real, pool, mix, schema=schema, real_teacher=teacher) for mix in (plain, half)
    )
    n_real = len(real)
    assert np.allclose(softened.y_proba[:n_real], (schema.one_hot_target(real) + teacher) / 2)
    assert (softened.y_proba[n_real:] == own.y_proba[n_real:]).all()
    assert (softened.sample_weight == own.sample_weight).all()
    pd.testing.assert_frame_equal(softened.rows, own.rows)


def test_softened_labels_without_a_teacher_are_an_error(binary):
    schema, real, pool = binary
    mix = Mix("copies", 1.0, 1.0, "teacher", real_labels="half")
    with pytest.raises(ValueError, match="need the teacher"):
        mix_training_set(real, pool, mix, schema=schema)


def test_class_weights_make_the_classes_weigh_the_same(binary):
    schema, real, _ = binary
    training = mix_training_set(real, None, Mix(balance="balanced"), schema=schema)
    by_class = pd.Series(training.sample_weight).groupby(real["y"].to_numpy()).sum()
    assert by_class["no"] == pytest.approx(by_class["yes"])


def test_pool_that_is_too_small_is_an_error_that_says_what_is_missing(binary):
    schema, real, pool = binary
    short = Pool(pool.rows.head(10), pool.teacher[:10])
    with pytest.raises(SyntheticPoolTooSmall, match="the pool holds"):
        mix_training_set(real, short, Mix("copies", 2.0), schema=schema)


def test_regression_takes_the_first_rows_of_the_pool():
    raw = pd.DataFrame({"x": np.arange(80.0) / 2, "y": np.arange(80.0) / 3})
    schema = infer_schema(raw, "y")
    real = schema.apply(raw)
    training = mix_training_set(
        real, Pool(real[::-1].reset_index(drop=True)), Mix("copies", 0.5), schema=schema
    )
    assert len(training.rows) == 120
    assert training.rows["x"].to_numpy()[80:].tolist() == list(np.arange(79.0, 39.0, -1) / 2)


def test_base_weights_carry_over_to_both_blocks(binary):
    schema, real, pool = binary
    base = np.linspace(0.5, 1.5, len(real))
    training = mix_training_set(real, pool, Mix("copies", 1.0, 0.3), schema=schema, base_weight=base)
    assert training.sample_weight[: len(real)].tolist() == base.tolist()
    assert training.sample_weight[len(real) :].sum() == pytest.approx(0.3 * base.sum())


def test_quotas_and_class_weights_follow_the_weights_of_the_rows(binary):
    schema, real, pool = binary
    base = np.where(real["y"] == "yes", 2.0, 0.75)
    drawn = mix_training_set(real, pool, Mix("copies", 2.0), schema=schema, base_weight=base)
    assert (drawn.rows["y"][len(real) :] == "yes").mean() == pytest.approx(24 / 60, abs=0.01)
    level = mix_training_set(real, None, Mix(balance="balanced"), schema=schema, base_weight=base)
    by_class = pd.Series(level.sample_weight).groupby(real["y"].to_numpy()).sum()
    assert by_class["no"] == pytest.approx(by_class["yes"])
    assert by_class.sum() == pytest.approx(base.sum())
