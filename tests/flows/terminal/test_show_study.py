"""A verdict on the screen: words whole, numbers where they are looked for, plain where it is piped."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from realmix.flows.terminal import show_study
from realmix.flows.terminal.show_study import compare_studies, print_core, print_verdict
from realmix.tasks.metrics import METRICS
from tests.tasks.core.conftest import simulate
from tests.tasks.core.report.documents import BOOSTED, TREE, build, changed

TRACKING = {"experiment": "bank", "uri": "http://mlflow", "run_id": "r1", "error": None}


@pytest.fixture
def document():
    found = build(simulate(0, offsets={6: -0.1}), METRICS["rmse"])
    return changed(found, tracking=TRACKING, learners=[BOOSTED, TREE])


@pytest.fixture
def screen(monkeypatch):
    """A terminal of 80 columns, and what it shows."""

    def show(action, *arguments, width=80):
        file = io.StringIO()
        terminal = Console(file=file, force_terminal=True, no_color=True, width=width, color_system=None)
        monkeypatch.setattr(show_study, "console", lambda: terminal)
        action(*arguments)
        return file.getvalue()

    return show


def test_the_verdict_is_printed_with_its_reasons_and_where_everything_lies(document, tmp_path, capsys):
    print_verdict(document, tmp_path / "out")
    said = capsys.readouterr().out
    for part in (document.word, document.sentence, f"why: {document.reason}", "promised gain", "report.html"):
        assert part in said
    assert "http://mlflow" in said and "'bank'" in said and str(tmp_path / "out") in said
    assert "\x1b" not in said


@pytest.mark.parametrize("width", [80, 120])
def test_lines_wrap_between_words_and_stay_within_the_terminal(document, tmp_path, screen, width):
    said = screen(print_verdict, document, tmp_path, width=width)
    lines = said.splitlines()
    assert max(map(len, lines)) <= width
    shown = said.split()
    assert set(document.sentence.split()) <= set(shown), "a word was broken"


def test_each_learner_has_a_row_with_its_verdict_and_its_gain(document, tmp_path, screen):
    said = screen(print_verdict, document, tmp_path, width=120)
    (tree,) = [line for line in said.splitlines() if line.startswith("decision tree")]
    assert "proven" in tree and "9 %" in tree and "6 % to 12 %" in tree and "−11 %" in tree
    (boosted,) = [line for line in said.splitlines() if line.startswith("XGBoost")]
    assert "keep real only" in boosted and "no mix compared" in boosted and "best" in boosted


def test_another_kind_of_model_that_measured_better_is_said_above_the_table(document, tmp_path, screen):
    kinds = [BOOSTED | {"model": document.winner.model, "distance": -0.067}, TREE | {"distance": 0.0}]
    said = screen(print_verdict, changed(document, learners=kinds), tmp_path, width=120)
    assert "other models A decision tree measured better by 6.7 %" in " ".join(said.split())


def test_the_core_of_the_verdict_is_json_without_the_list_of_mixes(document, capsys):
    print_core(document)
    core = json.loads(capsys.readouterr().out)
    assert core["word"] == document.word and core["reason"] == document.reason
    assert "arms" not in core and len(core["learners"]) == 2


def test_two_studies_stand_side_by_side_and_what_may_be_compared_is_said(document, screen):
    other = changed(document, digests={"snapshot": "other"})
    plan = {"models": ["linear"], "synthesizers": ["smote"], "seed": 0}
    first, second = (changed(each, plan=each.plan | plan) for each in (document, other))
    said = screen(compare_studies, ("small", "large"), (first, second), width=120)
    assert "small" in said and "large" in said and "the rows differ" in said
    assert "What differs is marked with *." in " ".join(said.split()) and "* seed" not in said
    assert "can be compared" in screen(compare_studies, ("a", "b"), (first, first), width=120)
    costs = changed(first, metric=first.to_dict()["metric"] | {"name": "mae"})
    said = screen(compare_studies, ("a", "b"), (first, costs), width=120)
    assert "the metrics differ" in said
    # Also where nothing is bold.
    assert [line.split()[1] for line in said.splitlines() if line.startswith("*")] == ["metric"]
