"""Reuse the results of an identical study from the cache instead of computing it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.report.manifest import Manifest
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.runtime.cache import FOLDER, cache_at
from realmix.tasks.runtime.cache_keys import entry_key, file_digest
from realmix.tasks.runtime.holdout_rules import registration_path
from realmix.tasks.runtime.lineage_index import keep_lineage
from realmix.tasks.runtime.memory import n_workers
from realmix.tasks.runtime.study_folder import WORK, StudyFolder, check_output_folder, home
from realmix.tasks.study.request import read_plan, weights_of

VERDICT, MANIFEST = "verdict.json", "manifest.json"


def study_key(request: StudyRequest, snapshot: str, name: str, card: DataCard, schema: Schema) -> str | None:
    """Return the cache key of a whole study, made of everything that its results depend on.

    Parameters
    ----------
    request : StudyRequest
    snapshot : str
        Digest of the table as it was read, see :func:`realmix.tasks.runtime.snapshots.describe_snapshot`.
    name : str
        Name of the table.
    card : DataCard
    schema : Schema

    Returns
    -------
    str or None
        None for a study with a user's own simulation: changes of its code cannot be detected.
    """
    if card.simulate:
        return None
    registered = registration_path(name, card, schema)
    holdout = registered.read_text(encoding="utf-8") if registered.exists() else None
    return entry_key(kind="study", holdout=holdout, **_asked(request, snapshot, name, card, schema))


def request_key(
    request: StudyRequest, snapshot: str, name: str, card: DataCard, schema: Schema
) -> str | None:
    """Return the key of what is asked for: like :func:`study_key`, but the same before a study and after it.

    A study registers how its holdout rows are chosen, which is a part of the other key.
    """
    return (
        None if card.simulate else entry_key(kind="request", **_asked(request, snapshot, name, card, schema))
    )


def _asked(request: StudyRequest, snapshot: str, name: str, card: DataCard, schema: Schema) -> dict[str, Any]:
    plan = read_plan(Path(request.plan)).to_dict() if request.plan else None
    return {
        "asked": None if plan else request.decides(),
        "plan": plan,
        "pretrained": weights_of(request.teachers or card.teachers, schema) if plan is None else None,
        "snapshot": snapshot,
        "name": name,
        "card": card.studied,
        "n_workers": n_workers(),
    }


def keep_study(folder: StudyFolder, key: str | None, document: dict[str, Any]) -> None:
    """Store the results of a study in the cache, unless another run could end differently.

    A study in which something failed or ran out of time is not cached: it will be computed again,
    from the fits that did not fail. Nor is one that MLflow did not store.
    """
    is_settled = document["complete"] and not document["disqualified"] and document["tracking"]["run_id"]
    if folder.cache is None or key is None or not is_settled:
        return
    results = {p.name: p for p in sorted(folder.path.iterdir()) if p.name not in (WORK, VERDICT)}
    # The verdict last: a folder that has it is complete.
    results[VERDICT] = folder.path / VERDICT
    value = {
        "study": document["study"],
        "verdict": file_digest(folder.path / VERDICT),
        "tracking": document["tracking"],
        "names": list(results),
    }
    cache_at(folder.cache).put(key, value, results)


def reuse_study(out: Path, key: str | None) -> dict[str, Any] | None:
    """Copy the results of an identical study into a folder, unless it contains them already.

    Parameters
    ----------
    out : Path
        Folder of the results.
    key : str or None
        From :func:`study_key`.

    Returns
    -------
    dict or None
        Its verdict document; None if there was no such study, or MLflow does not have its run any
        longer.

    Raises
    ------
    BadInput
        If the folder holds other files.
    """
    cache, folder = cache_at(home() / FOLDER), StudyFolder(out.absolute())
    former = cache.get(key) if key else None
    if key is None or former is None:
        return None
    # With Prefect, whose import takes longer than all that comes before a study.
    from realmix.tasks.study.track import is_tracked

    if not is_tracked(former["tracking"]):
        return None
    if not holds_results(folder, former):
        check_output_folder(out)
        if cache.get(key, {name: folder.path / name for name in former["names"]}) is None:
            return None
        keep_lineage(folder.path)
    document: dict[str, Any] = folder.read_json(VERDICT)
    return document | {"tracking": former["tracking"]}


def holds_results(folder: StudyFolder, former: dict[str, Any]) -> bool:
    """Return whether a folder contains all results of a former study, unchanged."""
    try:
        listed = Manifest.read(folder.read_json(MANIFEST)).sha256
        return listed[VERDICT] == former["verdict"] and all(
            file_digest(folder.path / name) == digest for name, digest in listed.items()
        )
    except (OSError, ValueError, KeyError, BadInput):
        return False
