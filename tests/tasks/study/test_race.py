from __future__ import annotations

import pytest

from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.study.development import Development
from realmix.tasks.study.out_of_fold import read_exits
from realmix.tasks.study.race import (
    WITHOUT_POOL,
    Raced,
    batches,
    judge_race,
    rank_trials,
    real_only,
    worker_seconds,
)
from tests.tasks.study.laid import lay, predict

pytestmark = pytest.mark.usefixtures("own_home")


def test_arms_are_batched_by_the_pool_they_draw_on_and_those_of_a_mix_stand_side_by_side(tmp_path):
    *_, layout = lay(tmp_path, models=("linear", "xgboost", "class-prior"), ratios=(1.0, 2.0), n_trials=2)
    grouped = batches(layout.plan)
    assert list(grouped) == ["real-only", "class-weights", "duplicates", "shuffled-marginals", "smote"]
    assert {arm.mix.name for arm in grouped["real-only"]} == {"real-only", "distillation"}
    assert {arm.mix.name for arm in grouped["class-weights"]} == {"class-weights"}
    of_pools = {name: arms for name, arms in grouped.items() if name not in WITHOUT_POOL}
    assert all(arm.mix.synthesizer == name for name, arms in of_pools.items() for arm in arms)
    assert len(grouped["smote"]) == 2 * 2 * 2
    for arms in grouped.values():
        mixes = [arm.mix for arm in arms]
        assert mixes == sorted(mixes, key=mixes.index), "no mix comes back after another"
    nulls = [arm for arms in grouped.values() for arm in arms if arm.model == "class-prior"]
    assert [arm.mix for arm in nulls] == [Mix()]


def test_mixes_run_the_trials_that_were_best_on_real_rows_in_the_first_folds(tmp_path):
    folder, _, _, layout = lay(tmp_path, n_real_trials=4)
    known = {"real-only/linear/trial-2": 2.0, "distillation/linear/trial-3": 2.0}
    trained = [
        predict(folder, block.scope, batch, arms, known)
        for block in layout.blocks[:3]
        for batch, arms in real_only(layout.plan).items()
    ]
    best = rank_trials.fn(folder, layout, Development(folder.work), trained)
    assert best == {("linear", "joint"): [2], ("linear", "teacher"): [3], ("class-prior", "joint"): [0]}
    planned = batches(layout.plan, best)
    assert {name: arms for name, arms in planned.items() if name == "real-only"} == real_only(layout.plan)
    assert [arm.name for arm in planned["smote"]] == ["smote/1/joint/linear/trial-2"]
    assert [arm.name for arm in planned["class-weights"]] == ["class-weights/linear/trial-2"]


def judged(tmp_path, n_blocks, sharpness, pools=(), **plan):
    """Run the first folds by hand and let the race judge them."""
    folder, _, _, layout = lay(tmp_path, **plan)
    live = batches(layout.plan)
    trained = [
        predict(folder, block.scope, batch, arms, sharpness)
        for block in layout.blocks[:n_blocks]
        for batch, arms in live.items()
    ]
    return folder, live, judge_race.fn(folder, layout, Development(folder.work), live, list(pools), trained)


def test_a_mix_that_is_clearly_worse_leaves_and_the_best_one_and_all_else_stay(tmp_path):
    folder, live, left = judged(tmp_path, 3, {"smote/2/joint/linear": -2.0}, ratios=(1.0, 2.0))
    assert [arm.name for arm in left["smote"]] == ["smote/1/joint/linear"]
    assert {name: arms for name, arms in left.items() if name != "smote"} == {
        name: arms for name, arms in live.items() if name != "smote"
    }
    (name, exit_), *others = read_exits(folder).items()
    assert name == "smote/2/joint/linear" and not others
    assert exit_.is_beaten and exit_.after_block == 3 and exit_.reason


def test_a_mix_as_good_as_the_others_stays(tmp_path):
    folder, live, left = judged(tmp_path, 3, {"smote/1/joint/linear": 1.05})
    assert left == live and read_exits(folder) == {}


def test_a_mix_whose_pool_failed_runs_no_further_and_is_not_said_to_be_beaten(tmp_path):
    failed = [PoolResult(synthesizer="smote", scope="fold-0-1", failure="it gave no rows")]
    folder, _, left = judged(tmp_path, 3, {}, failed)
    assert "smote" not in left and read_exits(folder) == {}


def test_seconds_of_workers_are_summed_by_the_kind_of_work():
    teachers, trained = [{"seconds": 1.0}, {"seconds": 2.0}], [{"seconds": 0.5}]
    pools = [
        PoolResult(scope="a", synthesizer="smote", seconds_fit=0.25, seconds_sample=0.5, failure=None),
        PoolResult(scope="b", synthesizer="smote", seconds_fit=0.25, failure=None),
        PoolResult(scope="a", synthesizer="ctgan", failure="it failed before it was timed"),
    ]
    assert worker_seconds(Raced(teachers, pools, trained, None)) == {
        "workers: teacher": 3.0,
        "workers: train": 0.5,
        "workers: smote": 1.0,
        "workers: ctgan": 0.0,
    }
