"""The document is strict JSON with every promised key."""

from __future__ import annotations

import dataclasses
import json

from realmix.tasks.core.decision.comparison import compare
from realmix.tasks.core.decision.holdout_gain import describe_holdout
from realmix.tasks.core.report.verdict_document import summary_lines
from tests.tasks.core.report.documents import build


def test_the_document_is_strict_json_with_every_promised_key(document):
    again = json.loads(json.dumps(document, allow_nan=False))
    assert again == document
    assert {
        "schema_version", "realmix_version", "study", "table", "complete", "missing", "word", "sentence",
        "reason", "winner", "real_only", "metric", "validation", "holdout", "gates", "arms", "disqualified",
        "plan", "seconds", "seeds", "digests", "versions", "provenance",
    } <= set(document)  # fmt: skip
    assert document["complete"] is True
    assert document["winner"]["params"] == {"max_depth": 3}


def test_what_is_not_a_number_becomes_null(study):
    document = build(*study, table={"missing_fraction": float("nan")})
    assert document["table"] == {"missing_fraction": None}


def test_a_realised_gain_outside_its_interval_stands_in_the_first_line(study):
    oof, metric = study
    comparison = compare(oof, metric, seed=0, n_bootstrap=100)
    far = {"n_rows": 150, "gain": -0.5, "interval": [-0.6, -0.4], "standard_error": 0.01}
    far["decisions_served"] = [1, 1]
    document = build(oof, metric, holdout=describe_holdout(comparison, far))
    assert "OUTSIDE" in document["sentence"]


def test_an_unfinished_study_says_what_is_missing(study):
    document = build(*study, missing=["ctgan in fold-0-1: ran longer than its limit"])
    assert document["complete"] is False and len(document["missing"]) == 1


def test_the_winner_and_the_mix_are_the_same_where_the_mix_ships(simulate_study, squared_error):
    document = build(simulate_study(0, noise=0.05, offsets={4: 0.02, 5: 0.02, 6: -0.1}), squared_error)
    assert document["word"] == "proven"
    assert document["winner"]["name"] == document["validation"]["mix"]["name"]
    assert document["winner"]["recipe"]["synthesizer"] == "synthesizer-0"
    assert document["real_only"]["recipe"]["synthesizer"] is None
    assert document["real_only"]["name"] == document["validation"]["real_only"]["name"]


def test_where_real_only_ships_the_best_mix_is_still_there_to_compare(simulate_study, squared_error):
    document = build(
        simulate_study(0, offsets={0: -0.5}), squared_error, holdout=None, holdout_reason="Few rows."
    )
    assert document["winner"] == document["real_only"]
    assert document["validation"]["mix"]["name"] != document["winner"]["name"]
    assert document["metric"]["direction"] == "lower is better"


def test_the_gain_announced_before_the_race_is_that_of_the_plan(study):
    plan = {"n_folds": 5, "left_out": [], "expected_provable_gain": 0.031}
    assert build(*study, plan=plan)["validation"]["expected_provable_gain"] == 0.031
    assert build(*study)["validation"]["expected_provable_gain"] is None


def test_the_lines_for_a_terminal_name_what_ships_its_promise_and_the_holdout(document):
    lines = summary_lines(document)
    assert lines[0] == f"ships: {document['winner']['name']}"
    text = "\n".join(lines)
    assert "promised gain" in text and document["holdout"]["sentence"] in text
    assert f"{document['validation']['mix']['score']:.4g}" in text
    assert "final fit" not in text and "rows saved" not in text


def test_without_a_holdout_or_a_mix_the_lines_say_so(simulate_study, squared_error):
    full = simulate_study(0)
    oof = dataclasses.replace(full, arms=full.arms[:6], predictions=full.predictions[:6])
    lines = summary_lines(build(oof, squared_error, holdout=None, holdout_reason="Too few rows."))
    assert "holdout: none: Too few rows." in lines
    assert not any(line.startswith(("best mix", "promised")) for line in lines)


def test_the_final_fit_has_a_line_where_there_is_something_to_say(document):
    said = document | {"final_fit": {"sentence": "It learnt from 900 rows."}}
    silent = document | {"final_fit": {"sentence": None}}
    assert "final fit: It learnt from 900 rows." in summary_lines(said)
    assert summary_lines(silent) == summary_lines(document)
