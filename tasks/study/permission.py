"""Ask the data card whether synthetic rows may be made of a table, and record who answers for it otherwise."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

from realmix.tasks.core.lifecycle.entries import RESPONSIBILITY, Responsibility
from realmix.tasks.core.provenance.permission import Permission, check_permission, find_gaps
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Use


def permission(card: DataCard, use: Use, reason: str | None, *, registered: str | None = None) -> Permission:
    """Return the permission to use a table as of today.

    Parameters
    ----------
    card : DataCard
    use : {"synthesize", "share"}
    reason : str or None
        Of the person who answers for it now.
    registered : str, optional
        Name of a registered table, for which somebody may have answered before.

    Raises
    ------
    NotPermitted
    """
    today = datetime.now(UTC).date()
    if registered and not reason:
        reason = answered_before(registered, use, find_gaps(card, use, today=today))
    return check_permission(card, use, today=today, reason=reason)


def answered_before(table: str, use: Use, gaps: tuple[str, ...]) -> str | None:
    """Return the latest reason that was recorded for all studies of a table and covers these gaps."""
    if not gaps:
        return None
    # Like below: what is wrong with a request is said before the database's libraries are imported.
    from realmix.tasks.runtime.database import decisions

    answers = [Responsibility.read(entry.document) for entry in decisions(table, RESPONSIBILITY)]
    covering = [a.reason for a in answers if a.use == use and a.study is None and {*gaps} <= {*a.gaps}]
    return covering[-1] if covering else None


def record_responsibility(table: str, found: Permission, snapshot: str, *, study: str | None = None) -> None:
    """Record who answers for a use, once; nothing where the card permits it or somebody answered for all studies."""
    if found.reason is None or answered_before(table, found.use, found.gaps) == found.reason:
        return
    from realmix.tasks.runtime.database import decisions, record_decision

    entry = Responsibility.build(
        {
            "use": found.use,
            "gaps": found.gaps,
            "reason": found.reason,
            "by": getpass.getuser(),
            "snapshot": snapshot,
        }
        | ({"study": study} if study else {})
    ).to_dict()
    # A study that was interrupted goes on with the same answer.
    if all(entry != former.document for former in decisions(table, RESPONSIBILITY)):
        record_decision(table, RESPONSIBILITY, entry)
