"""Compare a table's present rows with those of its last full study."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd

from realmix.tasks.core.lifecycle.drift import Drift, measure_drift
from realmix.tasks.core.lifecycle.records import Decision, Registered
from realmix.tasks.core.lifecycle.retrain_level import Changes
from realmix.tasks.core.lifecycle.retraining_entry import RETRAINING, last_study
from realmix.tasks.core.splits.holdout import hash_cells
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import schema_of
from realmix.tasks.runtime.cache import make_cache
from realmix.tasks.runtime.database import decisions
from realmix.tasks.runtime.study_folder import DRIFT, StudyFolder, home, stored_snapshot
from realmix.tasks.validation.drift import validate_drift


def rows_of(digest: str) -> pd.DataFrame:
    """Read the rows of a stored snapshot."""
    return stored_snapshot(digest).read()


def synthetic_rows(study: Decision) -> pd.DataFrame | None:
    """Read the synthetic rows of a study's training table; None where it has none, or is gone."""
    path = home() / "studies" / str(study.document.get("study")) / "training.parquet"
    if not path.exists():
        return None
    training = pd.read_parquet(path)
    synthetic = training[training["_realmix_origin"] != "real"]
    return None if synthetic.empty else synthetic


def changed_rows(former: pd.DataFrame, today: pd.DataFrame, card: DataCard) -> pd.DataFrame:
    """Select the present rows that are new or were corrected since an earlier snapshot.

    Parameters
    ----------
    former, today : DataFrame
        Snapshots of one table.
    card : DataCard
        Says whether batches append, update or replace rows.

    Returns
    -------
    DataFrame of shape (n_changed, n_columns)
        All rows where batches replace the table.

    Examples
    --------
    >>> card = DataCard(target="y", key="id", operation={"arrival": "upsert"})
    >>> former, today = pd.DataFrame({"id": [1, 2], "y": [0, 0]}), pd.DataFrame({"id": [1, 2, 3], "y": [0, 1, 1]})
    >>> changed_rows(former, today, card)["id"].tolist()
    [2, 3]
    """
    if card.operation.arrival == "replace":
        return today
    if card.operation.arrival == "append":
        return today.iloc[len(former) :]
    columns = [name for name in today.columns if name in former.columns]
    known = set(_row_hashes(former[columns]))
    return today[[row not in known for row in _row_hashes(today[columns])]]


def _row_hashes(rows: pd.DataFrame) -> list[int]:
    cells = pd.DataFrame({place: hash_cells(rows[name]) for place, name in enumerate(rows.columns)})
    hashed: list[int] = pd.util.hash_pandas_object(cells, index=False).tolist()
    return hashed


def changes_since_study(
    table: Registered, *, now: datetime.datetime, folder: StudyFolder, seed: int
) -> tuple[Changes | None, Drift | None]:
    """Compare the present rows with those of the last study.

    Parameters
    ----------
    table : Registered
    now : datetime
        With time zone.
    folder : StudyFolder
        Where the results of the drift suite, and the drift itself, are written.
    seed : int
        Of the domain classifier.

    Returns
    -------
    since : Changes or None
        None where the table was never studied.
    drift : Drift or None
        None too where no row is new or changed.
    """
    last = last_study(decisions(table.name, RETRAINING))
    if last is None:
        return None, None
    former, today = rows_of(last.document["snapshot"]), rows_of(table.snapshot)
    new = changed_rows(former, today, table.card)
    age_days = (now - datetime.datetime.fromisoformat(last.made_at)).total_seconds() / 86400
    # A clock that was set back must not give a negative age.
    since = Changes(len(former), len(new), max(age_days, 0.0), "none", "")
    if new.empty:
        return since, None
    schema = schema_of(former, table.card)
    drift = measure_drift(former, new, schema, seed=seed, synthetic=synthetic_rows(last))
    validate_drift(former, new, schema, drift, folder.path / "validation")
    folder.work.mkdir(parents=True, exist_ok=True)
    folder.write_json(DRIFT, drift.to_dict())
    return Changes(since.n_studied, since.n_changed, since.age_days, drift.level, drift.sentence), drift


def next_folder(table: Registered) -> StudyFolder:
    """Make the folder of the next retraining: the same until it is recorded, so that it can be resumed."""
    path = next_folder_path(table)
    path.mkdir(parents=True, exist_ok=True)
    return StudyFolder(path, make_cache(home()))


def next_folder_path(table: Registered) -> Path:
    """Return the path of the next retraining's folder; there may be one, of a retraining that runs."""
    number = len(decisions(table.name, RETRAINING)) + 1
    return home() / "studies" / f"{table.name}-{number:04d}-{table.snapshot[:8]}"
