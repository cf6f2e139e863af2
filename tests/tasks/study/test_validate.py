from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import ValidationFailed
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.validate import gate_raw, gate_training
from tests.tasks.shop_table import rows, table_of

pytestmark = pytest.mark.usefixtures("own_home")
ADULTS = ({"kind": "range", "column": "age", "minimum": 18},)


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "study")


def test_a_table_in_order_goes_on_as_it_is_and_its_results_are_written(tmp_path, folder):
    table = table_of(rows(200), tmp_path, rules=ADULTS)
    assert gate_raw.fn(table, folder) is table
    assert list((folder.path / "validation").glob("*.json"))
    assert not (folder.path / "validation" / "quarantine.parquet").exists()


def test_a_few_bad_rows_are_set_aside_and_the_study_sees_the_others(tmp_path, folder):
    raw = rows(200)
    raw.loc[[3, 7], "age"] = 5
    passed = gate_raw.fn(table_of(raw, tmp_path, rules=ADULTS), folder)
    assert passed.snapshot.n_rows == 198 and passed.snapshot.read()["age"].min() >= 18
    assert len(pd.read_parquet(folder.path / "validation" / "quarantine.parquet")) == 2
    assert passed.schema["age"].minimum == 18


def test_many_bad_rows_stop_the_study_before_anything_is_trained(tmp_path, folder):
    raw = rows(200)
    raw.loc[:50, "age"] = 5
    with pytest.raises(ValidationFailed, match="age"):
        gate_raw.fn(table_of(raw, tmp_path, rules=ADULTS), folder)


def training(raw: pd.DataFrame, **changes) -> pd.DataFrame:
    plain = {"_realmix_weight": 1.0, "_realmix_seed": 0, "_realmix_snapshot": "abc"}
    origin = np.where(np.arange(len(raw)) < 150, "real", "smote")
    return raw.assign(_realmix_origin=origin, **plain).assign(**changes)


@pytest.mark.parametrize(
    ("changes", "passes"), [({}, True), ({"_realmix_weight": -1.0}, False), ({"y": None}, False)]
)
def test_a_model_ships_only_with_a_training_table_in_order(tmp_path, folder, changes, passes):
    table = table_of(rows(200), tmp_path)
    folder.path.mkdir()
    training(rows(200), **changes).to_parquet(folder.path / "training.parquet")
    if passes:
        gate_training.fn(table, folder)
    else:
        with pytest.raises(ValidationFailed, match="training"):
            gate_training.fn(table, folder)
