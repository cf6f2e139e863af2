"""What happened to a table since its last full study."""

from __future__ import annotations

import datetime

import pandas as pd

from realmix.tasks.core.lifecycle.drift import Drift, measure_drift
from realmix.tasks.core.lifecycle.records import Decision, Registered
from realmix.tasks.core.lifecycle.retrain_level import Changes
from realmix.tasks.core.splits.holdout import hash_cells
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_card import schema_of
from realmix.tasks.runtime.cache import make_cache
from realmix.tasks.runtime.database import decisions
from realmix.tasks.runtime.snapshots import open_snapshot
from realmix.tasks.runtime.study_folder import DRIFT, StudyFolder, home
from realmix.tasks.validation.drift import validate_drift

RETRAINING = "retraining"


def last_study(table: str) -> Decision | None:
    """The last retraining of a table that was a full study; None where there was none."""
    studies = [entry for entry in decisions(table, RETRAINING) if entry.document["level"] == "study"]
    return studies[-1] if studies else None


def rows_of(digest: str) -> pd.DataFrame:
    """Rows of a stored snapshot."""
    return open_snapshot(home() / "snapshots" / f"{digest}.parquet").read()


def synthetic_rows(study: Decision) -> pd.DataFrame | None:
    """Synthetic rows of what a study shipped; None where there were none, or its folder is gone."""
    path = home() / "studies" / str(study.document.get("study")) / "training.parquet"
    if not path.exists():
        return None
    training = pd.read_parquet(path)
    synthetic = training[training["_realmix_origin"] != "real"]
    return None if synthetic.empty else synthetic


def changed_rows(former: pd.DataFrame, today: pd.DataFrame, card: DataCard) -> pd.DataFrame:
    """Rows of today that came or were corrected since.

    Parameters
    ----------
    former, today : DataFrame
        Snapshots of one table.
    card : DataCard
        Says what a batch does to the rows that are there.

    Returns
    -------
    DataFrame of shape (n_changed, n_columns)
        Everything where batches replace the table.

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
    """Hold the rows of today against those the last study saw.

    Parameters
    ----------
    table : Registered
    now : datetime
        With time zone.
    folder : StudyFolder
        Takes the results page of the drift suite, and what was measured.
    seed : int
        Of the domain classifier.

    Returns
    -------
    since : Changes or None
        None where the table was never studied.
    drift : Drift or None
        None where no row came or changed either.
    """
    last = last_study(table.name)
    if last is None:
        return None, None
    former, today = rows_of(last.document["snapshot"]), rows_of(table.snapshot)
    new = changed_rows(former, today, table.card)
    age_days = (now - datetime.datetime.fromisoformat(last.made_at)).total_seconds() / 86400
    # A clock that was set back makes nothing young again.
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
    """Folder of the next retraining: the same one until its entry is written, so that it goes on there."""
    number = len(decisions(table.name, RETRAINING)) + 1
    path = home() / "studies" / f"{table.name}-{number:04d}-{table.snapshot[:8]}"
    path.mkdir(parents=True, exist_ok=True)
    return StudyFolder(path, make_cache(home()))
