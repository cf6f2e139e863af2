"""What a verdict document becomes in MLflow."""

from __future__ import annotations

from tasks.core.runlog import generalisation_metrics, rows_saved_metrics


def test_what_lies_beyond_the_average_is_four_numbers():
    found = {
        "gap": {"real_only": {"gap": 0.12}, "mix": {"gap": 0.05}},
        "worst_slice_gain": -0.03,
        "shift": {"gain": 0.02},
    }
    assert generalisation_metrics(found) == {
        "gap_real_only": 0.12,
        "gap_mix": 0.05,
        "worst_slice_gain": -0.03,
        "shift_gain": 0.02,
    }


def test_without_a_mix_only_the_gap_of_real_only_is_a_number():
    found = {"gap": {"real_only": {"gap": 0.12}, "mix": None}, "worst_slice_gain": None, "shift": None}
    known = {key: value for key, value in generalisation_metrics(found).items() if value is not None}
    assert known == {"gap_real_only": 0.12}
    without = generalisation_metrics({**found, "gap": None})
    assert not any(value is not None for value in without.values())
    assert generalisation_metrics(None) == {}


def test_rows_saved_are_two_numbers_or_none():
    saved = {"rows_saved": -200, "multiplier": 0.75, "n_eq": 600, "sentence": "..."}
    assert rows_saved_metrics(saved) == {"rows_saved": -200, "rows_saved_multiplier": 0.75}
    assert rows_saved_metrics(None) == {}
