"""Read a sheet of an Excel or OpenDocument workbook as comma-separated text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.memory_estimate import GIB
from realmix.tasks.core.versions import require
from realmix.tasks.runtime.memory import usable_bytes
from realmix.tasks.sources._compressed import DECOMPRESSED, check_bytes

READER = Path(__file__).with_name("_sheet_cells.py")
N_NAMES_SHOWN = 20


def sheet_as_csv(content: bytes, where: str, sheet: str | None = None) -> tuple[bytes, np.ndarray, str]:
    """Write the cells of one sheet as comma-separated text, a row a record.

    Parameters
    ----------
    content : bytes
        ``.xlsx``, ``.xls`` or ``.ods``.
    where : str
        Name of the file, for messages.
    sheet : str, optional
        Name of the sheet; needed where several hold cells.

    Returns
    -------
    text : bytes
        Numbers as the shortest text that means the same, dates as ISO 8601.
    starts : ndarray of int64, shape (n_rows,)
        Line of `text` on which each row of the sheet begins, from 1.
    name : str
        Of the sheet.

    Raises
    ------
    BadInput
        If the extra ``excel`` is not installed, the workbook is damaged, has a password or is too large, or
        it is not clear which sheet is meant.
    """
    require("python_calamine", "excel", f"The workbook {where}")
    max_bytes = usable_bytes()
    command = [sys.executable, "-P", str(READER), str(max_bytes), json.dumps(sheet)]
    done = subprocess.run(command, input=content, capture_output=True)
    head, _, text = done.stdout.partition(b"\n")
    if done.returncode or not head:
        raise BadInput(
            f"{where} takes more than {max_bytes / GIB:.1f} GiB of memory to open, the most that a study may use here, "
            "or over ten minutes: a cell may stand far away from the table. Save the rows alone, as CSV."
        )
    found = json.loads(head)
    if "problem" in found:
        raise BadInput(
            f"{where} starts like a workbook but cannot be read ({found['problem']}): it is damaged, has a "
            "password or is another kind of document. Save the sheet as CSV."
        )
    _check_chosen(found, sheet, where)
    check_bytes(len(text), f"{where}{DECOMPRESSED}")
    return text, np.array(found["starts"], dtype=np.int64), found["filled"][0]


def _check_chosen(found: dict[str, Any], asked: str | None, where: str) -> None:
    names = ", ".join(f"'{name}'" for name in found["names"][:N_NAMES_SHOWN])
    filled = found["filled"]
    if asked is not None and asked not in found["names"]:
        raise BadInput(f"{where} has no sheet '{asked}'; it has {names}. Correct the name after '#'.")
    if len(filled) > 1:
        location = where.removesuffix(DECOMPRESSED)
        raise BadInput(
            f"{where} has {len(filled)} sheets: {names}. Name one, as in {location}#{filled[0]}; in a landing place, "
            "put a file with the one sheet of the rows."
        )
    if not filled:
        raise BadInput(f"{where} holds no cells; expected a header and rows. Check the sheet.")
