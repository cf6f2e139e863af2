from __future__ import annotations

from pathlib import Path

from tests.benchmarks.short import left_behind


def test_files_of_the_servers_are_not_counted(tmp_path: Path) -> None:
    for name in ("out/a.json", "home/cache/b.npy", "home/mlartifacts/c", "home/prefect/d", "home/mlflow.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 1000)
    assert left_behind(tmp_path / "out", tmp_path / "home") == (2, 0.002)
