from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import f1_score

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.fits.final import fit_final
from realmix.tasks.fits.scope import Scope, stored_rows
from realmix.tasks.study import holdout as module
from realmix.tasks.study.holdout import read_holdout
from tests.tasks.study.laid import lay

AT_A_HALF = {"model": None, "real_only": None}
pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def fitted(tmp_path):
    """A study whose evaluated fits are there: a linear model, and the class prior as real only."""
    folder, table, split, layout = lay(tmp_path)
    evaluated = folder.scope("evaluated")
    for role, model in (("model", "linear"), ("real_only", "class-prior")):
        fit_final(str(evaluated), Arm(Mix(), model).to_dict(), str(evaluated / role), None, None, 1)
    return folder, table, split, layout.plan


def test_both_evaluated_fits_are_scored_on_the_same_rows_of_the_holdout(fitted):
    folder, table, split, plan = fitted
    scored = read_holdout.fn(folder, table, plan, AT_A_HALF)
    schema = table.schema
    held = stored_rows(folder.work / "holdout.parquet").rows
    y = schema.encode_target(held)
    assert scored["n_rows"] == split.n_holdout == len(y)
    share = (Scope(folder.scope("evaluated")).training["y"] == "yes").mean()
    by_hand = -np.log(np.where(y == 1, share, 1 - share)).mean()
    assert scored["real_only"]["score"] == pytest.approx(by_hand)
    assert scored["mix"]["score"] != scored["real_only"]["score"]
    assert scored["constant"] == pytest.approx(by_hand)
    assert scored["loses_to_constant"] == (scored["mix"]["score"] > by_hand)
    predicted = Scope(folder.scope("evaluated")).read_array("model-holdout.npy")
    assert scored["mix"]["score"] == pytest.approx(-np.log(predicted[np.arange(len(y)), y]).mean())


def test_rows_are_counted_as_read_once_by_one_study_and_once_more_by_another(fitted):
    folder, table, _, plan = fitted
    assert read_holdout.fn(folder, table, plan, AT_A_HALF)["decisions_served"] == [1, 1]
    assert read_holdout.fn(folder, table, plan, AT_A_HALF)["decisions_served"] == [1, 1]
    other = dataclasses.replace(plan, n_bootstrap=60)
    assert read_holdout.fn(folder, table, other, AT_A_HALF)["decisions_served"] == [2, 2]


def test_without_a_holdout_there_is_nothing_to_read(tmp_path):
    folder, table, split, layout = lay(tmp_path, n_rows=200)
    assert split.n_holdout == 0 and split.no_holdout
    assert read_holdout.fn(folder, table, layout.plan, AT_A_HALF) is None


def test_a_constant_does_not_lose_to_itself(tmp_path):
    folder, table, _, layout = lay(tmp_path)
    evaluated = folder.scope("evaluated")
    for role in ("model", "real_only"):
        prior = Arm(Mix(), "class-prior").to_dict()
        fit_final(str(evaluated), prior, str(evaluated / role), None, None, 1)
    assert read_holdout.fn(folder, table, layout.plan, AT_A_HALF)["loses_to_constant"] is False


def test_a_holdout_in_time_is_drawn_in_stretches(tmp_path, monkeypatch):
    folder, table, _, layout = lay(tmp_path, in_time=True)
    evaluated, drawn = folder.scope("evaluated"), []
    for role in ("model", "real_only"):
        prior = Arm(Mix(), "class-prior").to_dict()
        fit_final(str(evaluated), prior, str(evaluated / role), None, None, 1)
    score = module.score_holdout
    monkeypatch.setattr(module, "score_holdout", lambda *a, **k: drawn.append(k["groups"]) or score(*a, **k))
    read_holdout.fn(folder, table, layout.plan, AT_A_HALF)
    days = stored_rows(folder.work / "holdout.parquet").rows["day"].nunique()
    assert len(np.unique(drawn[0])) == -(-days // int(np.cbrt(days)))


COSTS = {"yes": {"no": "shop"}, "no": {"yes": 3}}


@pytest.mark.parametrize("metric", ["f1", "cost"])
def test_the_holdout_is_labelled_at_the_thresholds_that_are_served(tmp_path, metric):
    folder, table, _, layout = lay(tmp_path, card={"costs": COSTS}, metric=metric)
    evaluated = folder.scope("evaluated")
    for role, model in (("model", "linear"), ("real_only", "class-prior")):
        fit_final(str(evaluated), Arm(Mix(), model).to_dict(), str(evaluated / role), None, None, 1)
    thresholds = {"model": 0.52, "real_only": 0.1}
    scored = read_holdout.fn(folder, table, layout.plan, thresholds)
    held = stored_rows(folder.work / "holdout.parquet").rows
    y, scope = table.schema.encode_target(held), Scope(evaluated)
    called = scope.read_array("model-holdout.npy")[:, 1] >= 0.52
    if metric == "f1":
        assert scored["mix"]["score"] == pytest.approx(f1_score(y, called))
        assert scored["real_only"]["score"] == pytest.approx(f1_score(y, np.ones(len(y))))
    else:
        by_hand = np.where(y == 1, np.where(called, 0, held["shop"]), np.where(called, 3, 0)).mean()
        assert scored["mix"]["score"] == pytest.approx(by_hand)
        assert scored["real_only"]["score"] == pytest.approx(3 * (y == 0).mean())
    assert 0 < called.mean() < 1
    # Labels of all rows are the better constant by either metric.
    assert scored["constant"] == pytest.approx(scored["real_only"]["score"])
