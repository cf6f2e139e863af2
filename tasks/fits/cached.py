"""The fits of a study, each computed once: read from the cache if it is there, else fitted and stored.

Each function names the files of its scope that its fit reads and writes. The key of a fit is a hash
of its function and arguments, the content of what it reads, the name of its scope and everything
that seeds derive from: neither folders, time limits nor workers are part of it. Failures are not
stored.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from realmix.tasks.core.contracts.specs import ENSEMBLE
from realmix.tasks.core.fairness.repairs import RAISED, REWEIGHED
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.mixes.fit_result import FitResult
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.fits.scope import Scope
from realmix.tasks.fits.teacher import ENSEMBLE_FILE, TEACHER_LABELS
from realmix.tasks.plugins import load_plugins
from realmix.tasks.runtime.arrays import read_array
from realmix.tasks.runtime.cache import Cache, cache_at
from realmix.tasks.runtime.cache_keys import digests_of, entry_key, file_digest
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import current_workers
from realmix.tasks.synthesizers import SYNTHESIZERS

TEACHER = "realmix.tasks.fits.teacher:fit_teacher"
POOL = "realmix.tasks.fits.pools:synthesize"
ARMS = "realmix.tasks.fits.arms:train_arms"
EXAMINATION = "realmix.tasks.fits.examine:examine_arms"
COMPARISON_OF_COLUMNS = "realmix.tasks.fits.likeness:compare_columns"
REPAIRS = "realmix.tasks.fits.repairs:train_repairs"
FINAL = "realmix.tasks.fits.final:fit_final"
TEACHER_FILE = "teacher.pickle"
PREDICTIONS = "predictions.npy"
REPAIR_FILES = (f"{REWEIGHED}.npy", f"{RAISED}.npy")


def cached_teacher(folder: StudyFolder, scope: str, plan: Plan) -> dict[str, Any]:
    """Fit the teacher of a scope; see :func:`realmix.tasks.fits.teacher.fit_teacher`."""
    place = folder.scope(scope)
    arguments: dict[str, Any] = {
        "members": list(plan.teacher),
        "n_jobs": plan.threads_per_fit,
        "max_rows": plan.max_teacher_rows,
    }
    names = (TEACHER_LABELS, "teacher-validation.npy", ENSEMBLE_FILE, TEACHER_FILE)
    decided_by = {**arguments, "pretrained": dict(plan.pretrained)}
    key = fit_key(TEACHER, place, digests_of(place, Scope(place).reads), decided_by)
    return _cached(folder, key, {name: place / name for name in names}, TEACHER, place, **arguments)


def cached_pool(
    folder: StudyFolder, scope: str, synthesizer: str, plan: Plan, *, max_ratio: float
) -> dict[str, Any]:
    """Draw the pool of a synthesizer; see :func:`realmix.tasks.fits.pools.synthesize`."""
    place = folder.scope(scope)
    arguments: dict[str, Any] = {
        "synthesizer": synthesizer,
        "max_ratio": max_ratio,
        "balances": list(plan.balances),
        "max_steps": plan.synthesizers.get(synthesizer),
    }
    key = fit_key(
        POOL, place, digests_of(place, (*Scope(place).reads, TEACHER_FILE)), arguments, card=("rules",)
    )
    # Nothing shows whether a user's own simulation has changed.
    is_foreign = SYNTHESIZERS[synthesizer].needs == "simulate"
    return _cached(
        folder,
        None if is_foreign else key,
        {name: place / name for name in pool_files(synthesizer)},
        POOL,
        place,
        timeout_seconds=plan.timeout_seconds.get(synthesizer),
        **arguments,
    )


def cached_arms(
    folder: StudyFolder, scope: str, batch: str, arms: Sequence[Arm], plan: Plan
) -> dict[str, Any]:
    """Train a batch of arms; see :func:`realmix.tasks.fits.arms.train_arms`.

    Each arm is cached by itself: a race with partly other arms than an earlier one still finds
    those that both have. The seconds are those of the fits, whenever they ran.
    """
    place, threads = folder.scope(scope), plan.threads_per_fit
    if folder.cache is None:
        return _run(ARMS, place, batch=batch, arms=[arm.to_dict() for arm in arms], n_jobs=threads)
    cache, target = cache_at(folder.cache), place / f"{batch}.npy"
    keys = arm_keys(ARMS, place, arms, n_jobs=threads)
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        file = Path(scratch) / PREDICTIONS
        predicted, seconds = _cached_arms(cache, keys, file)
        missing = [arm for arm in arms if arm not in predicted]
        done: dict[str, Any] = {"seconds": 0.0, "failures": {}}
        if missing:
            done = _run(ARMS, place, batch=batch, arms=[arm.to_dict() for arm in missing], n_jobs=threads)
            predicted |= zip(missing, read_array(target), strict=True)
        for arm in (arm for arm in missing if arm.name not in done["failures"]):
            np.save(file, predicted[arm], allow_pickle=False)
            cache.put(keys[arm], {"seconds": done["seconds"] / len(missing)}, {PREDICTIONS: file})
    np.save(target, np.array([predicted[arm] for arm in arms]), allow_pickle=False)
    names = json.dumps([arm.name for arm in arms])
    (place / f"{batch}.json").write_text(names, encoding="utf-8")
    return done | {"seconds": seconds + done["seconds"]}


def cached_examination(
    folder: StudyFolder, scope: str, arms: Sequence[Arm], plan: Plan, metric: str
) -> dict[str, dict[str, Any]]:
    """Examine arms on a fold; see :func:`realmix.tasks.fits.examine.examine_arms`."""
    place = folder.scope(scope)
    arguments: dict[str, Any] = {"n_jobs": plan.threads_per_fit, "metric": metric}
    cache = cache_at(folder.cache) if folder.cache else None
    keys = arm_keys(EXAMINATION, place, arms, **arguments)
    known = {arm.name: cache.get(key) for arm, key in keys.items()} if cache else {}
    found: dict[str, dict[str, Any]] = {name: each for name, each in known.items() if each}
    missing = [arm for arm in arms if arm.name not in found]
    if missing:
        made = _run(EXAMINATION, place, arms=[arm.to_dict() for arm in missing], **arguments)
        found |= {name: each for name, each in made.items() if each["training"] is not None}
    if cache:
        for arm in (arm for arm in missing if arm.name in found):
            cache.put(keys[arm], found[arm.name])
    return found


def cached_likeness(folder: StudyFolder, scope: str, arm: Arm) -> dict[str, Any]:
    """Compare the synthetic rows of an arm with real ones; see :func:`realmix.tasks.fits.likeness.compare_columns`."""
    place = folder.scope(scope)
    arguments: dict[str, Any] = {"mix": arm.mix.to_dict()}
    reads = digests_of(place, (*Scope(place).reads, *arm_files(arm)))
    key = fit_key(COMPARISON_OF_COLUMNS, place, reads, arguments, card=("sensitive", "sharing"))
    return _cached(folder, key, {}, COMPARISON_OF_COLUMNS, place, **arguments)


def cached_repairs(
    folder: StudyFolder, scope: str, real_only: Arm, mix: Arm, column: str, plan: Plan
) -> dict[str, Any]:
    """Fit the repairs of unequal groups; see :func:`realmix.tasks.fits.repairs.train_repairs`."""
    place = folder.scope(scope)
    arguments: dict[str, Any] = {
        "real_only": real_only.to_dict(),
        "mix": mix.to_dict(),
        "column": column,
        "n_jobs": plan.threads_per_fit,
    }
    names = dict.fromkeys((*Scope(place).reads, *arm_files(real_only), *arm_files(mix)))
    writes = {name: place / name for name in REPAIR_FILES}
    key = fit_key(REPAIRS, place, digests_of(place, tuple(names)), arguments)
    return _cached(folder, key, writes, REPAIRS, place, **arguments)


def cached_final(
    folder: StudyFolder, scope: str, role: str, arm: Arm, plan: Plan, *, raw: Path | None
) -> FitResult:
    """Fit an arm on a whole scope; see :func:`realmix.tasks.fits.final.fit_final`.

    Parameters
    ----------
    folder : StudyFolder
    scope : {"evaluated", "shipped"}
    role : {"model", "real_only"}
        The model's data files go to this folder of the scope.
    arm : Arm
    plan : Plan
    raw : Path or None
        Parquet file of all raw rows, for the training table of a model that ships.
    """
    place, ships = folder.scope(scope), scope == "shipped" and role == "model"
    # Files of an arm that failed on another scope, or of an interrupted run.
    shutil.rmtree(place / role, ignore_errors=True)
    raw = raw if ships else None
    training = folder.path / "training.parquet" if ships else None
    arguments: dict[str, Any] = {"arm": arm.to_dict(), "n_jobs": plan.threads_per_fit}
    decided_by = {**arguments, "raw": raw and file_digest(raw), "with_training": ships}
    made = _cached(
        folder,
        fit_key(FINAL, place, digests_of(place, (*Scope(place).reads, *arm_files(arm))), decided_by),
        {"model": place / role} | ({"training": training} if training else {}),
        FINAL,
        place,
        export_to=str(place / role),
        training_to=training and str(training),
        raw=raw and str(raw),
        **arguments,
    )
    return FitResult.read(made)


def pool_files(synthesizer: str) -> tuple[str, str]:
    """Name the files of a pool in its scope."""
    return f"{synthesizer}.parquet", f"{synthesizer}-teacher.npy"


def arm_files(arm: Arm) -> tuple[str, ...]:
    """Name the files of a scope that the fit of an arm reads beside its rows."""
    pool = pool_files(arm.mix.synthesizer) if arm.mix.synthesizer else ()
    labels = (TEACHER_LABELS,) if arm.mix.softens_real_labels else ()
    return (*pool, *labels, *((ENSEMBLE_FILE,) if arm.model == ENSEMBLE else ()))


def arm_keys(function: str, place: Path, arms: Iterable[Arm], **arguments: Any) -> dict[Arm, str]:
    """Compute the key of each arm; what several of them share is hashed once."""
    rows = Scope(place).reads
    needed = {arm: (*rows, *arm_files(arm)) for arm in arms}
    digests = digests_of(place, sorted({name for names in needed.values() for name in names}))
    shared = fit_key(function, place, {}, arguments)
    return {
        arm: entry_key(shared=shared, arm=arm, reads={name: digests[name] for name in names})
        for arm, names in needed.items()
    }


def fit_key(
    function: str,
    place: Path,
    reads: Mapping[str, str | None],
    arguments: Mapping[str, Any],
    *,
    card: Sequence[str] = (),
) -> str:
    """Compute the key of one fit on a scope.

    Parameters
    ----------
    function : str
    place : Path
        Folder of the scope; the study's context is one level up.
    reads : mapping of name to digest
        Of every file of the scope that the fit may read.
    arguments : mapping
        Of the function, if they change its result.
    card : sequence of str
        Fields of the data card that it uses, None where a newer one is empty; the schema is always part of the key.
    """
    # Read again: a study may have been started again in the same folder.
    context = json.loads((place.parent / "context.json").read_text(encoding="utf-8"))
    # In a process of a cluster, nothing else has loaded them before they are looked up.
    load_plugins(context["card"].get("plugins", ()))
    return entry_key(
        function=function,
        scope=place.name,
        study={name: context[name] for name in ("schema", "snapshot", "seed", "on_gpu")},
        card={name: context["card"].get(name) for name in card},
        reads=reads,
        arguments=arguments,
    )


def _cached_arms(cache: Cache, keys: Mapping[Arm, str], file: Path) -> tuple[dict[Arm, np.ndarray], float]:
    """Return the cached arms' predictions, and the seconds of their fits; `file` is temporary."""
    predicted, seconds = {}, 0.0
    for arm, key in keys.items():
        if found := cache.get(key, {PREDICTIONS: file}):
            predicted[arm] = read_array(file)
            seconds += found["seconds"]
    return predicted, seconds


def _cached(
    folder: StudyFolder,
    key: str | None,
    writes: Mapping[str, Path],
    function: str,
    place: Path,
    *,
    timeout_seconds: float | None = None,
    **arguments: Any,
) -> dict[str, Any]:
    """Read one fit from the cache, or run it in a worker and cache it; without a key only run it."""
    cache = cache_at(folder.cache) if folder.cache and key else None
    if cache and key and (found := cache.get(key, writes)) is not None:
        return found
    made = _run(function, place, timeout_seconds=timeout_seconds, **arguments)
    if cache and key:
        cache.put(key, made, writes)
    return made


def _run(
    function: str, place: Path, *, timeout_seconds: float | None = None, **arguments: Any
) -> dict[str, Any]:
    """Run a fit in a worker, and return the plain values that the cache would return for it."""
    made = current_workers().run(function, timeout_seconds=timeout_seconds, folder=str(place), **arguments)
    plain: dict[str, Any] = to_jsonable(made)
    return plain
