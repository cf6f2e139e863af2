"""A folder with a table, its card, and no servers."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from realmix.tasks.sources import open_source
from tests.log import log_put_back

CARD = "source: calls.csv\ntarget: y\npositive: 'yes'\noperation: {operation}\n"


@pytest.fixture
def restored_environment() -> Iterator[None]:
    """What our commands set for their process is undone."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder of its own with a table, and no servers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    open_source("bundled:bank_marketing?rows=300").load().to_csv("calls.csv", index=False)
    return tmp_path


def card(place: Path, operation: str = "{}") -> Path:
    path = place / "card.yaml"
    path.write_text(CARD.format(operation=operation))
    return path


@pytest.fixture(autouse=True, scope="module")
def log_of_module() -> Iterator[None]:
    """What fixtures of a whole module do to the log ends with it."""
    with log_put_back():
        yield


@pytest.fixture(autouse=True)
def own_log() -> Iterator[logging.Logger]:
    """What a test does to the log ends with it."""
    with log_put_back() as log:
        yield log
