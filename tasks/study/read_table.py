"""Read a table once and check it against its card, without importing what runs a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from realmix.tasks.core.table.card_parts import Use
from realmix.tasks.core.table.hints.find_hints import check_hints, find_hints
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.runtime.snapshots import describe_snapshot, store
from realmix.tasks.runtime.study_folder import Table
from realmix.tasks.study.permission import permission
from realmix.tasks.study.request import check_read, read_rows, table_name

# Tables that this process has read before their study began, by the study's folder.
_read_before: dict[str, Table] = {}


def read_table(request: StudyRequest, snapshots: Path, *, use: Use = "synthesize") -> Table:
    """Read and check the table a request names; nothing is written yet.

    Parameters
    ----------
    request : StudyRequest
    snapshots : Path
        Folder in which :func:`stored` will store it.
    use : {"synthesize", "share"}
        What the card has to permit.

    Raises
    ------
    BadInput
        If anything cannot be used as given, the card does not permit it, or a strong hint is open; of a registered table this was asked
        when it was registered, and what new rows hint at is logged.
    """
    raw, source, card, report = read_rows(request)
    name = table_name(card, request)
    is_registered = source.get("kind") == "registered"
    permitted = permission(card, use, request.responsible, registered=name if is_registered else None)
    snapshot = describe_snapshot(raw, snapshots, source=source)
    # The rows as they are stored: one digest has one schema, whatever the order or the types of the source.
    rows = snapshot.read()
    schema, reading = check_read(rows, card, report)
    hints = find_hints(rows, schema, card)
    if not is_registered:
        check_hints(hints)
    source = {**source, "reading": reading}
    return Table(name, snapshot, source, card, schema, hints, permitted)


def stored(table: Table) -> Table:
    """Store the snapshot of a table that was read."""
    return replace(table, snapshot=store(table.snapshot))


def hand_over(table: Table, out: str) -> None:
    """Give a table that was just read to the study in a folder, which will run in this process."""
    _read_before[out] = table


def handed_over(out: str) -> Table | None:
    """Return the table that was read for the study in a folder, once; None if there is none."""
    return _read_before.pop(out, None)
