from __future__ import annotations

import re

import numpy as np

from realmix.tasks.core.report.figures import (
    MAX_POINTS,
    N_GAINS,
    draw_calibration,
    draw_figures,
    draw_gains,
    draw_predicted,
    draw_ratio_curves,
)
from realmix.tasks.core.report.verdict_document import ArmOfStudy
from tests.tasks.core.report.documents import figures_of


def test_figures_are_the_same_bytes_each_time(document, study):
    assert figures_of(document, study[0]) == figures_of(document, study[0])


def test_calibration_of_three_classes_judges_the_most_probable_one():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(3), 90)
    svg = draw_calibration(rng.integers(0, 3, 90), proba, proba)
    assert svg.startswith("<svg")
    assert "real only" not in svg


def test_a_dollar_sign_in_a_name_is_no_formula(document):
    arms = [arm.model_copy(update={"name": f"pay$1$_{i}"}) for i, arm in enumerate(document.arms)]
    assert "pay$1$_0" in draw_gains(arms, is_relative=True)


def lines_of(svg):
    """Texts that a reader of the figure sees."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def arm(mix, role="candidate", **more):
    plain = {"name": f"{mix}/linear", "mix": mix, "role": role, "synthesizer": mix.split("/")[0]}
    scores = {"score": 0.5, "gain": 0.01, "gain_interval": (-0.01, 0.03), "synthetic_ratio": 1.0}
    return ArmOfStudy.model_construct(**plain | scores | {"label_rule": "joint"} | more)


REAL = arm("real-only", "real_only", synthesizer=None, synthetic_ratio=0.0, gain=0.0)


def test_of_many_mixes_the_best_are_drawn_and_controls_and_real_only_always():
    arms = [*(arm(f"mix-{i:02d}/1") for i in range(N_GAINS + 5)), arm("duplicates/1", "control"), REAL]
    shown = lines_of(draw_gains(arms, is_relative=True))
    drawn = [text for text in shown if text.endswith("/linear")]
    assert len(drawn) == N_GAINS + 2
    assert f"mix-{N_GAINS - 1:02d}/1/linear" in drawn and f"mix-{N_GAINS:02d}/1/linear" not in drawn
    assert {"duplicates/1/linear", "real-only/linear"} <= set(drawn)


def test_of_one_mix_only_its_best_arm_is_drawn():
    arms = [arm("smote/1"), arm("smote/1", name="smote/1/xgboost"), REAL]
    assert "smote/1/xgboost" not in lines_of(draw_gains(arms, is_relative=True))


def test_gains_that_are_no_shares_are_in_points():
    def labels(is_relative):
        return " ".join(lines_of(draw_gains([arm("smote/1"), REAL], is_relative=is_relative)))

    assert "per cent" in labels(True) and "points" not in labels(True)
    assert "points" in labels(False) and "per cent" not in labels(False)


def test_a_ratio_curve_has_one_line_per_synthesizer_and_label_rule_and_one_of_real_only():
    arms = [
        arm("smote/1", score=0.4),
        arm("smote/2", synthetic_ratio=2.0),
        arm("smote/1/teacher", label_rule="teacher"),
        arm("ctgan/1"),
        REAL,
    ]
    shown = lines_of(draw_ratio_curves(arms, metric="rmse", direction="lower is better"))
    legend = [text for text in shown if "labels" in text or text == "real only"]
    assert sorted(legend) == [
        "ctgan, joint labels",
        "real only",
        "smote, joint labels",
        "smote, teacher labels",
    ]
    assert "rmse (lower is better)" in shown


def test_numbers_are_drawn_against_the_truth_and_at_most_a_thousand_of_them():
    y = np.linspace(0, 1, 5 * MAX_POINTS)
    svg = draw_predicted(y, y, y + 1)
    assert svg.count("<use") < 2 * MAX_POINTS + 100
    assert {"shipped model", "real only", "actual", "predicted"} <= set(lines_of(svg))


def test_one_model_is_drawn_once():
    y = np.arange(50.0)
    assert "real only" not in lines_of(draw_predicted(y, y + 1, y + 1))


def test_the_figures_follow_the_task_and_what_was_measured(document, study):
    captions = list(figures_of(document, study[0]))
    assert any("probabilit" in caption for caption in captions)
    numbers = draw_figures(document, np.arange(9.0), np.arange(9.0), np.zeros(9))
    assert any("actual" in caption for caption in numbers) and len(numbers) == len(captions)
    bare = document.model_copy(update={"arms": [a for a in document.arms if a.role != "candidate"]})
    assert len(draw_figures(bare, np.arange(9.0), np.arange(9.0), np.zeros(9))) == len(captions) - 1


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    from matplotlib import rcParams

    before = dict(rcParams)
    draw_gains([arm("smote/1"), REAL], is_relative=True)
    assert dict(rcParams) == before
