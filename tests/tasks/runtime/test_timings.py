"""What studies took is kept in the home, and only so much of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from realmix.tasks.runtime.timings import FILE, N_KEPT, note_timing, read_timings


def test_entries_come_back_in_their_order_and_the_oldest_go(tmp_path: Path) -> None:
    assert read_timings(tmp_path) == []
    for number in range(N_KEPT + 2):
        note_timing(tmp_path, {"race": float(number)})
    assert read_timings(tmp_path) == [{"race": float(number)} for number in range(2, N_KEPT + 2)]


@pytest.mark.parametrize("text", ["", "[1]", "{}x", '[{"race": "x"}]', "null"])
def test_a_damaged_file_is_no_history(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_timings(tmp_path) == []
    note_timing(tmp_path, {"race": 1.0})
    assert read_timings(tmp_path) == [{"race": 1.0}]
