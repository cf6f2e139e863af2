"""A new home's Prefect database equals what Prefect's own migrations make."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from realmix.flows.local import empty_database
from realmix.flows.local.empty_database import make_database, script_of
from tests.flows.local.prefect_database import migrated, script


@pytest.fixture(autouse=True)
def no_other_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in empty_database.ELSEWHERE:
        monkeypatch.delenv(name, raising=False)


def test_the_database_is_what_the_migrations_of_the_installed_version_make(tmp_path: Path) -> None:
    for name in ("made", "migrated"):
        (tmp_path / name).mkdir()
    make_database(tmp_path / "made")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["prefect.db"]
    assert lines(script(tmp_path / "made" / "prefect.db")) == lines(migrated(tmp_path / "migrated"))


def lines(script: str) -> list[str]:
    """Sort the lines: the migrations write the constraints of a table in any order."""
    return sorted(line.strip().rstrip(",") for line in script.splitlines())


def test_a_database_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_text("mine")
    make_database(tmp_path)
    assert (tmp_path / "prefect.db").read_text() == "mine"


def test_another_version_or_another_database_is_left_to_prefect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty_database, "version", lambda name: "0.1")
    make_database(tmp_path)
    monkeypatch.undo()
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "postgresql+asyncpg://elsewhere/prefect")
    make_database(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_script_is_of_the_installed_version() -> None:
    assert script_of(version("prefect")).exists()
