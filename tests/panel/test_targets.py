from __future__ import annotations

import pandas as pd

from tests.panel.summary import page
from tests.panel.targets import collecting, targets

LINE = {
    "table": "a", "half": "method", "n_rows": 500, "seed": 0, "learner": "decision-tree", "counted": True,
    "word": "keep real only", "is_mix_shipped": False, "promised": 0.0, "low": 0.0, "high": 0.0,
    "realised": 0.0, "best_mix_gain": 0.0, "margin": 0.005, "change": 0.0, "change_floor": 0.0, "change_xgb": 0.0,
    "change_distillation": 0.0, "average_precision_gain": float("nan"), "cost_gain": float("nan"),
    "multiplier": 1.0, "multiplier_real_only": 1.0, "race_lag": float("nan"),
}  # fmt: skip


def measured(*lines: dict[str, object]) -> dict[str, str]:
    """Measured values by target."""
    return {name: found for name, _, found in targets(pd.DataFrame([LINE | line for line in lines]))}


def test_harm_is_counted_for_each_learner_and_in_cells():
    found = measured(
        {"change": 0.02}, {"change": 0.03, "seed": 1}, {"change": -0.2, "table": "b"},
        {"learner": "xgboost", "change": 0.005}, {"learner": "all", "change": 0.5},
    )  # fmt: skip
    assert found["runs > 1 % worse than the reference, all learners"].startswith("2 of 4 = 50.0 %")
    assert found["runs > 1 % worse than the reference, decision-tree"].startswith("2 of 3 =")
    assert found["runs > 1 % worse than the reference, xgboost"].startswith("0 of 1 =")
    assert found["runs > 1 % worse than the reference, the study as a whole"].endswith("worst +50.0 %")
    assert found["cells whose mean is > 2 % worse"] == "1 of 3: decision-tree a 500 +2.5 %"


def test_a_promise_counts_only_where_a_mix_was_picked_and_a_study_is_no_further_run():
    picked = {"is_mix_shipped": True, "promised": 0.02, "low": 0.01, "high": 0.03}
    found = measured(
        {}, picked | {"realised": 0.015}, picked | {"realised": 0.05, "seed": 1},
        picked | {"realised": 0.015, "learner": "all"},
    )  # fmt: skip
    coverage = "promise where a mix ships, {}: coverage of the 90 % interval"
    assert found[coverage.format("all learners")].startswith("1 of 2 = 50.0 %")
    assert found[coverage.format("the study as a whole")].startswith("1 of 1 =")
    assert found["promise where a mix ships, all learners: bias"].startswith("-1.25 %")


def test_proof_is_asked_of_trees_with_a_clear_gain_at_500_rows():
    clear = {"best_mix_gain": 0.08}
    found = measured(
        clear | {"word": "proven"},
        clear | {"seed": 1},
        clear | {"n_rows": 200},
        {"best_mix_gain": 0.04, "seed": 2},
    )
    name = "readable tree, 500 rows, gain outside > 5%: studies that end in proven"
    assert found[name].startswith("1 of 2 = 50.0 %")


def test_what_was_expected_to_help_is_counted_as_worse_beyond_the_margin():
    shipped = {"word": "expected to help", "is_mix_shipped": True, "promised": 0.01}
    found = measured(shipped | {"realised": -0.004}, shipped | {"realised": -0.006}, {"realised": -0.5})
    assert found["expected to help, all learners: runs worse by more than the margin"].startswith("1 of 2")


def test_learners_and_measures_that_a_version_lacks_have_no_row():
    assert not [
        name for name in measured({}) if "ensemble" in name or "rare class" in name or name == "racing"
    ]


def test_runs_that_are_told_too_roughly_are_named_and_not_counted():
    lines = pd.DataFrame([LINE, LINE | {"table": "rough", "counted": False, "change": 5.0}])
    rivals = pd.DataFrame(
        [
            {"table": table, "n_rows": 500, "seed": 0, "rival": "smote", "change": moved, "roc_auc_gain": 0.0}
            for table, moved in (("a", 0.1), ("rough", 9.0))
        ]
    )
    text = page(lines, rivals, 2, false_discovery="")
    assert "1 of the 2 runs are not counted" in text and "they are of: rough" in text
    assert "| SMOTE, always on | +10.00 %" in text
    assert "500.0 %" not in text


def test_advice_to_collect_is_right_where_its_interval_holds_the_truth():
    found = pd.DataFrame({"low": [0.0, 0.0], "high": [0.1, 0.1], "truth": [0.05, 0.2]})
    assert next(measured for _, _, measured in collecting(found)).startswith("1 of 2 = 50.0 %")
