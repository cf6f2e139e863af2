"""The race block by block, on an ephemeral Prefect server."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from itertools import groupby

import numpy as np
import pytest
from prefect import flow

from realmix.flows.engines.choose import threads
from realmix.tasks.core.contracts.specs import CONTROLS
from realmix.tasks.core.plan.plan import MAX_FINALISTS, Plan
from realmix.tasks.core.report.describe_race import describe_race
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.study.development import Development
from realmix.tasks.study.out_of_fold import read_exits
from realmix.tasks.study.race import race, results
from realmix.tasks.study.split import lay_folds


@pytest.fixture(scope="module")
def events():
    """What the races said, and where they waited for everything that was still running."""
    return []


@pytest.fixture(scope="module")
def raced(finished, workspace, events):
    """Two folds in two repeats, run by one worker and by two: folder, layout and results of each."""

    def waited(futures):
        events.append("waits")
        return results(futures)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("realmix.tasks.study.race.results", waited)
        patched.setattr(
            "realmix.flows.study.log.info", lambda text, *values, **_: events.append(text % values)
        )
        return [run_race(finished[0], workspace / "runs" / f"raced-{n}", n_workers=n) for n in (1, 2)]


def test_progress_is_told_while_the_race_goes_on(raced, events):
    told = [event.partition(" ")[0] for event in events if event.startswith(("race", "waits"))]
    of_heat = ["race", "waits"]
    assert [event for event, _ in groupby(told)] == of_heat * 4 * 2  # heats, the first in two parts; races
    assert told.count("waits") == 3 * 4 * 2  # for teachers, pools and arms
    pct = [float(re.match(r"race +(\d+) %", event)[1]) for event in events if event.startswith("race")]
    for of_race in (pct[: len(pct) // 2], pct[len(pct) // 2 :]):
        assert of_race == sorted(of_race) and of_race[-1] == 100


def test_what_ends_a_race_is_named(finished, workspace):
    with pytest.raises(Exception, match=r"training\.npy|WorkerError|FileNotFoundError"):
        run_race(finished[0], workspace / "runs" / "broken", n_workers=1, without="training.npy")


def run_race(finished, target, *, n_workers, without=None):
    shutil.copytree(finished, target)
    folder = StudyFolder(target)
    plan = Plan.from_dict(json.loads((target / "plan.json").read_text()))
    plan = dataclasses.replace(plan, n_development=400, n_folds=2, n_repeats=2, n_trials=1, ratios=(0.5, 1.0))
    # As an interrupted run of another plan may leave it, beside the predictions of the copied study.
    (folder.work / "race.json").write_text('{"real-only/linear": {"after_block": 1}}')
    layout = lay_folds.fn(folder, plan)
    if without:
        (folder.scope("fold-0-0") / without).unlink()

    @flow(task_runner=threads())
    def only_the_race():
        with LocalWorkers(n_workers):
            return race(folder, layout, Development(folder.work))

    return folder, layout, only_the_race()


def test_only_finalists_real_only_and_their_controls_run_in_the_repeats(raced):
    _, layout, _ = raced[0]
    first, last = (names_run(raced[0], block.scope) for block in (layout.blocks[0], layout.blocks[-1]))
    planned = {arm.name: arm for arm in raced[0][2].oof.arms}
    assert first == set(planned)
    for learner in {arm.model for arm in planned.values() if arm.mix.role == "candidate"}:
        of_learner = [arm for arm in planned.values() if arm.model == learner]
        finalists = {arm.mix for arm in of_learner if arm.name in last and arm.mix.is_raced}
        assert len(finalists) == MAX_FINALISTS < len({arm.mix for arm in of_learner})
        rules = {mix.label_rule for mix in finalists}
        for arm in of_learner:
            if arm.mix.synthesizer in CONTROLS:
                assert (arm.name in last) is (arm.mix.label_rule in rules)
    assert {arm.name for arm in planned.values() if arm.mix.role == "real_only"} <= last


def test_a_synthesizer_without_a_finalist_is_not_fitted_again(raced):
    _, layout, found = raced[0]
    pools = found.pools
    last = layout.blocks[-1].scope
    fitted = {pool.synthesizer for pool in pools if pool.scope == last}
    made = {*CONTROLS, *layout.plan.synthesizers}
    assert fitted == made & {name.split("/")[0] for name in names_run(raced[0], last)}


def test_the_race_is_the_same_for_any_number_of_workers(raced):
    one, two = (found.oof for _, _, found in raced)
    assert read_exits(raced[0][0]) == read_exits(raced[1][0])
    assert one.arms == two.arms
    np.testing.assert_array_equal(one.predictions, two.predictions)


def test_what_the_race_saved_is_told(raced):
    folder, layout, found = raced[0]
    pools = found.pools
    told = describe_race(folder.read_json("work/race.json"), pools, len(layout.blocks))
    assert told["blocks"] == 4
    assert all(row["after_block"] == 2 and "after block 2 of 4" in row["reason"] for row in told["dropped"])
    assert 0 < told["generator_seconds"] <= told["full_grid_generator_seconds"]


def names_run(study, scope):
    """Arms that the race ran on a fold; other files there are those of the copied study."""
    folder, _, found = study
    trained = found.trained
    batches_run = [run["batch"] for run in trained if run["scope"] == scope and not run["skipped"]]
    files = [folder.scope(scope) / f"predictions-{batch}.json" for batch in batches_run]
    return {name for path in files for name in json.loads(path.read_text())}
