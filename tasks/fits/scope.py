"""A scope: the rows one training part may see, and where its results are kept."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.schema import Schema


@dataclass(frozen=True)
class StudyContext:
    """What every fit of a study shares.

    Attributes
    ----------
    schema : Schema
    card : DataCard
    snapshot : str
    seed : int
    on_gpu : tuple of str
        Generators and learners that train on a GPU.
    """

    schema: Schema
    card: DataCard
    snapshot: str
    seed: int
    on_gpu: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
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
        return _cached_context(path, path.stat().st_mtime_ns)

    def placed(self, name: str, built: Any) -> Any:
        """A generator or learner as it was built, or on the GPU where the plan says so."""
        return built.to("cuda") if name in self.on_gpu else built


@dataclass(frozen=True)
class Scope:
    """Rows to learn from and, in a fold, rows to be validated on.

    Attributes
    ----------
    folder : Path
        Named after the scope; the study's context lies one level up.
    """

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def context(self) -> StudyContext:
        return StudyContext.read(self.folder.parent / "context.json")

    @property
    def training(self) -> pd.DataFrame:
        return _read_table(self.folder / "training.parquet")

    @property
    def validation(self) -> pd.DataFrame:
        return _read_table(self.folder / "validation.parquet")

    @property
    def base_weight(self) -> np.ndarray:
        return np.load(self.folder / "weight.npy", allow_pickle=False)

    @property
    def groups(self) -> np.ndarray:
        return np.load(self.folder / "groups.npy", allow_pickle=False)

    def seed(self, *key: object) -> int:
        """Seed of one purpose in this scope."""
        return derive_seed(self.context.snapshot, self.context.seed, self.name, *key)

    def write_array(self, name: str, values: np.ndarray) -> None:
        np.save(self.folder / name, values, allow_pickle=False)

    def read_array(self, name: str) -> np.ndarray:
        return np.load(self.folder / name, allow_pickle=False)


def write_scope(
    folder: Path,
    training: pd.DataFrame,
    weight: np.ndarray,
    groups: np.ndarray,
    validation: pd.DataFrame | None = None,
) -> Scope:
    """Lay down the rows of a scope.

    Parameters
    ----------
    folder : Path
    training : DataFrame of shape (n_training, n_modelled)
        Canonical.
    weight : ndarray of shape (n_training,)
        Weights of the real rows, mean 1.
    groups : ndarray of int, shape (n_training,)
        Rows of one number must not be parted: those of a declared group, else equal ones.
    validation : DataFrame of shape (n_validation, n_modelled), optional
    """
    folder.mkdir(parents=True, exist_ok=True)
    scope = Scope(folder)
    training.reset_index(drop=True).to_parquet(folder / "training.parquet", index=False)
    scope.write_array("weight.npy", weight)
    scope.write_array("groups.npy", groups)
    if validation is not None:
        validation.reset_index(drop=True).to_parquet(folder / "validation.parquet", index=False)
    return scope


def feature_groups(rows: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Give rows with equal features one number.

    Returns
    -------
    ndarray of int, shape (n_rows,)
    """
    hashed = pd.util.hash_pandas_object(rows[schema.feature_names], index=False)
    return pd.factorize(hashed)[0]


def _read_table(path: Path) -> pd.DataFrame:
    return _cached_table(path, path.stat().st_mtime_ns)


# A worker of a cluster outlives studies, and a later one may use the same folder: the time of a
# file's last change tells its contents apart.
@functools.lru_cache(maxsize=8)
def _cached_table(path: Path, changed_ns: int) -> pd.DataFrame:
    return pd.read_parquet(path)


@functools.lru_cache(maxsize=4)
def _cached_context(path: Path, changed_ns: int) -> StudyContext:
    data = json.loads(path.read_text(encoding="utf-8"))
    return StudyContext(
        Schema.from_dict(data["schema"]),
        DataCard(**data["card"]),
        data["snapshot"],
        data["seed"],
        tuple(data["on_gpu"]),
    )
