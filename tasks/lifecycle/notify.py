"""Send notifications: to a webhook, a Prefect notification block, or any service that apprise supports."""

from __future__ import annotations

import json
import logging
import os
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.errors import BadInput, NoAnswer, RealmixError
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.study.retries import RETRIES

log = logging.getLogger("realmix")
Event = Literal["failed", "refused", "drift", "waiting", "promoted"]
BLOCK = "block:"
TIMEOUT_SECONDS = 10
# Too many requests, and errors of a server that may be restarting.
BUSY = (429, 500, 502, 503, 504)


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
        send(target, table, event, sentence)
    except RealmixError as err:
        log.warning("No notification was sent to %s that '%s' is %s: %s", target, table, event, err)
        return False
    return True


@task(task_run_name="notify-{event}", cache_policy=NO_CACHE, **RETRIES)
def send(target: str, table: str, event: Event, sentence: str) -> None:
    """Send one message to one target; Prefect stores how it ends, so no error holds the URL.

    Raises
    ------
    NoAnswer
        If the service does not answer, or says that it is overloaded.
    BadInput
        If it refuses, or the target is no address.
    """
    try:
        _send(target, table, event, sentence)
    except HTTPError as err:
        err.close()
        error = NoAnswer if err.code in BUSY else BadInput
        raise error(f"the service answered with status {err.code}.") from None
    except OSError as err:
        raise NoAnswer(f"the service does not answer ({type(err).__name__}).") from None
    except Exception as err:  # whatever a service's library raises; its message may hold the URL
        raise BadInput(f"{type(err).__name__}; check the variable {target}.") from None


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
