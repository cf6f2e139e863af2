import dataclasses

import pytest

from realmix.tasks.core.decision.preview import CheapGain, OfLearner, Preview
from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.plan.priors import FoldSizes
from realmix.tasks.core.report.preview_text import chance_in_words, preview_lines

PREVIEW = Preview(
    metric="log_loss",
    greater_is_better=False,
    is_relative=True,
    margin=0.005,
    used=FoldSizes(1200, 3, 2),
    study=FoldSizes(2000, 5, 3),
    class_prior=0.61234,
    real_only=0.4321,
    learner="xgboost",
    explained=0.294,
    distillation=CheapGain(Mix(label_rule="teacher"), 0.0123, 0.004, 0.01),
    cheap=(CheapGain(Mix("smote", 1.0), -0.0031, 0.002, 0.01),),
    others=(OfLearner("decision-tree", 0.4876, CheapGain(Mix("smote", 1.0), 0.0712, 0.0141, 0.01)),),
    left_out={"neighbour-swap/5/teacher": "it broke"},
    fold_std=0.0234,
    expected_fold_std=0.0432,
    smallest_provable_gain=0.0321,
    expected_gain=0.0111,
    chance=0.23,
)


def lines(**changes):
    return preview_lines(dataclasses.replace(PREVIEW, **changes))


def test_every_number_stands_in_the_lines_once_in_two_digits():
    text = "\n".join(lines())
    for part in (
        "1,200",
        "3 folds x 2",
        "2,000",
        "5 folds x 3",
        "2.3 %",
        "3.2 %",
        "4.3 %",
        "1.2 %",
        "−0.31 %",
        "decision-tree: log_loss 0.4876 on real rows; with ",
        "7.1 % (standard error 1.4 %), compared with itself",
    ):
        assert part in text
    assert "0.6123" in text and "0.4321 with xgboost" in text and "29 %" in text and "about 23 %" in text


def test_what_was_not_run_has_no_line_and_what_failed_one_with_the_reason():
    assert sum("distillation" in line for line in lines()) == 1
    assert not any("distillation" in line for line in lines(distillation=None))
    assert "left out: neighbour-swap/5/teacher: it broke" in lines()
    assert len(lines(cheap=(), left_out={}, distillation=None)) == len(lines()) - 3


def test_a_learner_that_no_mix_could_be_run_for_has_its_score():
    assert "decision-tree: log_loss 0.4876 on real rows" in lines(
        others=(OfLearner("decision-tree", 0.4876, None),)
    )


@pytest.mark.parametrize(
    ("changes", "begins", "holds"),
    [
        ({"chance": 0.2}, "Worth a study:", "1.1 %"),
        ({"chance": 0.1}, "Hardly:", "about 1.1 %"),
        ({"chance": 0.1, "expected_gain": 0.004}, "Hardly:", "0.4 %"),
    ],
)
def test_the_last_line_is_the_advice(changes, begins, holds):
    assert lines(**changes)[-1].startswith(begins) and holds in lines(**changes)[-1]


def test_features_that_explain_nothing_are_not_said_to_explain_a_negative_share():
    text = "\n".join(lines(explained=-0.1))
    assert "10 %" not in text and text != "\n".join(lines(explained=0.1))


def test_folds_forward_in_time_are_named_so_and_points_are_no_per_cent():
    text = "\n".join(lines(study=FoldSizes(2000, 5, 1, forward=True), is_relative=False, metric="roc_auc"))
    assert "5 folds forward in time" in text and "3.2 points" in text and "higher" not in text


@pytest.mark.parametrize(
    ("chance", "words"), [(0.0, "under 1 %"), (0.01, "about 1 %"), (0.99, "about 99 %"), (1.0, "over 99 %")]
)
def test_no_chance_is_said_to_be_none_or_certain(chance, words):
    assert chance_in_words(chance) == words
