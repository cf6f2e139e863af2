from __future__ import annotations

from realmix.tasks.core.report.figures.all import draw_figures
from realmix.tasks.core.report.figures.drawing import (
    COLOURS,
    OF_SYNTHESIZER,
    drawing,
    robust_limits,
    spread,
    to_svg,
)
from tests.tasks.core.report.documents import EVIDENCE, LIKENESS, changed


def test_figures_are_the_same_bytes_each_time(document):
    whole = changed(document, model_evidence=EVIDENCE, likeness=LIKENESS)
    assert draw_figures(whole) == draw_figures(whole)
    assert set(draw_figures(whole)) == {"promise", "ratios", "correlations", "importance", "calibration"}


def test_drawing_leaves_the_settings_of_matplotlib_alone(document):
    from matplotlib import rcParams

    before = dict(rcParams)
    draw_figures(document)
    assert dict(rcParams) == before


def test_a_name_with_a_dollar_sign_or_a_tag_is_only_text():
    with drawing() as drawn:
        drawn.axes.plot(0, 0, "o", **drawn.titled('<b>pay$1$"</b>'))
        drawn.axes.set_xlabel("$pay_1$ <b>")
        svg = to_svg(drawn, "odd")
    assert "<title>&lt;b&gt;pay$1$&quot;&lt;/b&gt;</title>" in svg
    assert "$pay_1$ &lt;b&gt;" in svg


def test_no_two_known_synthesizers_have_one_colour():
    assert len(set(OF_SYNTHESIZER.values())) == len(OF_SYNTHESIZER) and set(OF_SYNTHESIZER.values()) <= set(
        COLOURS
    )


def test_labels_that_would_hide_each_other_move_apart_in_their_order():
    moved = spread({"b": 1.0, "a": 0.9, "c": 1.05}, least=0.5)
    assert list(moved) == ["a", "b", "c"]
    assert all(high - low >= 0.499 for low, high in zip(moved.values(), [*moved.values()][1:], strict=False))


def test_one_outlier_stretches_no_axis_unless_it_is_needed():
    values = [0.27, 0.271, 0.272, 0.273, 5.0]
    assert robust_limits(values, [0.27])[1] < 0.3
    assert robust_limits(values, [5.0])[1] > 5.0
    low, high = robust_limits([0.5, 0.5], [0.5])
    assert low < 0.5 < high
