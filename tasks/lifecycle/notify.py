"""Send notifications: to a webhook, a Prefect notification block, or any service that apprise supports."""

from __future__ import annotations

import json
import logging
import os
from typing import Any, Literal
from urllib.request import Request, urlopen

from realmix.tasks.core.decision.verdict import NOT_DECIDED
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.table.card import Operation

log = logging.getLogger("realmix")
Event = Literal["failed", "refused", "drift", "waiting", "promoted"]
BLOCK = "block:"
TIMEOUT_SECONDS = 10


def notify(operation: Operation, table: str, event: Event, sentence: str) -> int:
    """Send one message to all targets that the card names; a failure is logged, not raised.

    Parameters
    ----------
    operation : Operation
        Its `notify` holds names of environment variables with URLs, which are secrets, and Prefect
        blocks as ``block:TYPE/NAME``. An ``http(s)`` URL takes a POST of one JSON object; other
        schemes are apprise's, https://github.com/caronc/apprise.
    table : str
    event : {"failed", "refused", "drift", "waiting", "promoted"}
    sentence : str
        For people; holds no cells.

    Returns
    -------
    int
        Messages sent.
    """
    return sum(_is_sent(target, table, event, sentence) for target in operation.notify)


def _is_sent(target: str, table: str, event: Event, sentence: str) -> bool:
    try:
        _send(target, table, event, sentence)
    except Exception as err:  # whatever a service or its library raises; its message may hold the URL
        log.warning(
            "No notification was sent to %s that '%s' is %s (%s)", target, table, event, type(err).__name__
        )
        return False
    return True


def _send(target: str, table: str, event: Event, sentence: str) -> None:
    subject = f"realmix: {table}: {event}"
    if target.startswith(BLOCK):
        from prefect.blocks.core import Block

        block: Any = Block.load(target.removeprefix(BLOCK))
        block.notify(body=sentence, subject=subject)
        return
    url = os.environ[target]
    if url.startswith(("http://", "https://")):
        message = json.dumps({"table": table, "event": event, "sentence": sentence}).encode()
        request = Request(url, data=message, headers={"Content-Type": "application/json"}, method="POST")
        urlopen(request, timeout=TIMEOUT_SECONDS).close()
        return
    import apprise

    service = apprise.Apprise()
    if not (service.add(url) and service.notify(body=sentence, title=subject)):
        raise ConnectionError


def notify_of_judgement(table: Registered, judgement: dict[str, Any]) -> None:
    """Notify of a new champion or of a challenger that waits for approval, not of one that lost."""
    if judgement["word"] == "first" or judgement["word"] == "keep champion":
        return
    if judgement["word"] == NOT_DECIDED:
        notify(table.card.operation, table.name, "failed", judgement["reason"])
        return
    event: Event = "promoted" if judgement["promoted"] else "waiting"
    notify(table.card.operation, table.name, event, judgement["reason"])


def notify_of_refused(table: Registered, arrivals: list[dict[str, Any]]) -> None:
    """Notify of batches that were refused."""
    for arrival in arrivals:
        if arrival["status"] == "refused":
            notify(table.card.operation, table.name, "refused", f"{arrival['name']}: {arrival['reason']}")
