"""The verdict in a few lines."""

from __future__ import annotations

import dataclasses

from realmix.tasks.core.report.summary import summary_lines
from realmix.tasks.core.words import score_in_words
from tests.tasks.core.report.documents import BOOSTED, FAIRNESS, TREE, build, changed
from tests.tasks.core.report.privacy import NOT_MEASURED, PRIVACY

FIT = {"n_real": 900, "n_synthetic": 0, "n_teacher": None, "sentence": None}


def test_the_lines_for_a_terminal_name_what_ships_its_promise_and_the_holdout(document):
    lines = summary_lines(document)
    assert lines[0] == f"why: {document.reason}"
    assert lines[1].startswith("ships: ") and lines[1].endswith(f"({document.winner.name})")
    text = "\n".join(lines)
    assert "promised gain" in text and document.holdout.sentence in text
    mix = document.validation.mix
    assert f"{document.metric.name} {score_in_words(mix.score, mix.interval)}" in text
    assert "final fit" not in text and "rows saved" not in text


def test_without_a_holdout_or_a_mix_the_lines_say_so(simulate_study, squared_error):
    full = simulate_study(0)
    oof = dataclasses.replace(full, arms=full.arms[:6], predictions=full.predictions[:6])
    lines = summary_lines(build(oof, squared_error, holdout=None, holdout_reason="it has too few rows"))
    assert "holdout: none, as it has too few rows" in lines
    assert not any(line.startswith(("best mix", "promised")) for line in lines)


def test_mixes_and_models_that_failed_are_counted_with_the_first_reason(document):
    line = "failed or refused: 1 mix or model; the first, smote/1/joint/linear: no rows"
    assert line in summary_lines(changed(document, disqualified={"smote/1/joint/linear": "no rows"}))


def test_the_final_fit_has_a_line_where_there_is_something_to_say(document):
    said = changed(document, final_fit=FIT | {"sentence": "It learnt from 900 rows."})
    silent = changed(document, final_fit=FIT)
    assert "final fit: It learnt from 900 rows." in summary_lines(said)
    assert summary_lines(silent) == summary_lines(document)


def test_each_of_several_learners_has_a_line(document):
    lines = summary_lines(changed(document, learners=[BOOSTED, TREE]))
    assert "XGBoost: keep real only" in lines
    assert (
        "decision tree: proven, gain 9 points (90 % interval 6 points to 12 points); 11 points worse than the best model"
        in lines
    )


def test_what_a_kept_learner_measured_is_said_with_its_interval(document):
    kept = TREE | {"word": "keep real only", "gain": None, "interval": None}
    lines = summary_lines(changed(document, learners=[BOOSTED, kept]))
    assert (
        "decision tree: keep real only; its best mix measured better by 10 points (90 % interval 5 points to 15 points), "
        "perhaps by luck; 11 points worse than the best model"
    ) in lines


def test_what_the_ensembles_labels_bring_is_said_beside_the_gain_of_synthetic_rows(document):
    part = {"gain": 0.05, "interval": [0.02, 0.08]}
    credit = {"tuning": None, "labels": part, "synthetic_rows": part, "whole": part}
    lines = summary_lines(changed(document, learners=[BOOSTED, TREE | {"credit": credit}]))
    (line,) = [each for each in lines if each.startswith("decision tree")]
    assert "; the ensemble's labels on real rows bring 5 points beside that; 11 points worse" in line


def test_the_only_learner_has_no_line_of_its_own(document):
    assert summary_lines(changed(document, learners=[BOOSTED])) == summary_lines(document)


def test_the_threshold_that_is_served_has_a_line(document):
    winner = document.to_dict()["winner"] | {"threshold": 0.1234}
    (line,) = [each for each in summary_lines(changed(document, winner=winner)) if each.startswith("label")]
    assert "from a probability of 0.123 on" in line and document.metric.name in line
    assert not any(each.startswith("label") for each in summary_lines(document))


def test_privacy_has_a_line_for_the_training_table_and_one_for_the_pool_of_the_best_mix(document):
    lines = summary_lines(changed(document, privacy=PRIVACY))
    assert lines[-2:] == [
        "privacy: training.parquet holds your 900 real rows.",
        "privacy of sequential trees rows: Not to be shared: a leak was found. Leak found: 12 %.",
    ]
    assert summary_lines(changed(document, privacy=NOT_MEASURED))[-1] == (
        "privacy of synthetic rows: not measured, because the folds are cut by time."
    )


def test_fairness_and_rules_are_said_in_a_line_each(document):
    counted = {"name": "ctgan", "fits": 5, "failed": 0, "asked": 9, "made": 9, "kept": 9, "copies_of_real": 0}
    lines = summary_lines(changed(document, fairness=FAIRNESS, synthesizers=[counted | {"dropped": 3}]))
    assert "fairness: The best mix widens a gap beyond the card's limit: selection rate by sex." in lines
    assert any("rules: of the CTGAN rows drawn, 0 got a value" in line for line in lines)
    (repair,) = [line for line in lines if line.startswith("repair")]
    assert "the largest gap in selection rate by sex goes from 10.0 points to 2.0 points" in repair
    assert "gain in" in repair and "−4" in repair
    unjudged = FAIRNESS | {"repairs": [FAIRNESS["repairs"][0] | {"gaps": {}}]}
    assert any(
        "no gap by sex could be judged" in line
        for line in summary_lines(changed(document, fairness=unjudged))
    )
