"""A scope: the rows that one fit may see, and the folder of its results.

Every real row lies once in a study's folder: development rows in one Parquet file, holdout rows in another. A
scope names its rows by their positions. Only the scope of all rows has positions behind the development rows:
a fit on a fold never opens the file of the holdout.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.splits.equal_rows import equal_row_groups
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.metrics import metric_for
from realmix.tasks.plugins import load_plugins
from realmix.tasks.runtime.arrays import read_array
from realmix.tasks.runtime.memory import return_freed

if TYPE_CHECKING:
    import pyarrow as pa

DEVELOPMENT, HOLDOUT = "development.parquet", "holdout.parquet"
# Positions of the rows of a scope, in its folder.
TRAINING, VALIDATION = "training.npy", "validation.npy"
# Columns that stand beside the modelled ones in the files of rows; a table has no such names.
WEIGHT, GROUP, PRIORITY, UNIT = "_realmix_weight", "_realmix_group", "_realmix_priority", "_realmix_unit"
BESIDE = (WEIGHT, GROUP, PRIORITY, UNIT)


@dataclass(frozen=True)
class StudyContext:
    """The values that all fits of a study share.

    Attributes
    ----------
    schema : Schema
    card : DataCard
    snapshot : str
    seed : int
    on_gpu : tuple of str
        Names of synthesizers and models that train on a GPU.
    """

    schema: Schema
    card: DataCard
    snapshot: str
    seed: int
    on_gpu: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        """Write the context as a JSON file."""
        data = {
            "schema": self.schema.to_dict(),
            "card": self.card.studied,
            "snapshot": self.snapshot,
            "seed": self.seed,
            "on_gpu": self.on_gpu,
        }
        path.write_text(json.dumps(data, indent=1), encoding="utf-8")

    @staticmethod
    def read(path: Path) -> StudyContext:
        """Read the context of a JSON file, and load the plug-ins that its card names."""
        return _cached_context(path, path.stat().st_mtime_ns)

    def metric(self, name: str) -> MetricSpec:
        """Return a metric as the card of the study makes it."""
        return metric_for(name, self.card)

    def placed(self, name: str, built: Any) -> Any:
        """Return a synthesizer or model as it was built, or moved to the GPU where the plan says so."""
        return built.to("cuda") if name in self.on_gpu else built


@dataclass(frozen=True)
class Scope:
    """Training rows and, in a fold, validation rows.

    Attributes
    ----------
    folder : Path
        Has the name of the scope; the study's context is one level up.
    """

    folder: Path

    @property
    def name(self) -> str:
        """Name of the scope."""
        return self.folder.name

    @property
    def context(self) -> StudyContext:
        """The values that all fits of the study share."""
        return StudyContext.read(self.folder.parent / "context.json")

    @property
    def has_validation(self) -> bool:
        """Whether the scope is a fold."""
        return (self.folder / VALIDATION).exists()

    @property
    def training(self) -> pd.DataFrame:
        """Training rows, canonical."""
        return self._rows(TRAINING)

    @property
    def validation(self) -> pd.DataFrame:
        """Validation rows, canonical; only folds have them."""
        return self._rows(VALIDATION)

    @property
    def base_weight(self) -> np.ndarray:
        """Weights of the training rows."""
        return self._beside(WEIGHT)

    @property
    def groups(self) -> np.ndarray:
        """Group number of each training row: rows with one number must not be split."""
        return self._beside(GROUP)

    @property
    def reads(self) -> tuple[str, ...]:
        """Files that decide its rows, relative to its folder: that of the holdout only where rows of it are in it."""
        names = [DEVELOPMENT]
        with suppress(FileNotFoundError):  # of which the fit itself tells
            names = [path.name for path, _ in _files_of(self.folder / TRAINING)]
        return (*(f"../{name}" for name in names), TRAINING, VALIDATION)

    def _rows(self, part: str) -> pd.DataFrame:
        path = self.folder / part
        return _cached_rows(path, path.stat().st_mtime_ns, *_files_of(path))

    def _beside(self, column: str) -> np.ndarray:
        path = self.folder / TRAINING
        values = np.concatenate([open_rows(*file).beside[column] for file in _files_of(path)])
        return values[self.read_array(TRAINING)]

    def seed(self, *key: object) -> int:
        """Derive the seed of one purpose in this scope."""
        return derive_seed(self.context.snapshot, self.context.seed, self.name, *key)

    def write_array(self, name: str, values: np.ndarray) -> None:
        """Write an array to a file of the scope, without pickle."""
        np.save(self.folder / name, values, allow_pickle=False)

    def write_predictions(self, name: str, values: np.ndarray) -> None:
        """Write predictions, which most of the cache consists of.

        Probabilities are written in single precision, which moves them by at most 6e-8. Of two classes the
        smaller probability alone is written, so that its logarithm stays exact; negative for the first class.
        """
        schema = self.context.schema
        if len(schema.classes) == 2:
            first, second = values[..., 0], values[..., 1]
            values = np.where(second > 0.5, -first, second)
        self.write_array(name, values.astype(np.float32 if schema.is_classification else np.float64))

    def read_predictions(self, name: str) -> np.ndarray:
        """Read predictions, in double precision."""
        values = self.read_array(name).astype(np.float64)
        if len(self.context.schema.classes) != 2:
            return values
        smaller = np.abs(values)
        first = np.where(np.signbit(values), smaller, 1 - smaller)
        return np.stack([first, np.where(np.signbit(values), 1 - smaller, smaller)], axis=-1)

    def read_array(self, name: str) -> np.ndarray:
        """Read an array from a file of the scope, without pickle."""
        return read_array(self.folder / name)


@dataclass(frozen=True)
class StoredRows:
    """The content of a file of rows; each half is read when it is first asked for.

    Attributes
    ----------
    path : Path
    rows : DataFrame of shape (n_rows, n_modelled)
        Canonical.
    beside : mapping of column to ndarray of shape (n_rows,)
        The columns that are not of the table: `WEIGHT`, `GROUP` and others.
    """

    path: Path

    @functools.cached_property
    def rows(self) -> pd.DataFrame:
        """The columns of the table."""
        of_table, _ = self._columns
        return self._table(of_table).to_pandas()

    @functools.cached_property
    def beside(self) -> Mapping[str, np.ndarray]:
        """The other columns, by name."""
        _, beside = self._columns
        table = self._table(beside)
        return {name: table.column(name).to_numpy() for name in beside}

    @property
    def _columns(self) -> tuple[list[str], list[str]]:
        import pyarrow.parquet as pq

        names = pq.read_schema(self.path).names
        return [name for name in names if name not in BESIDE], [name for name in names if name in BESIDE]

    def _table(self, columns: list[str]) -> pa.Table:
        import pyarrow.parquet as pq

        return pq.read_table(self.path, columns=columns)


def write_rows(path: Path, rows: pd.DataFrame, **beside: np.ndarray) -> None:
    """Write the development rows or the holdout rows of a study.

    Parameters
    ----------
    path : Path
        `DEVELOPMENT` or `HOLDOUT` in the study's folder of intermediate files.
    rows : DataFrame of shape (n_rows, n_modelled)
        Canonical.
    **beside : ndarray of shape (n_rows,)
        Further columns: `WEIGHT` (of real rows, mean 1 over the table) and `GROUP` always.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.reset_index(drop=True).assign(**beside).to_parquet(path, index=False)


def stored_rows(path: Path) -> StoredRows:
    """Open a file of rows, each half of which is decoded once."""
    return open_rows(path, path.stat().st_mtime_ns)


def free_rows() -> None:
    """Free the rows that this process has decoded: of a million, they take as much room as a fit."""
    open_rows.cache_clear()
    _cached_rows.cache_clear()
    return_freed()


def write_scope(folder: Path, training: np.ndarray, validation: np.ndarray | None = None) -> Scope:
    """Write which rows belong to a scope.

    Parameters
    ----------
    folder : Path
    training : ndarray of int, shape (n_training,)
        Positions among the development rows, or behind them among the holdout rows.
    validation : ndarray of int, shape (n_validation,), optional
        Of a fold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scope = Scope(folder)
    scope.write_array(TRAINING, training)
    if validation is not None:
        scope.write_array(VALIDATION, validation)
    return scope


def feature_groups(rows: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return a group number for each row, equal for repeats; see :func:`realmix.tasks.core.splits.equal_rows.equal_row_groups`.

    Returns
    -------
    ndarray of int, shape (n_rows,)
    """
    return equal_row_groups(rows[schema.feature_names])


def _files_of(positions: Path) -> list[tuple[Path, int]]:
    """Return the files in which the rows of a scope lie, each with the time of its last change."""
    import pyarrow.parquet as pq

    work = positions.parent.parent
    development = work / DEVELOPMENT
    files = [(development, development.stat().st_mtime_ns)]
    last = read_array(positions).max(initial=0)
    if last >= pq.read_metadata(development).num_rows:
        files.append((work / HOLDOUT, (work / HOLDOUT).stat().st_mtime_ns))
    return files


# A worker of a cluster outlives studies, and a later study may use the same folder: the time of a
# file's last change distinguishes its contents.
@functools.lru_cache(maxsize=2)
def open_rows(path: Path, changed_ns: int) -> StoredRows:
    """Open a file of rows that last changed at a time."""
    return StoredRows(path)


@functools.lru_cache(maxsize=6)
def _cached_rows(positions: Path, changed_ns: int, *files: tuple[Path, int]) -> pd.DataFrame:
    frames = [open_rows(*file).rows for file in files]
    rows = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    return rows.iloc[read_array(positions)].reset_index(drop=True)


@functools.lru_cache(maxsize=4)
def _cached_context(path: Path, changed_ns: int) -> StudyContext:
    data = json.loads(path.read_text(encoding="utf-8"))
    card = DataCard(**data["card"])
    load_plugins(card.plugins)
    return StudyContext(
        Schema.from_dict(data["schema"]),
        card,
        data["snapshot"],
        data["seed"],
        tuple(data["on_gpu"]),
    )
