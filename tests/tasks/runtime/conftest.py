"""A home of its own, and the state on both engines."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new home whose state is its own file."""
    monkeypatch.delenv("REALMIX_STATE_URL", raising=False)
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def new_database(postgresql_url: str) -> Callable[[], str]:
    """Makes databases on a PostgreSQL server; their URLs."""

    def make() -> str:
        name = f"state_{uuid.uuid4().hex[:8]}"
        engine = create_engine(postgresql_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty state; its engine's name."""
    if request.param == "postgresql":
        monkeypatch.setenv("REALMIX_STATE_URL", request.getfixturevalue("new_database")())
    return str(request.param)
