"""Unlike models as one: the weighted mean of their predictions, served without this package."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import numpy as np
import pytest

from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.models import MODELS
from realmix.tasks.models._shipping import served_code
from realmix.tasks.models.ensemble import half_and_half

MEMBERS = [("xgboost", 1, 0.7), ("linear", 0, 0.2), ("random-forest", 2, 0.1)]


def fitted(rows, **params):
    model = MODELS["ensemble"].build(rows.schema, {"members": MEMBERS} | params, 5, 1)
    return model.fit(rows.X, rows.y_proba, np.ones(len(rows.raw)))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_it_predicts_the_weighted_mean_of_its_members(rows_of, task):
    rows = rows_of(task)
    expected = np.zeros_like(fitted(rows).predict(rows.X_new))
    for name, trial, weight in MEMBERS:
        spec = MODELS[name]
        seed = derive_seed(5, name, trial)
        member = spec.build(rows.schema, spec.search_space(trial, rows.schema), seed, 1)
        member.fit(rows.X, rows.y_proba, np.ones(len(rows.raw)))
        expected += weight * member.predict(rows.X_new)
    assert np.allclose(fitted(rows).predict(rows.X_new), expected, rtol=1e-12)


def test_members_that_can_be_are_the_mean_of_several_seeds(rows_of):
    rows = rows_of("binary")
    one, three = fitted(rows), fitted(rows, n_seeds=3)
    assert [member.predict(rows.X_new).shape for member in three.members_] == [(100, 2)] * 3
    rounds = [each.members_[0].state_["booster"].num_boosted_rounds() for each in (one, three)]
    assert rounds[1] == 3 * rounds[0]
    assert np.array_equal(one.members_[1].predict(rows.X_new), three.members_[1].predict(rows.X_new))


def test_the_code_it_is_shipped_in_serves_every_kind_of_member_from_data_files(
    rows_of, tmp_path, monkeypatch
):
    rows = rows_of("binary")
    model = fitted(rows)
    spec = json.loads(json.dumps(model.export(tmp_path)))
    kinds = [MODELS[member["spec"]["kind"]] for member in spec["members"]]
    code = served_code(MODELS["ensemble"], kinds)
    assert "realmix" not in code
    alone = ModuleType("served_model")
    monkeypatch.setitem(sys.modules, alone.__name__, alone)
    exec(compile(code.split("import mlflow")[0], "served_model.py", "exec"), vars(alone))
    served = alone.serve(rows.X_new, spec, alone.load_members(tmp_path, spec))
    assert np.allclose(served, model.predict(rows.X_new), rtol=1e-9)
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes == {".json"}


@pytest.mark.parametrize("name", list(MODELS))
def test_any_model_can_be_a_member_of_what_ships(name):
    code = served_code(MODELS["ensemble"], [MODELS[name]])
    assert f'"{name}": (' in code
    compile(code, "served_model.py", "exec")


def test_a_teacher_without_the_strong_model_stays_as_it_is():
    assert half_and_half({("linear", 2): 1.0}, "xgboost") == [("linear", 2, 1.0)]


def test_weights_sum_to_one():
    mixed = half_and_half({("xgboost", 1): 0.2, ("linear", 0): 0.5, ("random-forest", 0): 0.3}, "xgboost")
    assert sum(weight for *_, weight in mixed) == pytest.approx(1)
    assert mixed[0] == ("xgboost", 1, pytest.approx(0.6))
