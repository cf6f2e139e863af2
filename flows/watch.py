"""The flow `watch`: poll for new batches of a table and request one retraining for them."""

from __future__ import annotations

import logging
from typing import Any

from prefect import flow
from prefect.deployments import run_deployment

from realmix.tasks.lifecycle.land import land, waiting_key

log = logging.getLogger("realmix")
# A retraining that fails this often on the same rows needs a person.
MAX_ATTEMPTS = 5


@flow(name="watch", flow_run_name="watch-{table}")
def watch(table: str) -> str | None:
    """Poll for new batches of a table and request one retraining for all that wait.

    Parameters
    ----------
    table : str
        Name of a registered table.

    Returns
    -------
    str or None
        Id of the flow run that was requested; None if nothing waits.

    Notes
    -----
    Requires: a Prefect server with the deployment ``retrain/<table>``, and the variables that
    the card's ``operation.landing`` needs (``REALMIX_SQL_URL``, keys of the object store).

    Started by hand or by an event; :mod:`realmix.flows.watcher` polls at intervals without a flow run.

    A crash between polling and requesting loses nothing: the next poll requests a retraining for all
    batches that wait. The idempotency key is derived from their content, so that two watchers, or a second
    poll, create one run.
    """
    land(table)
    return request_retraining(table)


def request_retraining(table: str) -> str | None:
    """Request one retraining for all rows that wait; return the id of its flow run, None if nothing waits."""
    key = waiting_key(table)
    if key is None:
        return None
    for attempt in range(MAX_ATTEMPTS):
        run: Any = run_deployment(
            f"retrain/{table}",
            parameters={"table": table, "why": "new data"},
            timeout=0,
            as_subflow=False,
            idempotency_key=f"{key}:{attempt}",
        )
        if run.state is None or not run.state.is_final():
            return str(run.id)
    log.warning(
        "%d retrainings of %s ended without processing its new rows: see their logs", MAX_ATTEMPTS, table
    )
    return None
