"""What earlier studies of this home took beside their estimates: a small file in the home."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from realmix.tasks.runtime.snapshots import write_atomically

FILE = "timings.json"
# More than a plan looks at.
N_KEPT = 50


def read_timings(home: Path) -> list[dict[str, float]]:
    """Return what was noted, oldest first; nothing where there is no such file, or it cannot be read."""
    try:
        entries = json.loads((home / FILE).read_text(encoding="utf-8"))
        return [{str(stage): float(factor) for stage, factor in entry.items()} for entry in entries]
    except (OSError, ValueError, AttributeError, TypeError):
        return []


def note_timing(home: Path, entry: Mapping[str, float]) -> None:
    """Add an entry; of two studies that end at once one may be lost, which harms no result."""
    text = json.dumps([*read_timings(home), dict(entry)][-N_KEPT:])
    write_atomically(home / FILE, lambda file: file.write_text(text, encoding="utf-8"))
