from __future__ import annotations

import json

from realmix.tasks.core.report.figures.model import draw_calibration, draw_importance
from realmix.tasks.core.report.model_evidence import ModelEvidence
from tests.tasks.core.report.documents import EVIDENCE
from tests.tasks.core.report.figures.reading import texts, titles

FOUND = ModelEvidence.model_validate_json(json.dumps(EVIDENCE))


def test_the_feature_that_the_model_looks_at_most_is_named_and_what_shows_in_every_fold_counted():
    drawn = draw_importance(FOUND)
    assert drawn.finding == (
        "The model looks at age <b> most: with its values shuffled, log_loss gets 18 % worse. In every fold it needs 1 "
        "features; 1 make no difference that shows in every fold."
    )
    assert titles(drawn.svg)[-1] == "age &lt;b&gt;: 18 % worse without it, 12 % to 25 % in single folds"
    assert draw_importance(FOUND.model_copy(update={"importance": ()})) is None


def test_probabilities_that_come_true_may_be_taken_at_their_word():
    good = FOUND.calibration[0]
    agreeing = FOUND.model_copy(update={"calibration": (good,) * 10})
    assert (
        "can be taken at their word: 10 of 10" in draw_calibration(agreeing, is_classification=True).finding
    )
    assert "1 of 2 groups of rows disagree" in draw_calibration(FOUND, is_classification=True).finding


def test_numbers_are_compared_with_observed_means():
    drawn = draw_calibration(FOUND, is_classification=False)
    assert {"predicted", "observed mean"} <= set(texts(drawn.svg)) and "predictions" in drawn.finding
