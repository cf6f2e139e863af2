from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from tests.panel.outside import Judge, Outside, change
from tests.panel.tables import Rows


@pytest.mark.parametrize("is_root", [False, True])
def test_the_error_of_a_change_is_how_far_it_scatters_over_test_rows(is_root):
    def drawn(seed: int) -> tuple[float, float]:
        rng = np.random.default_rng(seed)
        reference = rng.gamma(2.0, 1.0, 400)
        return change(reference * rng.normal(0.9, 0.3, 400), reference, is_root=is_root)

    found = np.array([drawn(seed) for seed in range(500)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.1)
    assert found[:, 0].mean() == pytest.approx(np.sqrt(0.9) - 1 if is_root else -0.1, abs=0.005)


def test_models_are_kept_and_put_together_by_name(tmp_path):
    one = Outside(("a",), np.array([[1.0, 2.0]], dtype=np.float32), np.array([[0.5, np.nan, np.nan]]))
    one.write(tmp_path / "one.npz", trials=np.array([3]))
    read, beside = Outside.read(tmp_path / "one.npz")
    both = read + Outside(("b",), np.array([[3.0, 4.0]], dtype=np.float32), np.array([[0.7, 0.1, 0.2]]))
    assert both.names == ("a", "b") and beside["trials"].tolist() == [3]
    assert both.losses("b").tolist() == [3, 4] and both.side_of("b")["cost"] == 0.2


def test_the_rare_class_is_scored_whichever_code_it_has():
    training = pd.DataFrame({"x": np.arange(100.0), "y": ["common"] * 90 + ["rare"] * 10})
    rows = Rows(DataCard(target="y"), training, training, training.iloc[:0], "rare")
    for positive in ("rare", "common"):
        schema = infer_schema(training, "y", positive=positive)
        judge = Judge.of(rows, schema)
        assert schema.classes[judge.rare] == "rare"
        sure = judge.score(
            {"right": schema.one_hot_target(schema.apply(training)), "prior": np.full((100, 2), 0.5)}
        )
        assert sure.side_of("right") == {"roc_auc": 1, "average_precision": 1, "cost": 0}
        assert sure.side_of("prior")["average_precision"] == pytest.approx(0.1)
        assert sure.side_of("prior")["cost"] == pytest.approx(0.9)  # an alarm on every row: 90 are false


def test_rows_of_a_class_that_the_study_never_saw_do_not_judge():
    training = pd.DataFrame({"x": np.arange(40.0), "y": ["a", "b"] * 20})
    test = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": ["a", "c", "b"]})
    judge = Judge.of(
        Rows(DataCard(target="y"), training, test, test.iloc[:0], None), infer_schema(training, "y")
    )
    assert len(judge.X) == len(judge.y) == 2
