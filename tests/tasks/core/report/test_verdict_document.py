"""The document is strict JSON of a published schema, and earlier ones are read."""

from __future__ import annotations

import json
from datetime import date

import pytest
from pydantic import ValidationError

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.holdout_gain import describe_holdout
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.report.page import render_report
from realmix.tasks.core.report.summary import summary_lines
from realmix.tasks.core.report.verdict_document import VerdictDocument
from tests.tasks.core.report.documents import TABLE, build

# Fields that documents of earlier releases lack.
ADDED = (
    "fairness",
    "reading",
    "generalisation",
    "likeness",
    "model_evidence",
    "learners",
    "rows_saved",
    "rows_saved_reason",
    "collecting",
    "race",
    "final_fit",
    "drift",
    "teacher",
)


def test_the_document_is_strict_json_and_reads_back_as_it_was_written(document):
    written = json.dumps(document.to_dict(), allow_nan=False)
    again = VerdictDocument.read(json.loads(written))
    assert again == document and json.dumps(again.to_dict()) == written
    assert document.complete is True
    assert document.winner.params == {"max_depth": 3}


def test_a_document_of_an_earlier_release_is_read_and_written_again_without_the_newer_fields(document):
    earlier = {key: value for key, value in document.to_dict().items() if key not in ADDED}
    earlier["validation"].pop("beats_constant")
    earlier["table"] = TABLE | {"columns_set_apart": ["note"]}
    read = VerdictDocument.read(earlier)
    assert read.to_dict() == earlier
    assert read.reading is read.drift is read.generalisation is None
    assert "<h1>" in render_report(read, made_on=date(2026, 3, 9)) and summary_lines(read) == summary_lines(
        document
    )


def test_a_field_of_a_later_release_is_kept(document):
    later = document.to_dict() | {"horoscope": {"gap": 0.1}}
    assert VerdictDocument.read(later).to_dict() == later


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"schema_version": 2}, "schema_version"), ({"word": "perhaps"}, "word"), ({"arms": [{}]}, "arms.0.name"),
     ({"study": 3}, "study")],
)  # fmt: skip
def test_a_document_of_another_schema_is_refused_in_one_sentence(document, changes, named):
    with pytest.raises(BadInput, match=f"The verdict document's `{named}`"):
        VerdictDocument.read(document.to_dict() | changes)


def test_nothing_can_be_changed(document):
    with pytest.raises(ValidationError, match="frozen"):
        document.word = "proven"


def test_what_is_not_a_number_becomes_null(study):
    document = build(*study, table={"missing_fraction": float("nan")})
    assert document.to_dict()["table"]["missing_fraction"] is None


def test_a_realised_gain_outside_its_interval_stands_in_the_first_line(study):
    oof, metric = study
    comparison = compare(oof, metric, seed=0, n_bootstrap=100)
    scored = {"score": 0.5, "interval": [0.4, 0.6]}
    far = {"n_rows": 150, "real_only": scored, "mix": scored, "gain": -0.5, "interval": [-0.6, -0.4]}
    far |= {"standard_error": 0.01, "decisions_served": [1, 1]}
    document = build(
        oof,
        metric,
        holdout=describe_holdout(
            comparison.promised_gain, comparison.promised_interval, far, is_relative=True
        ),
    )
    assert "OUTSIDE" in document.sentence


def test_an_unfinished_study_says_what_is_missing(study):
    document = build(*study, missing=["ctgan in fold-0-1: ran longer than its limit"])
    assert document.complete is False and len(document.missing) == 1


def test_the_winner_and_the_mix_are_the_same_where_the_mix_ships(simulate_study, squared_error):
    document = build(simulate_study(0, noise=0.05, offsets={4: 0.02, 5: 0.02, 6: -0.1}), squared_error)
    assert document.word == "proven"
    assert document.winner.name == document.validation.mix.name
    assert document.winner.recipe.synthesizer == "synthesizer-0"
    assert document.real_only.recipe.synthesizer is None
    assert document.real_only.name == document.validation.real_only.name


def test_where_real_only_ships_the_best_mix_is_still_there_to_compare(simulate_study, squared_error):
    document = build(
        simulate_study(0, offsets={0: -0.5}), squared_error, holdout=None, holdout_reason="Few rows."
    )
    assert document.winner == document.real_only
    assert document.validation.mix.name != document.winner.name
    assert document.metric.direction == "lower is better"


def test_the_gain_announced_before_the_race_is_that_of_the_plan(study):
    plan = {"n_folds": 5, "left_out": [], "expected_provable_gain": 0.031}
    assert build(*study, plan=plan).validation.expected_provable_gain == 0.031
    assert build(*study).validation.expected_provable_gain is None
