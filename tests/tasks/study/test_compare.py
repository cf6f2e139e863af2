from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.fits.scope import StudyContext
from realmix.tasks.metrics import METRICS
from realmix.tasks.study.compare import side_metrics
from realmix.tasks.study.race import batches
from tests.tasks.study.laid import compared, gathered, lay, predict_all

pytestmark = pytest.mark.usefixtures("own_home")
MIX = "smote/1/joint/linear"


def test_the_best_arm_out_of_fold_wins_and_every_other_metric_stands_beside(tmp_path):
    folder, _, split, layout = lay(tmp_path)
    trained = predict_all(folder, layout, batches(layout.plan), {MIX: 2.0, "real-only/class-prior": 0.0})
    comparison, verdict = compared(folder, layout, *gathered(folder, layout, [], trained))
    assert comparison.winner.name == MIX and comparison.n_rows == split.n_development
    assert verdict.is_mix_shipped
    assert set(comparison.arms[0].extra_metrics) == {
        name
        for name, spec in METRICS.items()
        if "binary" in spec.tasks and name != "log_loss" and not spec.needs
    }
    assert folder.read_json("work/generalisation.json")["slices"]


def test_a_mix_that_failed_in_one_fold_is_no_choice_and_its_reason_is_kept(tmp_path):
    folder, _, _, layout = lay(tmp_path)
    trained = predict_all(folder, layout, batches(layout.plan), {MIX: 2.0})
    pools = [PoolResult(synthesizer="smote", scope=layout.blocks[3].scope, failure="it gave no rows")]
    comparison, verdict = compared(folder, layout, *gathered(folder, layout, pools, trained))
    assert not verdict.is_mix_shipped and comparison.best_mix is None
    assert "it gave no rows" in comparison.disqualified["smote/1/joint"]


def test_the_same_study_is_decided_alike_each_time(tmp_path):
    folder, _, _, layout = lay(tmp_path)
    trained = predict_all(folder, layout, batches(layout.plan), {MIX: 1.1})
    first, again = (compared(folder, layout, *gathered(folder, layout, [], trained))[0] for _ in range(2))
    assert first.promised_interval == again.promised_interval and first.p_value == again.p_value


def test_each_learner_is_decided_by_itself_on_the_same_predictions(tmp_path):
    folder, _, _, layout = lay(tmp_path, models=("linear", "xgboost", "class-prior"))
    better_trees = dict.fromkeys(("real-only/xgboost", "distillation/xgboost", "smote/1/joint/xgboost"), 2.0)
    trained = predict_all(
        folder, layout, batches(layout.plan), better_trees | {MIX: 1.5, "real-only/class-prior": 0.0}
    )
    _, verdict = compared(folder, layout, *gathered(folder, layout, [], trained))
    trees, linear = folder.read_json("work/learners.json")
    assert (trees["model"], trees["word"], trees["distance"]) == ("xgboost", "keep real only", 0)
    assert linear["word"] != "keep real only" and linear["mix"]["name"] == MIX and linear["gain"] > 0
    assert linear["distance"] < 0 and not verdict.is_mix_shipped


def test_metrics_of_other_tasks_are_not_shown(tmp_path):
    folder, *_ = lay(tmp_path)
    shown = side_metrics(StudyContext.read(folder.work / "context.json"), METRICS["roc_auc"])
    assert {"rmse", "mae", "r2", "roc_auc"}.isdisjoint(spec.name for spec in shown)
    assert "log_loss" in {spec.name for spec in shown}


def test_a_study_decided_by_costs_compares_what_its_labels_cost(tmp_path):
    card = {"costs": {"yes": {"no": "shop"}, "no": {"yes": 3}}}
    folder, _, _, layout = lay(tmp_path, card=card, metric="cost")
    trained = predict_all(folder, layout, batches(layout.plan), {MIX: 2.0, "real-only/class-prior": 0.0})
    development, oof = gathered(folder, layout, [], trained)
    comparison, _ = compared(folder, layout, development, oof)
    assert comparison.winner.name == MIX and set(comparison.thresholds) == {MIX, comparison.incumbent.name}
    missed = development.rows["shop"].to_numpy(dtype=float)
    expected = np.where(development.y == 1, missed, 0)
    assert (development.costs[:, 0] == expected).all()
    assert folder.read_json("work/generalisation.json")["metric"] == "cost"
