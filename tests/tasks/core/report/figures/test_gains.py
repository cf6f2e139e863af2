from __future__ import annotations

from realmix.tasks.core.report.figures.gains import Line, draw_learners, draw_lines, draw_promise, draw_slices
from tests.tasks.core.report.documents import BOOSTED, TREE, changed
from tests.tasks.core.report.figures.reading import texts, titles


def test_a_promise_is_drawn_between_what_was_measured_and_what_came_true(document):
    drawn = draw_promise(document)
    assert {"measured", "promised", "realised"} <= set(texts(drawn.svg))
    assert "is promised" in drawn.finding and "On the holdout, which chose nothing, it was" in drawn.finding


def test_a_mix_that_does_not_ship_has_a_gain_to_expect_and_no_holdout(document):
    kept = changed(document, winner=document.real_only.to_dict(), holdout=None)
    drawn = draw_promise(kept)
    assert "to expect" in texts(drawn.svg) and "realised" not in texts(drawn.svg)
    assert "the holdout was not asked about it" in drawn.finding


def test_gains_that_are_no_shares_are_in_points():
    line = [Line("a", 0.01, (0.0, 0.02))]
    share, points = (draw_lines(line, "x", is_relative=relative, margin=None) for relative in (True, False))
    assert "gain, per cent: right is better" in texts(share)
    assert "gain, points: right is better" in texts(points)
    assert "a: 1 points (90 % interval 0 points to 2 points)" in titles(points)


def test_a_gain_without_an_interval_is_a_dot():
    assert titles(draw_lines([Line("a", 0.01, None)], "x", is_relative=True, margin=0.005)) == ["a: 1 %"]


def test_learners_are_drawn_where_several_have_a_mix(document):
    other = TREE | {"model": "linear", "word": "keep real only", "gain": None, "interval": None}
    drawn = draw_learners(changed(document, learners=[TREE, other, BOOSTED]))
    assert {"decision tree", "linear model"} <= set(texts(drawn.svg)) and "XGBoost" not in texts(drawn.svg)
    assert "a gain is promised for decision tree (blue)" in drawn.finding
    assert draw_learners(changed(document, learners=[TREE, BOOSTED])) is None


def test_slices_name_the_worst_and_the_best(document):
    assert draw_slices(document) is None
    part = {
        "n_rows": 60,
        "real_only": 0.5,
        "mix": 0.55,
        "interval": None,
        "is_declared": True,
        "vetoes": False,
    }
    slices = [
        part | {"name": "a", "gain": -0.1},
        part | {"name": "b", "gain": 0.2},
        part | {"name": "c", "gain": None},
    ]
    found = {"metric": "rmse", "margin_is_relative": True, "gap": None, "slices": slices, "worst_slice_gain": -0.1,
             "shift": None, "sentence": ""}  # fmt: skip
    drawn = draw_slices(changed(document, generalisation=found))
    assert "worst on 'a' (−10 %), best on 'b' (20 %)" in drawn.finding and "c" not in texts(drawn.svg)
