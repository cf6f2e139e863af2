from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.fits.scope import Scope
from realmix.tasks.runtime.holdout_rules import registered_rule, registration_path, start_epoch
from realmix.tasks.runtime.snapshots import take_snapshot
from realmix.tasks.runtime.study_folder import StudyFolder, Table
from realmix.tasks.study.split import fold_blocks, lay_folds, split_holdout


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))


def rows(n_rows: int = 800) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n_rows),
            "income": rng.normal(size=n_rows),
            "shop": rng.integers(0, 30, n_rows),
            "y": rng.choice(["no", "yes"], n_rows),
        }
    )


def table_of(raw: pd.DataFrame, folder: Path, **declared: str) -> Table:
    card = DataCard(target="y", **{"source": "train.csv", **declared})  # type: ignore[arg-type]
    snapshot = take_snapshot(raw, folder / "snapshots", source={})
    schema = infer_schema(raw, "y", kinds=card.columns, roles=card.roles)
    return Table("train", snapshot, {}, card, schema)


def test_the_first_rule_stays_when_a_column_is_no_longer_a_feature(tmp_path: Path) -> None:
    table = table_of(rows(), tmp_path)
    rule = registered_rule(table, rows())
    roles = {"age": "ignored"}
    other = dataclasses.replace(table, schema=infer_schema(rows(), "y", roles=roles))  # type: ignore[arg-type]
    assert registered_rule(other, rows()) == rule


def test_a_lost_column_is_named_with_the_file_to_remove(tmp_path: Path) -> None:
    registered_rule(table_of(rows(), tmp_path), rows())
    raw = rows().drop(columns="age")
    with pytest.raises(BadInput, match=r"column 'age'.*remove .*train\.y\.hash\.[0-9a-f]{8}\.json"):
        registered_rule(table_of(raw, tmp_path), raw)


def test_columns_do_not_matter_where_a_key_decides(tmp_path: Path) -> None:
    rule = registered_rule(table_of(rows(), tmp_path, key="shop"), rows())
    raw = rows().drop(columns="age")
    assert registered_rule(table_of(raw, tmp_path, key="shop"), raw) == rule


def test_tables_of_one_name_and_both_ways_to_split_have_rules_of_their_own(tmp_path: Path) -> None:
    tables = [
        table_of(rows(), tmp_path),
        table_of(rows(), tmp_path, source="elsewhere/train.csv"),
        table_of(rows(), tmp_path, time="income"),
        table_of(rows(), tmp_path, time="age"),
    ]
    rules = [registered_rule(table, rows()) for table in tables]
    assert len({registration_path(t.name, t.card, t.schema) for t in tables}) == 4
    assert [rule.cutoff is not None for rule in rules] == [False, False, True, True]
    path = registration_path(tables[2].name, tables[2].card, tables[2].schema)
    assert json.loads(path.read_text())["cutoff"] == rules[2].cutoff


def test_a_new_epoch_moves_the_cut_off_forward_and_nothing_else_does(tmp_path: Path) -> None:
    raw = rows().assign(day=np.arange(800))
    table = table_of(raw, tmp_path, time="day")
    first = registered_rule(table, raw)
    assert start_epoch(table, raw) is None
    grown = pd.concat([raw, raw.assign(day=raw["day"] + 800)], ignore_index=True)
    assert registered_rule(table, grown) == first
    later = table_of(grown, tmp_path, time="day")
    assert start_epoch(later, grown) == (first.cutoff, registered_rule(later, grown).cutoff)
    held = grown["day"] > registered_rule(later, grown).cutoff
    assert held.mean() == pytest.approx(0.2, abs=0.01)
    assert (raw["day"] > first.cutoff).any()
    assert not held[:800].any()


def test_tables_without_time_have_no_epochs(tmp_path: Path) -> None:
    registered_rule(table_of(rows(), tmp_path), rows())
    assert start_epoch(table_of(rows(1600), tmp_path), rows(1600)) is None


def test_both_sides_know_their_groups(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "study")
    split, _ = split_holdout.fn(table_of(rows(), tmp_path, group="shop"), folder, rule=None, seed=0)
    held = np.load(folder.work / "holdout-groups.npy")
    left = Scope(folder.scope("evaluated")).groups
    assert (len(held), len(left)) == (split.n_holdout, split.n_development) and split.n_holdout > 0
    assert not set(held) & set(left)
    assert len(Scope(folder.scope("shipped")).groups) == 800


def test_no_holdout_takes_the_last_groups(tmp_path: Path) -> None:
    raw = rows().assign(shop=np.arange(800) % 3)
    split, _ = split_holdout.fn(
        table_of(raw, tmp_path, group="shop"), StudyFolder(tmp_path / "s"), rule=None, seed=0
    )
    assert split.n_holdout == 0 and "groups, fewer than 3" in (split.no_holdout or "")


def test_only_folds_with_rows_are_laid() -> None:
    blocks = fold_blocks(np.array([[-1, 0, 1, 1], [0, 1, 2, -1]]))
    assert [(block.repeat, block.fold) for block in blocks] == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    with pytest.raises(BadInput, match="fewer than two folds"):
        fold_blocks(np.array([[-1, 0, 0]]))


@pytest.mark.parametrize(
    ("declared", "n_folds"), [({"time": "year"}, 4), ({"group": "year"}, 5), ({"group": "region"}, 3)]
)
def test_the_layout_has_the_folds_the_rows_allow(
    tmp_path: Path, declared: dict[str, str], n_folds: int
) -> None:
    place = np.arange(90) % 5
    raw = rows(90).assign(year=2020 + place, region=np.where(place < 2, "a", np.where(place < 4, "b", "c")))
    table = table_of(raw, tmp_path, **declared)
    folder = StudyFolder(tmp_path / "study")
    _, rule = split_holdout.fn(table, folder, rule=None, seed=0)
    asked = plan_of(rule, forward="time" in declared)
    layout = lay_folds.fn(folder, asked)
    assert 2 <= layout.plan.n_folds <= n_folds
    for block in layout.blocks:
        scope = Scope(folder.scope(block.scope))
        assert len(scope.training) == len(scope.groups) > 0 and len(scope.validation) > 0


def plan_of(rule: HoldoutRule, *, forward: bool) -> Plan:
    return Plan(
        seed=0,
        task="binary",
        metric="log_loss",
        holdout=rule,
        n_development=90,
        n_folds=5,
        n_repeats=1,
        forward=forward,
        models=("linear",),
        n_trials=1,
        synthesizers={},
        ratios=(1.0,),
        weights=(1.0,),
        label_rules=("joint",),
        balances=("prior",),
        teacher=(("linear", 0),),
        n_workers=1,
        threads_per_fit=1,
    )


def test_protected_columns_are_kept_for_the_rows_of_the_study_also_where_no_model_sees_them(
    tmp_path: Path,
) -> None:
    raw = rows().assign(sex=lambda t: np.where(t["age"] > 50, "f", "m"))
    table = table_of(raw, tmp_path, key="shop", ignore=("sex",), sensitive=("sex",), slices=("age",))  # type: ignore[arg-type]
    folder = StudyFolder(tmp_path / "study")
    split, _ = split_holdout.fn(table, folder, rule=None, seed=0)
    declared = pd.read_parquet(folder.work / "declared.parquet")
    seen = Scope(folder.scope("evaluated")).training
    assert split.n_holdout > 0 and len(declared) == len(seen)
    assert list(declared.columns) == ["sex", "age"] and "sex" not in seen
    assert (declared["age"] == seen["age"]).all()
    assert (declared["sex"] == np.where(seen["age"] > 50, "f", "m")).all()
