"""The gap between training and validation in words, and the whole section as plain values."""

from __future__ import annotations

import json

import numpy as np
import pytest

from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.scores.generalisation import describe_gap, describe_generalisation, with_gap
from realmix.tasks.core.scores.slices import SliceGain
from realmix.tasks.metrics import METRICS

SIZES = {"n_validation": 20.0, "n_train": 80.0}


def slice_found(name: str, n_rows: int, interval: tuple[float, float] | None) -> SliceGain:
    gain = 0.0 if interval is None else sum(interval) / 2
    return SliceGain(name, n_rows, 1.0, 1.0, gain, interval, False, False)


def test_the_mix_that_overfits_less_is_reported_with_both_gaps():
    validation = np.array([0.30, 0.32, 0.31, 0.33, 0.32])
    gap = describe_gap(
        METRICS["log_loss"],
        (validation - 0.12, validation),
        (validation - [0.05, 0.06, 0.04, 0.05, 0.05], validation),
        **SIZES,
    )
    assert gap["real_only"]["gap"] == pytest.approx(0.12)
    assert gap["mix"]["gap"] == pytest.approx(0.05)
    assert gap["interval"][1] < 0
    assert "The mix overfits less than real only: gap 0.05 against 0.12." in gap["sentence"]


def test_gaps_that_chance_could_part_are_about_the_same():
    rng = np.random.default_rng(0)
    real_only, mix = ((0.7 + 0.02 * rng.normal(size=15), 0.6 + 0.02 * rng.normal(size=15)) for _ in range(2))
    gap = describe_gap(METRICS["roc_auc"], real_only, mix, **SIZES)
    assert gap["real_only"]["gap"] == pytest.approx(0.1, abs=0.03)
    assert "overfits about as much as real only" in gap["sentence"]


def test_folds_without_a_score_are_left_out_and_no_score_is_no_gap():
    real_only = ([0.9, float("nan"), 0.8], [0.7, 0.6, 0.7])
    gap = describe_gap(METRICS["roc_auc"], real_only, None, **SIZES)
    assert gap["real_only"] == pytest.approx({"training": 0.85, "validation": 0.7, "gap": 0.15})
    assert gap["mix"] is None and gap["interval"] is None
    nothing = describe_gap(METRICS["roc_auc"], ([float("nan")], [0.7]), None, **SIZES)
    assert nothing["real_only"]["gap"] is None
    assert "unknown" in nothing["sentence"]


def test_the_section_is_strict_json_and_one_paragraph():
    gap = describe_gap(METRICS["rmse"], ([1.0, 1.1], [2.0, 2.2]), ([1.5, 1.4], [2.0, 2.1]), **SIZES)
    slices = [
        slice_found("class: no", 400, (0.01, 0.03)),
        slice_found("rare class: yes", 60, (-0.05, -0.01)),
        slice_found("plan: other", 12, (-0.9, -0.1)),
    ]
    shift = {"gain": 0.02, "samples": [], "sentence": "On the latest 50 rows the mix gains 2 %."}
    found = with_gap(describe_generalisation(METRICS["rmse"], slices, shift), gap)
    json.dumps(to_jsonable(found), allow_nan=False)
    assert found["worst_slice_gain"] == pytest.approx(-0.03)
    assert "On 1 of 2 slices the mix is clearly worse than real only: rare class: yes." in found["sentence"]
    assert found["sentence"].endswith("the mix gains 2 %.")


def test_without_a_mix_only_the_gap_of_real_only_is_reported():
    gap = describe_gap(METRICS["rmse"], ([1.0, 1.1], [2.0, 2.2]), None, **SIZES)
    found = describe_generalisation(METRICS["rmse"], (), None)
    assert found["gap"] is None and found["sentence"] == ""
    assert with_gap(found, gap)["sentence"] == gap["sentence"]
    assert found["worst_slice_gain"] is None
