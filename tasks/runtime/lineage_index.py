"""The home's index of lineages: one small file for each study or release, wherever its folder lies.

It holds digests and names, no rows. It is not cleaned: a model is asked where it comes from long after its study.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.provenance.lineage import Lineage
from realmix.tasks.runtime.snapshots import write_atomically
from realmix.tasks.runtime.study_folder import home

log = logging.getLogger("realmix")
# In a study's folder; and the index, under the home.
LINEAGE, INDEX = "lineage.json", "lineage"


@dataclass(frozen=True)
class Kept:
    """A lineage of the index, and the folder in which it was made; it may be gone."""

    path: Path
    lineage: Lineage


def keep_lineage(folder: Path) -> None:
    """Copy the lineage of a folder into the index; a folder of an earlier release has none."""
    if not (folder / LINEAGE).exists():
        return
    entry = {
        "path": str(folder.absolute()),
        "lineage": json.loads((folder / LINEAGE).read_text(encoding="utf-8")),
    }
    text = json.dumps(entry, indent=1)
    place = home() / INDEX / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
    write_atomically(place, lambda file: file.write_text(text, encoding="utf-8"))


def kept_lineages() -> Iterator[Kept]:
    """Yield all lineages of the home, in a fixed order; one that cannot be read is logged and left out."""
    for path in sorted((home() / INDEX).glob("*.json")):
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            yield Kept(Path(entry["path"]), Lineage.read(entry["lineage"]))
        except (OSError, ValueError, KeyError, TypeError, BadInput) as err:
            log.warning("%s cannot be read (%s) and is left out", path, type(err).__name__)
