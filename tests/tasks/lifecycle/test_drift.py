"""What happened since the last study, from the record and two snapshots."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest

from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.lifecycle.retraining_entry import RETRAINING, last_study
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.lifecycle.drift import changed_rows, changes_since_study
from realmix.tasks.runtime.database import decisions, record_decision, register_table, registered_table
from realmix.tasks.runtime.snapshots import take_snapshot
from realmix.tasks.runtime.study_folder import StudyFolder, home
from realmix.tasks.sources import open_source

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def bank() -> pd.DataFrame:
    return open_source("bundled:bank_marketing?rows=1500").load()


def card(**operation) -> DataCard:
    key = "id" if operation.get("arrival") == "upsert" else None
    return DataCard(source="table:bank", target="y", positive="yes", key=key, operation=operation)


def kept(rows: pd.DataFrame) -> str:
    return take_snapshot(rows, home() / "snapshots", source={}).digest


@pytest.mark.parametrize(
    ("arrival", "expected"), [("append", [3]), ("upsert", [1, 3]), ("replace", [1, 2, 3])]
)
def test_the_kind_of_arrival_says_which_rows_are_new(arrival, expected):
    former = pd.DataFrame({"id": [1, 2], "x": [0.0, None], "y": [0, 1]})
    today = pd.DataFrame({"id": [1, 2, 3], "x": [9.0, None, 1.0], "y": [0, 1, 1]})
    assert changed_rows(former, today, card(arrival=arrival))["id"].tolist() == expected


def test_a_table_without_a_study_has_no_since(bank, tmp_path):
    register_table("bank", card(), kept(bank))
    assert changes_since_study(registered_table("bank"), now=NOW, folder=StudyFolder(tmp_path), seed=0) == (
        None,
        None,
    )


def test_refits_do_not_make_a_study_young(bank, tmp_path):
    first, second = kept(bank[:800]), kept(bank[:900])
    register_table("bank", card(), first)
    study = record_decision("bank", RETRAINING, {"level": "study", "snapshot": first}, decided=first)
    record_decision("bank", RETRAINING, {"level": "refit", "snapshot": second}, decided=second)
    assert last_study(decisions("bank")) == study
    undecided = {"level": "study", "snapshot": second, "verdict": NOT_DECIDED}
    record_decision("bank", RETRAINING, undecided, decided=second)
    assert last_study(decisions("bank")) == study, "a study that decided nothing has no winner to refit"
    register_table("other", card(), second)
    made = datetime.datetime.fromisoformat(study.made_at)
    table = registered_table("bank")
    since, drift = changes_since_study(
        table, now=made + datetime.timedelta(days=3), folder=StudyFolder(tmp_path), seed=0
    )
    assert since is not None
    assert (since.n_studied, since.n_changed, since.age_days, drift) == (800, 0, 3.0, None)
    early, _ = changes_since_study(
        table, now=made - datetime.timedelta(days=3), folder=StudyFolder(tmp_path), seed=0
    )
    assert early is not None
    assert early.age_days == 0


def test_new_rows_are_held_against_the_synthetic_ones_that_shipped(bank, tmp_path):
    first = kept(bank[:800])
    register_table("bank", card(), kept(bank[:1000]))
    record_decision(
        "bank", RETRAINING, {"level": "study", "snapshot": first, "study": "bank-0001"}, decided=first
    )
    folder = home() / "studies" / "bank-0001"
    folder.mkdir(parents=True)
    shuffled = bank[:800].apply(lambda column: column.sample(frac=1, random_state=0).to_numpy())
    both = pd.concat([bank[:800].assign(_realmix_origin="real"), shuffled.assign(_realmix_origin="smote")])
    both.to_parquet(folder / "training.parquet")
    _, drift = changes_since_study(registered_table("bank"), now=NOW, folder=StudyFolder(tmp_path), seed=0)
    assert drift is not None
    assert drift.synthetic is not None
    assert 0.5 < drift.synthetic.auc <= 1


def test_a_jump_of_the_target_is_drift_and_is_kept_with_the_study(bank, tmp_path):
    first = kept(bank[:1000])
    more = bank[1000:].assign(y="yes")
    register_table("bank", card(), kept(pd.concat([bank[:1000], more], ignore_index=True)))
    record_decision("bank", RETRAINING, {"level": "study", "snapshot": first}, decided=first)
    since, drift = changes_since_study(
        registered_table("bank"), now=NOW, folder=StudyFolder(tmp_path), seed=0
    )
    assert since is not None
    assert drift is not None
    assert since.n_changed == 500
    assert since.drift == drift.level == "critical"
    assert list((tmp_path / "validation").rglob("*"))
