from __future__ import annotations

from pathlib import Path

from tests.benchmarks.figures import Figure, as_markdown, machine, read_csv, write_csv

FIGURES = [
    Figure("start-up", "realmix --help", 0.31, "s", 0.3, "at most"),
    Figure("plain script", "times less wall time", 12.0, "x", 10, "at least"),
    Figure("rows", "1,000 rows, race", None, note="no such table"),
]


def test_figures_survive_the_csv(tmp_path: Path) -> None:
    write_csv(FIGURES, tmp_path / "bench.csv")
    assert read_csv(tmp_path / "bench.csv") == FIGURES
    assert read_csv(tmp_path / "none.csv") == []


def test_a_missed_target_is_said_in_the_table() -> None:
    table = as_markdown(FIGURES, "2 x processor")
    assert "| 0.31 s | at most 0.3, **missed** |" in table
    assert "| 12 x | at least 10, met |" in table
    assert "| no such table |  |" in table


def test_the_machine_is_named_by_processor_and_versions_alone() -> None:
    import platform
    import socket

    said = machine()
    assert "sdv" in said and platform.python_version() in said
    assert socket.gethostname() not in said and "/" not in said
