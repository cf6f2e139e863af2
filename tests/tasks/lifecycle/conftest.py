"""A landing folder and a home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from realmix.tasks.landing import folder as landing


@pytest.fixture
def place(own_home: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The landing folder, whose files are complete after a moment, and a home of its own."""
    monkeypatch.setattr(landing, "SETTLE_SECONDS", 0.02)
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder
