from __future__ import annotations

import json

import numpy as np
import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.study.development import Development
from realmix.tasks.study.out_of_fold import failed_arms, failed_mixes, null_models, out_of_fold, read_exits
from tests.tasks.study.laid import lay, predict, predict_all

pytestmark = pytest.mark.usefixtures("own_home")
REAL, MIX = Arm(Mix(), "linear"), Arm(Mix("smote", 1.0), "linear")
COMPETING = {"real-only": [REAL], "smote": [MIX]}


def test_each_prediction_stands_at_the_row_it_was_made_for(tmp_path):
    folder, _, split, layout = lay(tmp_path)
    trained = predict_all(folder, layout, COMPETING, {MIX.name: 50.0})
    oof = out_of_fold(folder, layout, Development(folder.work), COMPETING, {}, trained)
    assert oof.arms == (REAL, MIX) and oof.folds.shape == (2, split.n_development)
    assert (oof.predictions[1].argmax(axis=-1) == oof.y).all(), "50 units know every class"
    assert not (oof.predictions[0].argmax(axis=-1) == oof.y).all()
    assert oof.n_train == pytest.approx(0.8 * split.n_development)
    assert oof.sample_weight is None and oof.groups is None


def test_folds_that_were_not_run_are_not_validated_also_where_an_earlier_run_left_files(tmp_path):
    folder, _, _, layout = lay(tmp_path)
    trained = predict_all(folder, layout, COMPETING, {})
    oof = out_of_fold(folder, layout, Development(folder.work), COMPETING, {}, trained[:4])
    assert [repeat for repeat, _ in oof.fold_rows] == [0, 0]
    assert np.isfinite(oof.predictions).any(axis=-1).sum() == 2 * oof.is_validated.sum()


def test_what_failed_anywhere_is_left_out_with_its_reason(tmp_path):
    folder, _, _, layout = lay(tmp_path)
    trained = predict_all(folder, layout, {"real-only": [REAL]}, {})
    trained.append(predict(folder, layout.blocks[0].scope, "smote", [MIX], {}))
    # Of a batch that was not run there is no file to read.
    trained.append({"scope": layout.blocks[1].scope, "batch": "smote", "skipped": True, "failures": {}})
    reasons = {MIX.mix.name: "it gave no rows (in fold-0-1)"}
    oof = out_of_fold(folder, layout, Development(folder.work), COMPETING, reasons, trained)
    assert oof.arms == (REAL,) and oof.disqualified == reasons


def test_a_pool_lost_in_one_fold_costs_all_mixes_of_its_synthesizer_and_no_others(tmp_path):
    *_, layout = lay(tmp_path, synthesizers={"smote": None, "ctgan": None}, ratios=(1.0, 2.0))
    pools = [
        PoolResult(synthesizer="ctgan", scope="fold-0-0", failure=None),
        PoolResult(synthesizer="ctgan", scope="fold-0-1", failure="it gave no rows"),
        PoolResult(synthesizer="smote", scope="fold-0-1", failure=None),
    ]
    failed = failed_mixes(layout.plan, pools)
    assert list(failed) == ["ctgan/1/joint", "ctgan/2/joint"]
    assert all("it gave no rows" in reason and "fold-0-1" in reason for reason in failed.values())


def test_reasons_of_learners_are_gathered_over_all_batches():
    batches = [{"failures": {"a": "raised X"}}, {"failures": {}}, {"failures": {"b": "raised Y"}}]
    assert failed_arms(batches) == {"a": "raised X", "b": "raised Y"}


def test_nobody_left_where_no_race_was_run(tmp_path):
    folder, *_ = lay(tmp_path)
    assert read_exits(folder) == {}
    folder.write_json(
        "work/race.json", json.loads('{"a": {"after_block": 3, "reason": "r", "is_beaten": true}}')
    )
    assert read_exits(folder)["a"].after_block == 3


def test_the_class_prior_is_the_learner_that_knows_no_feature():
    assert null_models() == {"class-prior"}
