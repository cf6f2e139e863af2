"""MLflow runs of a verdict document."""

from __future__ import annotations

from realmix.tasks.core.fairness.assessment import Fairness
from realmix.tasks.core.report.mlflow_records import (
    MAX_CHILDREN,
    MAX_NOTE,
    fairness_metrics,
    generalisation_metrics,
    history_metrics,
    history_note,
    privacy_metrics,
    rows_saved_metrics,
    run_times,
    shown_arms,
    study_record,
)
from realmix.tasks.core.report.verdict_evidence import Generalisation, RowsSaved
from tests.tasks.core.report.documents import FAIRNESS, changed
from tests.tasks.core.report.privacy import NOT_MEASURED, PRIVACY


def with_arms(document, n_candidates: int):
    """The document with candidates, best first, then two controls and real rows alone, which the race has beaten."""
    roles = ["candidate"] * n_candidates + ["control", "control", "real_only"]
    plain = document.arms[0].to_dict()
    return changed(
        document,
        winner=document.winner.to_dict() | {"name": f"arm-{n_candidates - 1}"},
        arms=[plain | {"name": f"arm-{i}", "role": role} for i, role in enumerate(roles)],
    )


def test_at_most_ninety_arms_have_a_run_and_what_ships_controls_and_real_rows_are_among_them(document):
    shown = [row.name for row in shown_arms(with_arms(document, 200))]
    best = [f"arm-{i}" for i in range(MAX_CHILDREN - 4)]
    assert shown == [*best, "arm-199", "arm-200", "arm-201", "arm-202"]
    assert len(shown) == MAX_CHILDREN


def test_few_arms_all_have_a_run_and_those_of_a_renewal_none(document):
    few = with_arms(document, 5)
    assert shown_arms(few) == list(few.arms)
    assert shown_arms(changed(few, renewal_of="a study")) == []


def test_a_renewal_had_no_race():
    assert run_times({"so far": 20}, 100.0) == ((80_000, 100_000), (80_000, 100_000))


def test_what_lies_beyond_the_average_is_four_numbers():
    assert generalisation_metrics(beyond(gap=gap(mix=0.05), shift=SHIFT)) == {
        "gap_real_only": 0.12,
        "gap_mix": 0.05,
        "worst_slice_gain": -0.03,
        "shift_gain": 0.02,
    }


def test_without_a_mix_only_the_gap_of_real_only_is_a_number():
    found = generalisation_metrics(beyond(gap=gap(), worst_slice_gain=None))
    assert {key: value for key, value in found.items() if value is not None} == {"gap_real_only": 0.12}
    without = generalisation_metrics(beyond(worst_slice_gain=None))
    assert not any(value is not None for value in without.values())
    assert generalisation_metrics(None) == {}


SHIFT = {"kind": "covariate shift", "samples": (), "gain": 0.02, "interval": None, "sentence": ""}


def beyond(**found) -> Generalisation:
    empty = {"metric": "rmse", "margin_is_relative": True, "gap": None, "slices": (), "shift": None}
    return Generalisation.model_validate(empty | {"worst_slice_gain": -0.03, "sentence": ""} | found)


def gap(mix: float | None = None) -> dict:
    of_real, of_mix = ({"training": 0.5, "validation": 0.4, "gap": value} for value in (0.12, mix))
    both = {"real_only": of_real, "mix": None if mix is None else of_mix}
    return both | {"difference": None, "interval": None, "sentence": ""}


def test_rows_saved_are_two_numbers_or_none():
    saved = RowsSaved.model_construct(rows_saved=-200, multiplier=0.75)
    assert rows_saved_metrics(saved) == {"rows_saved": -200, "rows_saved_multiplier": 0.75}
    assert rows_saved_metrics(None) == {}


def test_a_retraining_is_numbers_over_time_and_a_line_of_the_note():
    entry = {
        "level": "study",
        "reason": "the table grew",
        "n_rows": 1500,
        "n_changed": 300,
        "drift": {"level": "critical", "domain": {"auc": 0.8}},
        "promised_gain": 0.02,
        "judgement": {
            "n_rows": 60,
            "champion_score": 0.5,
            "challenger_score": 0.4,
            "gain": 0.2,
            "promoted": True,
            "reason": "It is better.",
        },
    }
    assert history_metrics(entry) == {
        "redone": 2,
        "rows": 1500,
        "rows_changed": 300,
        "drift": 2,
        "drift_auc": 0.8,
        "promised_gain": 0.02,
        "rows_compared": 60,
        "champion_score": 0.5,
        "challenger_score": 0.4,
        "challenger_gain": 0.2,
        "promoted": 1,
    }
    skipped = {"level": "skip", "reason": "nothing came", "n_changed": 0, "drift": None}
    lines = history_note([("Monday", entry), ("Tuesday", skipped)]).split("\n\n")
    assert lines == [
        "2. Tuesday: **skip**, because nothing came.",
        "1. Monday: **study**, because the table grew. It is better.",
    ]
    assert len(history_note([("Monday", entry)] * 500)) <= MAX_NOTE


def test_the_threshold_that_is_served_is_a_parameter_of_the_run(document):
    planned = dict.fromkeys(("n_folds", "n_repeats", "n_trials", "n_development"), 1)
    by_probability = changed(document, plan=planned)
    by_threshold = changed(by_probability, winner=document.winner.to_dict() | {"threshold": 0.125})
    assert study_record(by_threshold).params["threshold"] == "0.125"
    assert "threshold" not in study_record(by_probability).params


def test_privacy_is_two_numbers_of_the_best_mix_or_none(document):
    assert privacy_metrics(changed(document, privacy=PRIVACY).privacy) == {
        "privacy_tpr": 0.12,
        "privacy_leak": 1,
    }
    assert privacy_metrics(changed(document, privacy=NOT_MEASURED).privacy) == {}
    assert privacy_metrics(None) == {}


def test_the_largest_widening_of_a_gap_is_a_number():
    assert fairness_metrics(Fairness.of(FAIRNESS)) == {"largest_widening": 0.2}
    assert fairness_metrics(Fairness.of(FAIRNESS | {"gaps": []})) == fairness_metrics(None) == {}
