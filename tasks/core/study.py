"""Where a study keeps its files, and what its steps hand to each other."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.core.config import DataCard
from tasks.core.planning import Plan
from tasks.core.schema import Schema

BUNDLED_TABLE = "bundled:bank_marketing?rows=2000"


def home() -> Path:
    """Folder of everything that outlives a study: snapshots, table registrations, MLflow.

    ``REALMIX_HOME``, by default ``.realmix`` under the current folder.
    """
    return Path(os.environ.get("REALMIX_HOME", ".realmix")).absolute()


@dataclass(frozen=True)
class StudyFolder:
    """The results of one study; `work` holds what its fits keep for each other."""

    path: Path

    @property
    def work(self) -> Path:
        return self.path / "work"

    def scope(self, name: str) -> Path:
        return self.work / name

    def write_json(self, name: str, data: Any) -> Path:
        target = self.path / name
        partial = target.with_name(f".{target.name}")
        partial.write_text(json.dumps(data, indent=1, allow_nan=False), encoding="utf-8")
        return partial.replace(target)

    def read_json(self, name: str) -> Any:
        return json.loads((self.path / name).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Table:
    """A table that was read, checked and kept as a snapshot.

    Attributes
    ----------
    name : str
        Experiment and model are called after it.
    snapshot_path, snapshot_digest : str
    n_rows : int
    source : dict
        What was read and detected.
    card : DataCard
    schema : Schema
    """

    name: str
    snapshot_path: str
    snapshot_digest: str
    n_rows: int
    source: dict[str, Any]
    card: DataCard
    schema: Schema


@dataclass(frozen=True)
class Split:
    """Where the two sides lie, and why there may be no holdout."""

    n_all: int
    n_development: int
    n_holdout: int
    no_holdout: str | None


@dataclass(frozen=True)
class Block:
    """One fold: its scope and the rows validated there."""

    repeat: int
    fold: int
    scope: str


@dataclass(frozen=True)
class Layout:
    """A plan with the folds it was laid out into."""

    plan: Plan
    blocks: tuple[Block, ...]
