from __future__ import annotations

import hashlib

import pandas as pd
import pytest

from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.core.plan.plan import Split
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.report import (
    describe_table,
    digests,
    manifest,
    missing,
    readable_files,
    summarise_pools,
)
from tests.tasks.shop_table import rows, table_of


def pool(synthesizer, **more):
    counts = {"asked": 100, "made": 120, "kept": 100, "copies_of_real": 3}
    found = {"synthesizer": synthesizer, "scope": "fold-0-1", "failure": None, **counts, **more}
    return PoolResult.build(found)


def test_pools_are_summed_over_the_folds_by_synthesizer():
    pools = [pool("smote"), pool("ctgan"), pool("smote", kept=90, copies_of_real=0)]
    ctgan, smote = summarise_pools(pools)
    assert ctgan == {"name": "ctgan", "fits": 1, "failed": 0} | {
        key: getattr(pools[1], key)
        for key in ("asked", "made", "kept", "copies_of_real", "repaired", "dropped")
    }
    assert (smote["fits"], smote["asked"], smote["kept"], smote["copies_of_real"]) == (2, 200, 190, 3)


def test_a_pool_that_failed_counts_as_a_fit_without_rows():
    lost = PoolResult(synthesizer="ctgan", scope="fold-0-2", failure="too slow", timed_out=True)
    (summary,) = summarise_pools([pool("ctgan"), lost])
    assert (summary["fits"], summary["failed"], summary["asked"]) == (2, 1, 100)
    (named,) = missing([pool("ctgan"), lost, pool("smote", failure="no rows", timed_out=False)])
    assert "ctgan" in named and "fold-0-2" in named and "too slow" in named


def test_the_manifest_lists_what_is_promised_and_not_itself_nor_intermediate_files(tmp_path):
    for name in ("verdict.json", "manifest.json", "model/spec.json", "work/fold-0-0/pool.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    assert manifest(tmp_path).to_dict() == {
        "sha256": {
            name: hashlib.sha256(name.encode()).hexdigest() for name in ("model/spec.json", "verdict.json")
        }
    }


@pytest.fixture
def table(tmp_path):
    raw = rows(100).assign(customer_id=range(100), note="the same")
    return table_of(raw, tmp_path, key="customer_id", ignore=("income",))


def test_a_table_is_described_by_counts_and_names(table):
    described = describe_table(table, Split(100, 80, 20, None))
    assert (described["n_rows"], described["n_development"], described["n_holdout"]) == (100, 80, 20)
    assert (described["target"], described["task"], described["classes"]) == ("y", "binary", ["no", "yes"])
    assert described["n_features"] == 2
    assert list(described["columns_set_apart"]) == ["income", "customer_id", "note"]
    assert all(described["columns_set_apart"].values()) and described["hints"] == []


def test_digests_are_those_of_what_went_in_and_of_the_training_table(tmp_path, table):
    folder = StudyFolder(tmp_path)
    folder.write_json("plan.json", {"seed": 0})
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "training.parquet")
    found = digests(folder, table)
    assert found["snapshot"] == table.snapshot.digest
    assert found["training"] == hashlib.sha256((tmp_path / "training.parquet").read_bytes()).hexdigest()
    folder.write_json("plan.json", {"seed": 1})
    changed = digests(folder, table)
    assert changed["plan"] != found["plan"] and changed["card"] == found["card"]


def test_rules_that_quote_a_sensitive_column_stay_with_the_model(tmp_path):
    folder = StudyFolder(tmp_path)
    place = folder.scope("shipped") / "model"
    (place / "readable").mkdir(parents=True)
    (place / "readable" / "rules.txt").write_text("if sex is male:")
    (place / "spec.json").write_text('{"model": {"features": [{"name": "sex"}]}}')
    assert readable_files(folder, ["age"]) == {"rules.txt": "if sex is male:"}
    assert readable_files(folder, ["sex"]) == {}
