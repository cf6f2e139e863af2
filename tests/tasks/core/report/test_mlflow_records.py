"""MLflow runs of a verdict document."""

from __future__ import annotations

from datetime import datetime

import pytest

from realmix.tasks.core.fairness.assessment import Fairness
from realmix.tasks.core.report.mlflow_records import (
    MAX_CHILDREN,
    MAX_NOTE,
    arms_table,
    curve_points,
    fairness_metrics,
    generalisation_metrics,
    mix_records,
    note,
    privacy_metrics,
    rows_saved_metrics,
    run_times,
    shown_arms,
    study_record,
    version_description,
)
from realmix.tasks.core.report.verdict_evidence import Generalisation, RowsSaved
from tests.tasks.core.report.documents import FAIRNESS, changed
from tests.tasks.core.report.privacy import NOT_MEASURED, PRIVACY


def with_arms(document, n_candidates: int):
    """The document with candidates, best first, then two controls and real rows alone, which the race has beaten."""
    roles = ["candidate"] * n_candidates + ["control", "control", "real_only"]
    plain = document.arms[0].to_dict() | {"synthesizer": "smote"}
    arms = [
        plain
        | {
            "name": f"arm-{i}",
            "role": role,
            "mix": role,
            "synthesizer": {"real_only": None}.get(role, "smote"),
        }
        for i, role in enumerate(roles)
    ]
    arms[-2] |= {"synthesizer": "duplicates"}
    return changed(
        document,
        winner=document.winner.to_dict() | {"name": f"arm-{n_candidates - 1}"},
        real_only=document.real_only.to_dict() | {"name": arms[-1]["name"]},
        validation=document.validation.to_dict() | {"finalists": {"arm-50": 0.5}},
        arms=arms,
    )


def test_twenty_arms_have_a_run_and_what_ships_finalists_controls_and_real_rows_are_among_them(document):
    shown = [row.name for row in shown_arms(with_arms(document, 200))]
    assert len(shown) == MAX_CHILDREN
    assert {"arm-0", "arm-50", "arm-199", "arm-201", "arm-202"} <= set(shown)
    best = [name for name in shown if int(name[4:]) < 50]
    assert best == [f"arm-{place}" for place in range(len(best))], "then the best of the others"


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


def test_the_threshold_that_is_served_is_a_parameter_of_the_run(document):
    planned = dict.fromkeys(("n_folds", "n_repeats", "n_trials", "n_development"), 1)
    by_probability = changed(document, plan=planned)
    by_threshold = changed(by_probability, winner=document.winner.to_dict() | {"threshold": 0.125})
    assert study_record(by_threshold, BEGAN).params["threshold"] == "0.125"
    assert "threshold" not in study_record(by_probability, BEGAN).params


BEGAN = datetime(2026, 3, 1, 9, 5)
PLANNED = dict.fromkeys(("n_folds", "n_repeats", "n_trials", "n_development"), 1)


def test_the_name_of_a_run_carries_the_answer_and_its_recipe_stands_among_the_parameters(document):
    record = study_record(changed(document, plan=PLANNED), BEGAN)
    assert record.name == f"{document.word} · 1 Mar 09:05 · seed {document.seeds['study']}"
    assert record.tags["study"] == document.study and len(record.name) <= 45
    assert (
        record.params["synthesizer"] == document.winner.recipe.synthesizer
        and record.params["max_depth"] == "3"
    )
    assert {"promised_gain", "realised_gain"} <= set(record.metrics)
    assert record.tags["mlflow.note.content"].startswith("**Yes: ")


def test_a_study_names_its_best_mix_beside_the_gain_of_it_and_says_why_in_one_sentence(document):
    kept = changed(
        document, plan=PLANNED, word="keep real only", winner=document.real_only.to_dict() | {"model": "linear"},
        reason="The gain to expect is 0.31 %; 0.5 % is worth having. More was said.",
    )  # fmt: skip
    record, mix = study_record(kept, BEGAN), document.validation.mix
    row = next(arm for arm in document.arms if arm.name == mix.name)
    assert record.tags["why"] == "The gain to expect is 0.31 %; 0.5 % is worth having."
    assert (record.tags["best_mix"], record.params["model"]) == (mix.name, "linear")
    gains = [record.metrics[f"best_mix_gain{end}"] for end in ("", "_low", "_high")]
    assert gains == pytest.approx([row.gain, *row.gain_interval], abs=1e-4) and "gain" not in record.metrics
    alone = study_record(changed(kept, validation=document.validation.to_dict() | {"mix": None}), BEGAN)
    assert "best_mix" not in alone.tags and "best_mix_gain" not in alone.metrics


def test_the_hyper_parameters_of_what_ships_and_of_real_only_are_known_and_of_the_others_their_trial(
    document,
):
    records = {record.tags["arm"]: record for record in mix_records(document)}
    assert "max_depth" in records[document.winner.name].params
    assert "max_depth" in records[document.real_only.name].params
    other = next(name for name in records if name not in (document.winner.name, document.real_only.name))
    assert "trial" in records[other].params and "max_depth" not in records[other].params


def test_what_ships_real_only_and_the_best_mix_come_first_and_the_others_by_score(document):
    real = document.real_only.name
    other = next(row for row in reversed(document.arms) if row.role == "candidate")
    shipped = changed(document, winner=document.winner.to_dict() | {"name": other.name})
    named = [record.tags["arm"] for record in mix_records(shipped)]
    assert named[:3] == [other.name, real, document.validation.mix.name]
    assert named[3:] == [row.name for row in shown_arms(shipped) if row.name not in named[:3]]


def test_every_curve_is_one_metric_of_a_run_that_is_shown_and_the_level_one_is_named_real_only(document):
    curves = curve_points(document)
    records = {record.tags["arm"]: record for record in mix_records(document)}
    assert set(curves) <= set(records)
    keys = {key for points in curves.values() for key, _, _ in points}
    assert keys == {f"curve/{document.metric.name}"}
    real = document.real_only.name
    assert {value for _, value, _ in curves[real]} == {document.validation.real_only.score}
    assert records[real].points == curves[real] and len(curves) > 1
    level = {name for name in curves if records[name].name.startswith("real only: ")}
    assert level == {real} and all(records[name].name == name for name in curves if name != real)


def test_the_table_of_arms_begins_with_what_a_reviewer_looks_for(document):
    table = arms_table(document)
    assert list(table)[:5] == ["training_rows", "model", "score", "gain", "why"]
    assert table["name"] == [arm.name for arm in document.arms] and "synthetic_ratio" in table


def test_a_note_says_verdict_warning_and_why_before_it_is_folded_and_the_unit_of_its_chart(document):
    warns = "Warning: XGBoost on real rows is not clearly better than a constant: by 18 %."
    kept = changed(
        document, word="keep real only", sentence=f"Keep real only: so. {warns}", reason="Chance. It was so.",
        winner=document.real_only.to_dict(),
    )  # fmt: skip
    text = note(kept, "#/metric?here")
    head, links = text[:300], text.index("(#/metric?here) (step: synthetic rows per 100 real ones)")
    assert head.startswith("**No: ") and warns in head and "**Why.** Chance.\n" in head
    places = [links, text.index("`report.html` among the artifacts"), text.index("**Next step.**"),
              text.index("**How sure.**"), text.index("tried: ")]  # fmt: skip
    assert places == sorted(places) and text.count(warns) == 1
    assert "step:" not in note(kept)


def test_a_version_says_why_it_was_made_what_it_takes_and_how_it_scored(document):
    text = version_description(document, {"age": "numeric", "job": "categorical"})
    for said in (
        document.sentence,
        document.reason,
        "age (numeric), job (categorical)",
        document.holdout.sentence,
    ):
        assert said in text
    assert len(note(document)) <= MAX_NOTE and "*" not in text and "`" not in text


def test_a_version_of_a_study_without_holdout_says_why_there_is_none(document):
    without = changed(document, holdout=None, holdout_reason="the holdout would have 9 rows")
    assert "Holdout: none, as the holdout would have 9 rows.\n" in version_description(without, {})


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
