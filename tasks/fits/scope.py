"""A scope: the rows that one fit may see, and the folder of its results."""

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
from realmix.tasks.plugins import load_plugins


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
    def training(self) -> pd.DataFrame:
        """Training rows, canonical."""
        return _read_table(self.folder / "training.parquet")

    @property
    def validation(self) -> pd.DataFrame:
        """Validation rows, canonical; only folds have them."""
        return _read_table(self.folder / "validation.parquet")

    @property
    def base_weight(self) -> np.ndarray:
        """Weights of the training rows, mean 1."""
        return np.load(self.folder / "weight.npy", allow_pickle=False)

    @property
    def groups(self) -> np.ndarray:
        """Group number of each training row."""
        return np.load(self.folder / "groups.npy", allow_pickle=False)

    def seed(self, *key: object) -> int:
        """Derive the seed of one purpose in this scope."""
        return derive_seed(self.context.snapshot, self.context.seed, self.name, *key)

    def write_array(self, name: str, values: np.ndarray) -> None:
        """Write an array to a file of the scope, without pickle."""
        np.save(self.folder / name, values, allow_pickle=False)

    def read_array(self, name: str) -> np.ndarray:
        """Read an array from a file of the scope, without pickle."""
        return np.load(self.folder / name, allow_pickle=False)


def write_scope(
    folder: Path,
    training: pd.DataFrame,
    weight: np.ndarray,
    groups: np.ndarray,
    validation: pd.DataFrame | None = None,
) -> Scope:
    """Write the rows of a scope.

    Parameters
    ----------
    folder : Path
    training : DataFrame of shape (n_training, n_modelled)
        Canonical.
    weight : ndarray of shape (n_training,)
        Weights of the real rows, mean 1.
    groups : ndarray of int, shape (n_training,)
        Rows with one number must not be split: those of a declared group, else equal ones.
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
    """Return a group number for each row, equal for rows with equal features.

    Returns
    -------
    ndarray of int, shape (n_rows,)
    """
    hashed = pd.util.hash_pandas_object(rows[schema.feature_names], index=False)
    return pd.factorize(hashed)[0]


def _read_table(path: Path) -> pd.DataFrame:
    return _cached_table(path, path.stat().st_mtime_ns)


# A worker of a cluster outlives studies, and a later study may use the same folder: the time of a
# file's last change distinguishes its contents.
@functools.lru_cache(maxsize=8)
def _cached_table(path: Path, changed_ns: int) -> pd.DataFrame:
    return pd.read_parquet(path)


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
