"""The pools of a study are attacked by its own folds, and a leak forbids what the card says it forbids."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.fits.scope import Scope
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.development import Development
from realmix.tasks.study.privacy import StudyPools, could_ship, declared, secrets_of, write_privacy
from realmix.tasks.study.race import batches
from tests.tasks.study.laid import compared, gathered, lay, predict_all

pytestmark = pytest.mark.usefixtures("own_home")
MIX = "smote/1/joint/linear"
BEST = Arm(Mix("smote", 1.0), "linear")


def write_pools(folder: StudyFolder, layout, name: str, *, copied: bool) -> None:
    """Write pools that repeat training rows, or are drawn as the shop's rows are."""
    for block in layout.blocks:
        training = Scope(folder.scope(block.scope)).training
        rng = np.random.default_rng(100 + block.fold)
        drawn = training.assign(
            age=rng.integers(18, 90, len(training)).astype(float),
            income=rng.normal(size=len(training)),
            shop=rng.integers(0, 30, len(training)).astype(float),
        )
        (training if copied else drawn).to_parquet(folder.scope(block.scope) / f"{name}.parquet")


def pools_of(place, *, copied: bool, card=None, in_time: bool = False, name: str = "smote") -> StudyPools:
    folder, _, _, layout = lay(place, card=card, in_time=in_time)
    write_pools(folder, layout, name, copied=copied)
    return StudyPools(folder, layout, Development(folder.work))


def test_copied_rows_are_found_and_named_by_their_number_in_the_table(tmp_path):
    pools = pools_of(tmp_path, copied=True, name="sequential-trees")
    (pool,) = pools.describe(["sequential-trees"])["pools"]
    measured = pool["assessment"]["measured"]
    assert not pool["may_be_shared"]
    assert pool["sharing"] == "Not to be shared: a leak was found."
    assert measured["n_pools"] == 5
    # Every development row is a member in one fold, and all are copied.
    assert measured["copied_members"] == measured["n_members"] == len(pools.development.y)
    raw = lay(tmp_path / "raw")[1].snapshot.read()
    holdout = len(raw) - measured["n_members"]
    assert 0 < holdout < 300
    rows = pools._rows
    assert (rows["income"].to_numpy() == raw["income"].iloc[rows.index].to_numpy()).all()
    assert set(measured["riskiest"]) <= set(rows.index)


def test_independent_rows_may_be_shared_but_for_a_synthesizer_that_blends_real_ones(tmp_path):
    found = pools_of(tmp_path, copied=False, name="sequential-trees").describe(["sequential-trees"])
    (pool,) = found["pools"]
    assert found["reason"] is None
    assert pool["may_be_shared"]
    assert not pool["assessment"]["is_leaking"]
    blended = pools_of(tmp_path / "smote", copied=False).describe(["smote"])["pools"][0]
    assert not blended["may_be_shared"]
    assert blended["sharing"].startswith("Never to be shared")


def test_a_leak_vetoes_the_mix_only_where_the_card_limits_it(tmp_path):
    assert pools_of(tmp_path / "free", copied=True).vetoes(BEST) == []
    limited = pools_of(tmp_path / "limited", copied=True, card={"privacy": {"max_tpr": 0.05}})
    (veto,) = limited.vetoes(BEST)
    assert veto.startswith("The rows of 'smote' let an attack recognize ")
    assert limited.vetoes(None) == limited.vetoes(Arm(Mix(), "linear")) == []
    honest = pools_of(tmp_path / "honest", copied=False, card={"privacy": {"max_tpr": 0.0}})
    assert honest.vetoes(BEST) == []


def test_folds_by_time_cannot_tell_a_leak_and_a_limit_then_forbids_the_mix(tmp_path):
    pools = pools_of(tmp_path, copied=False, in_time=True, card={"privacy": {"max_tpr": 0.05}})
    found = pools.describe(["smote"])
    assert found["pools"] == []
    assert found["reason"].startswith("the folds are cut by time")
    assert pools.vetoes(BEST)[0].endswith(found["reason"])


def test_without_a_pool_the_reason_is_given_and_a_limit_forbids_the_mix(tmp_path):
    folder, _, _, layout = lay(tmp_path, card={"privacy": {"max_tpr": 0.05}})
    pools = StudyPools(folder, layout, Development(folder.work))
    assert pools.describe([]) == {"pools": [], "reason": "no mix could ship."}
    assert "0 rows of the kind synthetic" in pools.describe(["smote"])["reason"]
    assert "cannot be measured" in pools.vetoes(BEST)[0]


@pytest.mark.parametrize(("copied", "ships"), [(True, False), (False, True)])
def test_a_vetoed_mix_does_not_ship_and_the_verdict_says_why(tmp_path, copied, ships):
    folder, _, _, layout = lay(tmp_path, card={"privacy": {"max_tpr": 0.05}})
    write_pools(folder, layout, "smote", copied=copied)
    trained = predict_all(folder, layout, batches(layout.plan), {MIX: 2.0, "real-only/class-prior": 0.0})
    comparison, verdict = compared(folder, layout, *gathered(folder, layout, [], trained))
    assert could_ship(comparison) == ["smote"]
    assert verdict.is_mix_shipped is ships
    assert ("the card allows 5 %" in verdict.reason) is copied
    (learner,) = folder.read_json("work/learners.json")
    assert (learner["word"] == "keep real only") is not ships
    pools = StudyPools(folder, layout, Development(folder.work))
    write_privacy.fn(folder, ThreadPoolExecutor(1).submit(pools.describe, could_ship(comparison)))
    assert [pool["synthesizer"] for pool in folder.read_json("work/privacy.json")["pools"]] == ["smote"]


def test_the_same_pools_are_assessed_alike_each_time(tmp_path):
    pools = pools_of(tmp_path, copied=False)
    again = StudyPools(pools.folder, pools.layout, Development(pools.folder.work))
    assert pools.describe(["smote"]) == again.describe(["smote"])


def test_smote_leaks_on_a_real_table(raced):
    folder, layout, development, _, _ = raced
    pool = StudyPools(folder, layout, development).assess("smote")
    assert pool.assessment.is_leaking
    assert pool.veto is None


def test_the_card_declares_the_prior_the_harm_and_what_is_secret():
    card = DataCard(target="y", privacy={"prior": 0.3, "harm": 5}, currency="CHF", sensitive=("age", "name"))
    found = declared(card)
    assert (found.prior, found.harm, found.currency) == (0.3, 5, "CHF")
    assert declared(DataCard(target="y")) is None
    rows = pd.DataFrame({"age": [1.5, 2.5], "y": ["a", "b"]})
    from realmix.tasks.core.table.infer_schema import infer_schema

    schema = infer_schema(rows, "y")
    assert secrets_of(card, schema) == ("age",)
    assert secrets_of(DataCard(target="y"), schema) == ("y",)
