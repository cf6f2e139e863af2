"""Find the finished study of a registered table or of a folder."""

from __future__ import annotations

import json
from pathlib import Path

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.retraining_entry import last_study
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.runtime.database import decisions, registered_table
from realmix.tasks.runtime.study_folder import home


def chosen_study(table: str | None, study: Path | None) -> VerdictDocument:
    """Read the study that a table or a folder names.

    Parameters
    ----------
    table : str or None
        Registered table, whose latest study is read.
    study : Path or None
        Folder of a study instead.

    Raises
    ------
    BadInput
        If there is no such study.
    """
    if (table is None) == (study is None):
        raise BadInput("Name either a registered table, or a study's folder: realmix collect --study FOLDER.")
    return read_study(study or latest_study(str(table)))


def latest_study(table: str) -> Path:
    """Return the folder of a registered table's latest study.

    Raises
    ------
    BadInput
        If the table is not registered, or has none.
    """
    registered_table(table)
    found = last_study(decisions(table))
    if found is None:
        raise BadInput(f"The table '{table}' has no study yet: run `realmix retrain {table}` first.")
    return home() / "studies" / str(found.document["study"])


def read_study(folder: Path) -> VerdictDocument:
    """Read the verdict document in the folder of a study.

    Raises
    ------
    BadInput
        If there is none, or it cannot be read.
    """
    path = folder / "verdict.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as err:
        raise BadInput(f"{folder} holds no verdict.json: name the folder of a finished study.") from err
    except ValueError as err:
        raise BadInput(f"{path} is not JSON: name the folder of a study whose files are unchanged.") from err
    return VerdictDocument.read(data)
