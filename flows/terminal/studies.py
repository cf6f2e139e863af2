"""Find studies: those of `realmix run` in the current folder, and those of registered tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from realmix.flows.terminal.collect import read_study
from realmix.flows.terminal.run_study import RUNS
from realmix.tasks.core.errors import BadInput, unknown_name
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.runtime.study_folder import LOCK, home, is_held

VERDICT = "verdict.json"


@dataclass(frozen=True)
class Found:
    """A study's folder and what is known of it; `document` is None for one that is not finished."""

    folder: Path
    changed: datetime
    state: str
    document: VerdictDocument | None


def find_studies() -> list[Found]:
    """Return the studies under ``runs/`` and in the home, latest first."""
    places = [each for parent in (RUNS, home() / "studies") if parent.is_dir() for each in parent.iterdir()]
    found = [study for folder in places if (study := _look(folder))]
    return sorted(found, key=lambda study: (study.changed, study.folder), reverse=True)


def _look(folder: Path) -> Found | None:
    if (folder / VERDICT).exists():
        changed = datetime.fromtimestamp((folder / VERDICT).stat().st_mtime)
        try:
            document = read_study(folder)
        except BadInput:
            return Found(folder, changed, "cannot be read", None)
        return Found(folder, changed, document.word, document)
    if not (folder / LOCK).exists():
        return None
    changed = datetime.fromtimestamp((folder / LOCK).stat().st_mtime)
    return Found(folder, changed, "running" if is_held(folder / LOCK) else "interrupted", None)


def study_folder(run: str) -> Path:
    """Return the folder of a finished study that is named by its path or by its name.

    Raises
    ------
    BadInput
        If there is none.
    """
    if (Path(run) / VERDICT).exists():
        return Path(run)
    named = {study.folder.name: study.folder for study in find_studies() if study.document}
    if run in named:
        return named[run]
    if not named:
        raise BadInput(
            f"No study '{run}': there is none in {RUNS}/ or {home()}. Give the folder of one, or make one with "
            "`realmix run TABLE --target COLUMN`."
        )
    raise unknown_name("study", run, named)


def read_tracked(folder: Path) -> VerdictDocument:
    """Read a study's verdict document, with where MLflow holds it."""
    document = read_study(folder)
    try:
        tracking = json.loads((folder / "tracking.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return document
    return VerdictDocument.read(document.to_dict() | {"tracking": tracking})


def rows_of(studies: list[Found]) -> Iterator[tuple[str, ...]]:
    """Yield a row of text for each study: folder, date and time, table, rows, verdict, gain."""
    from realmix.tasks.core.words import gain_in_words

    for study in studies:
        document = study.document
        about = ("", "", "")
        if document:
            gain = document.validation.promised_gain if document.winner.recipe.synthesizer else None
            promised = "" if gain is None else gain_in_words(gain, document.metric.margin_is_relative)
            about = (document.table.name, f"{document.table.n_rows:,}", promised)
        name, rows, promised = about
        yield str(study.folder.name), f"{study.changed:%Y-%m-%d %H:%M}", name, rows, study.state, promised
