from __future__ import annotations

from realmix.tasks.core.report.figures.curves import (
    curves_of,
    draw_collecting,
    draw_ratio_curves,
    draw_rows_saved,
)
from realmix.tasks.core.report.figures.drawing import GREY, colour_of
from tests.tasks.core.report.collecting import COLLECTING
from tests.tasks.core.report.documents import changed
from tests.tasks.core.report.figures.reading import texts, titles
from tests.tasks.core.report.test_page import SAVED

REAL = {"name": "real-only/linear", "score": 0.5, "interval": [0.45, 0.55]}


def of(document, *arms, **more):
    plain = document.arms[0].to_dict() | {"role": "candidate"}
    validation = document.validation.to_dict() | {"real_only": REAL}
    return changed(document, arms=[plain | arm for arm in arms], validation=validation, **more)


def arm(synthesizer, ratio, score, **more):
    name = f"{synthesizer}/{ratio:g}"
    return {"name": name, "synthesizer": synthesizer, "synthetic_ratio": ratio, "score": score} | more


def test_a_synthesizer_has_one_line_of_its_best_arms_in_its_own_colour_and_controls_are_grey(document):
    drawn = draw_ratio_curves(
        of(
            document,
            arm("smote", 1.0, 0.6),
            arm("smote", 1.0, 0.4, name="worse"),
            arm("smote", 2.0, 0.55),
            arm("duplicates", 1.0, 0.45, role="control"),
        )
    )
    assert {"SMOTE", "repeated real", "real only"} <= set(texts(drawn.svg))
    assert not any(title.startswith("worse") for title in titles(drawn.svg))
    assert colour_of("smote") in drawn.svg and GREY in drawn.svg
    assert drawn.finding.startswith("SMOTE gets past XGBoost on real rows alone (dashed, roc_auc 0.5)")


def test_the_line_to_beat_is_the_incumbent_and_nobody_may_get_past_it(document):
    drawn = draw_ratio_curves(of(document, arm("smote", 1.0, 0.4), arm("ctgan", 1.0, 0.3)))
    assert drawn.finding.startswith("None gets past XGBoost on real rows alone (dashed, roc_auc 0.5)")


def test_only_arms_of_the_learner_of_real_only_are_compared_with_its_line(document):
    real = document.real_only.to_dict() | {"model": "linear"}
    arms = arm("smote", 1.0, 0.45, model="linear"), arm("smote", 2.0, 0.9, model="xgboost")
    drawn = draw_ratio_curves(of(document, *arms, real_only=real))
    assert drawn.finding.startswith("None gets past a linear model on real rows alone")


def test_more_than_five_synthesizers_are_not_drawn_but_counted(document):
    names = ["smote", "ctgan", "tvae", "copulagan", "gaussian-copula", "neighbour-swap", "my-own"]
    drawn = draw_ratio_curves(of(document, *(arm(name, 1.0, 0.4) for name in names)))
    assert "neighbour swap" not in texts(drawn.svg)
    assert "2 more synthesizers are in the table of arms" in drawn.finding


def test_arms_that_left_the_race_are_scored_on_few_folds_and_not_drawn(document):
    race = {"blocks": 5, "dropped": [{"arm": "smote/1", "after_block": 3, "reason": ""}], "generator_seconds": 1,
            "full_grid_generator_seconds": 2}  # fmt: skip
    assert set(
        curves_of(of(document, arm("smote", 1.0, 0.9), arm("smote", 2.0, 0.4), race=race))["smote"]
    ) == {2.0}


def test_synthesizers_that_left_the_race_are_named(document):
    race = {
        "blocks": 5,
        "dropped": [{"arm": "ctgan/1", "after_block": 3, "reason": ""}],
        "generator_seconds": 1,
        "full_grid_generator_seconds": 2,
    }
    drawn = draw_ratio_curves(of(document, arm("smote", 1.0, 0.4), arm("ctgan", 1.0, 0.9), race=race))
    assert drawn.finding.endswith("CTGAN left the race early, scored on few folds: no line.")


def test_without_candidates_there_is_no_curve(document):
    assert draw_ratio_curves(of(document, arm("duplicates", 1.0, 0.4, role="control"))) is None


def test_learning_curves_are_labelled_by_what_they_say(document):
    assert draw_rows_saved(document) is None and draw_collecting(document) is None
    drawn = draw_rows_saved(changed(document, rows_saved=SAVED))
    assert drawn.finding == SAVED["sentence"]
    assert {"real training rows", "1,600", "best mix", "real only"} <= set(texts(drawn.svg))
    continued = draw_collecting(changed(document, collecting=COLLECTING))
    assert "Squares are measured" in continued.finding and "your rows" in texts(continued.svg)
