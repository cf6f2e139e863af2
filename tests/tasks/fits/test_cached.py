"""Each fit once: read from the cache for the same content, run again for any other."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.fits import cached
from realmix.tasks.fits.cached import (
    ARMS,
    TEACHER_FILE,
    arm_keys,
    cached_arms,
    cached_examination,
    cached_final,
    cached_pool,
    cached_teacher,
)
from realmix.tasks.fits.scope import DEVELOPMENT, HOLDOUT, Scope, stored_rows, write_rows, write_scope
from realmix.tasks.runtime.cache import DATABASE, KEY, make_cache
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import as_current
from tests.redteam.tampering import put_into_entries
from tests.tasks.scopes import change_rows

PLAN = Plan(
    seed=0, task="binary", metric="log_loss", holdout=HoldoutRule(3, 0.2, ("age",)), n_development=200,
    n_folds=3, n_repeats=1, forward=False, models=("linear",), n_trials=1, synthesizers={"smote": None},
    ratios=(1.0,), weights=(1.0,), label_rules=("joint", "teacher"), balances=("prior",),
    teacher=(("linear", 0),), n_workers=1, threads_per_fit=1,
)  # fmt: skip
SCOPE = "fold-0-0"
REAL, DISTILLED = Arm(Mix(), "linear"), Arm(Mix(label_rule="teacher"), "linear")
MIXED = Arm(Mix("smote", 1.0, 1.0, "teacher"), "linear")


class Here:
    """Workers that run fits in this process and remember which."""

    n_workers = 1

    def __init__(self) -> None:
        self.ran: list[tuple[str, dict[str, Any]]] = []

    def run(self, function: str, /, *, timeout_seconds: float | None = None, **kwargs: Any) -> Any:
        self.ran.append((function, kwargs))
        module, _, name = function.partition(":")
        return getattr(importlib.import_module(module), name)(**kwargs)

    def kill(self) -> None:
        """Nothing runs beside this process."""


@pytest.fixture
def workers():
    here = Here()
    with as_current(here):
        yield here


@pytest.fixture
def first(scope: Scope, tmp_path: Path) -> StudyFolder:
    return study(scope, tmp_path / "first", make_cache(tmp_path))


@pytest.fixture
def second(scope: Scope, tmp_path: Path) -> StudyFolder:
    """The same rows in another study that shares the cache."""
    return study(scope, tmp_path / "second", make_cache(tmp_path))


def study(scope: Scope, path: Path, cache: Path | None) -> StudyFolder:
    folder = StudyFolder(path, cache)
    shutil.copytree(scope.folder, folder.scope(SCOPE))
    for name in ("context.json", DEVELOPMENT):
        shutil.copy(scope.folder.parent / name, folder.work)
    return folder


def fit_all(folder: StudyFolder, arms: list[Arm]) -> list[Any]:
    return [
        cached_teacher(folder, SCOPE, PLAN)["weights"],
        cached_pool(folder, SCOPE, "smote", PLAN, max_ratio=1.0)["kept"],
        cached_arms(folder, SCOPE, "predictions", arms, PLAN)["failures"],
        cached_examination(folder, SCOPE, arms, PLAN, PLAN.metric),
        cached_final(folder, SCOPE, "model", arms[0], PLAN, raw=None).n_real,
    ]


def files(folder: StudyFolder) -> dict[str, bytes]:
    place = folder.scope(SCOPE)
    return {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()}


def test_a_second_study_of_the_same_rows_fits_nothing(
    workers: Here, first: StudyFolder, second: StudyFolder
) -> None:
    made = fit_all(first, [REAL, DISTILLED, MIXED])
    assert len(workers.ran) == 5
    assert fit_all(second, [REAL, DISTILLED, MIXED]) == made
    assert len(workers.ran) == 5
    assert files(second) == files(first)


class Pickled:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_teacher_that_somebody_put_into_the_cache_is_fitted_again_and_never_loaded(
    workers: Here, first: StudyFolder, second: StudyFolder, tmp_path: Path
) -> None:
    made = fit_all(first, [MIXED])
    assert first.cache is not None
    evil = pickle.dumps(Pickled(tmp_path / "ran"))
    assert put_into_entries(first.cache / DATABASE, TEACHER_FILE, evil) == 1
    (first.cache.parent / KEY).unlink()  # whoever could write the cache may have removed it
    assert fit_all(second, [MIXED]) == made
    assert len(workers.ran) > 5 and not (tmp_path / "ran").exists()
    assert files(second)[TEACHER_FILE] != evil


def test_an_arm_with_softened_labels_reads_the_teachers_labels_of_the_real_rows() -> None:
    softened = dataclasses.replace(MIXED, mix=dataclasses.replace(MIXED.mix, real_labels="half"))
    pool = ("smote.parquet", "smote-teacher.npy")
    read = [cached.arm_files(arm) for arm in (REAL, DISTILLED, MIXED, softened, Arm(Mix(), "ensemble"))]
    labels = ("teacher-training.npy",)
    assert read == [(), labels, pool, (*pool, *labels), ("ensemble.json",)]


def test_only_the_arms_that_are_new_are_trained(
    workers: Here, first: StudyFolder, second: StudyFolder
) -> None:
    fit_all(first, [MIXED])
    fit_all(second, [REAL, MIXED, DISTILLED])
    trained = [kwargs["arms"] for function, kwargs in workers.ran[5:] if function == cached.ARMS]
    assert trained == [[REAL.to_dict(), DISTILLED.to_dict()]]
    names = json.loads((second.scope(SCOPE) / "predictions.json").read_text())
    assert names == [REAL.name, MIXED.name, DISTILLED.name]
    one, three = (np.load(folder.scope(SCOPE) / "predictions.npy") for folder in (first, second))
    np.testing.assert_array_equal(three[1], one[0])
    alone = dataclasses.replace(first, cache=None)
    cached_arms(alone, SCOPE, "alone", [REAL], PLAN)
    np.testing.assert_array_equal(np.load(first.scope(SCOPE) / "alone.npy")[0], three[0])


STEPS = {
    "teacher": (lambda folder: cached_teacher(folder, SCOPE, PLAN), ()),
    "pool": (lambda folder: cached_pool(folder, SCOPE, "smote", PLAN, max_ratio=1.0), (cached.TEACHER_FILE,)),
    **{
        arm.name: (
            lambda folder, arm=arm: cached_arms(folder, SCOPE, arm.model, [arm], PLAN),
            cached.arm_files(arm),
        )
        for arm in (REAL, DISTILLED, MIXED)
    },
    "gap": (
        lambda folder: cached_examination(folder, SCOPE, [MIXED], PLAN, PLAN.metric),
        cached.arm_files(MIXED),
    ),
    "final": (
        lambda folder: cached_final(folder, SCOPE, "model", MIXED, PLAN, raw=None).to_dict(),
        cached.arm_files(MIXED),
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_fit_needs_no_file_but_those_its_key_is_made_of(
    step: str, workers: Here, first: StudyFolder, scope: Scope, tmp_path: Path
) -> None:
    """A file that is read and not named would let the cache return results of other content."""
    run, made_before = STEPS[step]
    reads = (*Scope(first.scope(SCOPE)).reads, *made_before)
    whole = dataclasses.replace(first, cache=None)
    fit_all(whole, [REAL, DISTILLED, MIXED])
    answer = run(whole)
    bare = StudyFolder(tmp_path / "bare")
    bare.scope(SCOPE).mkdir(parents=True)
    shutil.copy(first.work / "context.json", bare.work)
    for name in reads:
        if (first.scope(SCOPE) / name).exists():
            shutil.copy(first.scope(SCOPE) / name, bare.scope(SCOPE) / name)
    alone = run(bare)
    assert {**alone, "seconds": 0, "seconds_fit": 0, "seconds_sample": 0} == {
        **answer, "seconds": 0, "seconds_fit": 0, "seconds_sample": 0
    }  # fmt: skip
    # Of equal teachers a pickle differs by which of their texts are one object; their labels are compared.
    made = {name: content for name, content in files(bare).items() if name not in (*reads, "teacher.pickle")}
    assert made == {name: content for name, content in files(first).items() if name in made}


@pytest.mark.parametrize("change", ["a row", "the seed", "a rule of the card", "a setting"])
def test_a_fit_of_other_content_is_not_taken(
    change: str, workers: Here, first: StudyFolder, second: StudyFolder
) -> None:
    plan, place = PLAN, second.scope(SCOPE)
    context = json.loads((second.work / "context.json").read_text())
    if change == "a row":
        change_rows(place, lambda rows: rows[::-1])
    elif change == "the seed":
        context["seed"] = 1
    elif change == "a rule of the card":
        context["card"]["rules"] = [{"kind": "range", "column": "age", "minimum": 0.0}]
    else:
        plan = dataclasses.replace(PLAN, synthesizers={"smote": 7})
    (second.work / "context.json").write_text(json.dumps(context))
    for folder, of_folder in ((first, PLAN), (second, plan)):
        cached_teacher(folder, SCOPE, of_folder)
        cached_pool(folder, SCOPE, "smote", of_folder, max_ratio=1.0)
    assert [function for function, _ in workers.ran].count(cached.POOL) == 2


def test_the_key_of_a_fold_does_not_depend_on_the_holdout_and_that_of_all_rows_does(
    workers: Here, first: StudyFolder
) -> None:
    development = stored_rows(first.work / DEVELOPMENT)
    everything = first.scope("shipped")
    n_development = len(development.rows)
    write_rows(
        first.work / HOLDOUT, development.rows[:9], **{n: v[:9] for n, v in development.beside.items()}
    )
    write_scope(everything, np.arange(n_development + 9))
    fold, shipped = (arm_keys(ARMS, place, [REAL]) for place in (first.scope(SCOPE), everything))
    write_rows(
        first.work / HOLDOUT, development.rows[1:10], **{n: v[:9] for n, v in development.beside.items()}
    )
    assert arm_keys(ARMS, first.scope(SCOPE), [REAL]) == fold
    assert arm_keys(ARMS, everything, [REAL]) != shipped


def test_where_it_runs_and_how_long_it_may_take_do_not_matter(
    workers: Here, first: StudyFolder, second: StudyFolder
) -> None:
    slow = dataclasses.replace(PLAN, n_workers=7, timeout_seconds={"smote": 9.0}, budget_seconds=5.0)
    fit_all(first, [MIXED])
    cached_teacher(second, SCOPE, slow)
    cached_pool(second, SCOPE, "smote", slow, max_ratio=1.0)
    assert len(workers.ran) == 5


def test_a_users_own_simulation_is_run_every_time(workers: Here, first: StudyFolder) -> None:
    """Its code is not ours: nothing tells whether it has changed."""
    cached_teacher(first, SCOPE, PLAN)
    for _ in range(2):
        with pytest.raises(RealmixError):
            cached_pool(first, SCOPE, "simulation", PLAN, max_ratio=1.0)
    assert len(workers.ran) == 3
