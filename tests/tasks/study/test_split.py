from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.fits.scope import GROUP, HOLDOUT, Scope, stored_rows
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.split import fold_blocks, lay_folds, split_holdout
from tests.tasks.shop_table import rows, table_of

pytestmark = pytest.mark.usefixtures("own_home")


def test_both_sides_know_their_groups(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "study")
    split, _ = split_holdout.fn(table_of(rows(), tmp_path, group="shop"), folder, rule=None, seed=0)
    held = stored_rows(folder.work / HOLDOUT).beside[GROUP]
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
