"""Commands that look after registered tables; as in `realmix.flows.terminal.cli`, heavy libraries wait for the one that needs them."""

from __future__ import annotations

import sys
from pathlib import Path


def register(card: Path, /, *, name: str | None = None) -> None:
    """Take a table on: keep its rows, freeze its holdout, and let `realmix up` look after it.

    Parameters
    ----------
    card
        Data card (YAML) with `source` and, for what happens later, `operation`.
    name
        Of the table; after its source when not given.
    """
    from realmix.flows.terminal.tables import register as take_on

    taken = take_on(card, name)
    print(f"Registered '{taken}'. `realmix retrain {taken}` studies it now; `realmix up` does so by itself.")


def retrain(table: str, /) -> None:
    """Take in the rows that wait for a table and do again as much of its study as they are worth.

    Parameters
    ----------
    table
        Of a registered table.
    """
    from realmix.flows.terminal.run_study import run_retraining
    from realmix.flows.terminal.tables import print_entry
    from realmix.tasks.runtime.database import registered_table

    registered_table(table)
    print_entry(run_retraining(table, "asked"))


def watch(table: str, /) -> None:
    """Look once for new rows of a table and retrain if there are any: for cron, without a server.

    Parameters
    ----------
    table
        Of a registered table.
    """
    from realmix.flows.terminal.run_study import run_retraining
    from realmix.flows.terminal.tables import is_due, print_entry

    if not is_due(table):
        print(f"Nothing new for '{table}'.")
        return
    print_entry(run_retraining(table, "new data"))


def promote(table: str, /, *, reason: str, by: str | None = None) -> None:
    """Make the challenger of a table its champion.

    Parameters
    ----------
    table
        Of a registered table.
    reason
        For the record, which cannot be changed.
    by
        Who decides; the user of this machine when not given.
    """
    from realmix.flows.terminal.tables import change_champion

    print(change_champion("promote", table, reason, by))


def rollback(table: str, /, *, reason: str, by: str | None = None) -> None:
    """Give a table its last champion back.

    Parameters
    ----------
    table
        Of a registered table.
    reason
        For the record, which cannot be changed.
    by
        Who decides; the user of this machine when not given.
    """
    from realmix.flows.terminal.tables import change_champion

    print(change_champion("rollback", table, reason, by))


def sync() -> None:
    """Tell MLflow of the studies it has not taken yet."""
    from realmix.flows.local import environment

    environment.prepare()
    from realmix.tasks.lifecycle.promote import sync as tell

    print(f"{tell()} studies were told.")


def status() -> None:
    """Say of each registered table what it is, what was decided, and what waits."""
    from realmix.flows.local import environment
    from realmix.flows.terminal.tables import status as lines

    environment.prepare()
    for line in lines():
        print(line)


def doctor() -> None:
    """Say which tier is in use, what works in it, and what is wrong, each with its fix."""
    from realmix.flows.terminal.doctor import doctor as examine

    findings = examine()
    for finding in findings:
        print(f"{'ok ' if finding.is_well else 'BAD'} {finding.subject}: {finding.said}")
    if not all(finding.is_well for finding in findings):
        sys.exit(1)


def up(*, prefect_port: int = 4200, mlflow_port: int = 5000) -> None:
    """Start Prefect, MLflow and a worker on this machine and look after every registered table.

    Parameters
    ----------
    prefect_port, mlflow_port
        On 127.0.0.1; other free ones are taken where these are in use.
    """
    from realmix.flows.local.up import up as supervise

    supervise(prefect_port, mlflow_port)


def down() -> None:
    """Stop what `realmix up` started."""
    from realmix.flows.local.up import down as stop

    stop()
