"""The story is told alike wherever it is told, and says what it does not know."""

from __future__ import annotations

from realmix.tasks.core.report.mlflow_records import note
from realmix.tasks.core.report.page import render_report
from realmix.tasks.core.report.story import better_learner, tell, what_was_tried
from realmix.tasks.core.report.summary import summary_lines
from tests.tasks.core.report.documents import BOOSTED, TREE, changed
from tests.tasks.core.report.test_page import DAY, told

SHORT = "at 75 s only SMOTE and TVAE can be tried; 4 min would try 6 synthesizers"
PLAN = {
    "synthesizers": {"smote": None, "tvae": 100},
    "models": ["linear", "class-prior"],
    "left_out": [SHORT],
}


def kept(document, **more):
    """The same study, had it kept real only, with a model that knows more than a constant."""
    ships = {"winner": document.real_only.to_dict() | {"model": "linear"}, "word": "keep real only"}
    knows = {"validation": document.validation.to_dict() | {"beats_constant": None}}
    return changed(document, **ships | knows | more)


def test_what_was_not_tried_for_lack_of_time_is_said(document):
    words = what_was_tried(changed(document, plan=PLAN))
    assert words.startswith("Tried: 2 synthesizers (SMOTE, TVAE) and 1 model (linear model), in ")
    assert words.endswith("More would take more time: 4 min would try 6 synthesizers.")
    assert "more time" not in what_was_tried(document)


def test_real_only_after_a_short_study_is_told_to_take_more_time_and_after_a_long_one_to_stop(document):
    precise, rough = (
        document.validation.to_dict()
        | {"beats_constant": None, "smallest_provable_gain": times * document.metric.margin}
        for times in (9, 11)
    )
    step = tell(kept(document, plan=PLAN, validation=precise)).next_step
    assert "give the study more time: 4 min would try 6 synthesizers." in step
    assert "more time" not in tell(kept(document, plan=PLAN, validation=rough)).next_step
    assert "Stop here" in tell(kept(document)).next_step


def test_a_model_that_knows_hardly_more_than_a_constant_is_not_to_be_used_yet(document):
    unsure = {"control": "real-only/class-prior", "gain": 0.01, "interval": [-0.1, 0.1], "beats": False}
    validation = document.validation.to_dict() | {"beats_constant": unsure}
    said = tell(
        kept(document, validation=validation, sentence="Keep real only: so. Warning: hardly a constant.")
    )
    assert said.next_step.startswith("Do not use model/ yet") and said.meaning.endswith(
        "Warning: hardly a constant."
    )


def test_the_gain_of_the_best_mix_over_its_own_learner_stands_beside_that_over_real_only(document):
    mix = document.validation.mix.to_dict() | {"gain": -0.004, "interval": [-0.02, 0.01]}
    kinds = [TREE | {"mix": mix}, BOOSTED | {"model": "other"}]
    (line,) = [
        each for each in summary_lines(changed(document, learners=kinds)) if each.startswith("best mix")
    ]
    assert line.endswith(
        "; −0.4 points (90 % interval −2 points to 1 points) over a decision tree on real rows alone"
    )


def test_another_kind_of_model_that_measured_better_is_no_secret(document):
    kinds = [BOOSTED | {"model": document.winner.model, "distance": -0.067}, TREE | {"distance": 0.0}]
    (said,) = [
        line for line in summary_lines(changed(document, learners=kinds)) if line.startswith("other models")
    ]
    assert "A decision tree measured better by 6.7 points, which may be luck" in said
    kinds[0]["distance"] = 0.0
    assert better_learner(changed(document, learners=kinds)) is None


def test_a_mix_that_measured_more_than_the_judged_one_is_no_secret(document):
    arms = [arm.to_dict() for arm in document.arms]
    lucky = next(arm for arm in arms if arm["role"] == "candidate") | {"name": "lucky", "gain": 0.9}
    assert "Others measured up to 90 points" in tell(kept(document, arms=[lucky, *arms])).sure
    assert "Others measured" not in tell(kept(document)).sure


def test_report_terminal_and_mlflow_tell_the_same_reason_and_the_same_arms(document):
    story = tell(document)
    page = told(render_report(document, made_on=DAY)).replace("&#39;", "'")
    for told_there in (page, "\n".join(summary_lines(document)), note(document)):
        assert story.why in told_there and story.tried.removeprefix("Tried") in told_there
    for told_there in (page, note(document)):
        assert story.answer in told_there and story.next_step in told_there and story.sure in told_there


def test_a_mix_that_is_only_expected_to_help_is_not_called_better(document):
    assert "is better than the best model" in tell(changed(document, word="proven")).meaning
    assert (
        "is expected to be better than the best model"
        in tell(changed(document, word="expected to help")).meaning
    )
