"""Commands for registered tables; as in `cli`, heavy libraries are imported only where they are needed."""

from __future__ import annotations

from pathlib import Path

from realmix.flows.terminal.options import Flag, Verbose
from realmix.flows.terminal.screen import tell


def register(
    card: Path,
    /,
    *,
    name: str | None = None,
    trust_card: Flag = False,
    i_am_responsible: str | None = None,
) -> None:
    """Register a table, so that its model is retrained when new rows arrive or on a schedule.

    Stores a copy of its rows and fixes for good which of them are set aside for the final check of models.
    Registering a known name again replaces its card and keeps its rows.

    Parameters
    ----------
    card
        Data card (YAML). Its `source` names the first rows; its `operation` says where new rows land, when
        to retrain and who promotes models.
    name
        Name of the table. Default: derived from its source.
    trust_card
        Run code of the current folder that the card names (`simulate`, `plugins`), now and in each retraining.
        Read it first: it has all your rights.
    i_am_responsible
        Why you answer for studies of a table whose card does not permit them; stored in the record of decisions.
    """
    from realmix.flows.terminal.tables import register as register_card

    registered = register_card(card, name, i_am_responsible, trust_card=trust_card)
    tell(
        f"Registered '{registered}'. Study it now with `realmix retrain {registered}`, or start `realmix up` "
        "to have it studied automatically."
    )


def unregister(table: str, /) -> None:
    """Remove a registered table: its new rows are no longer polled and its model is no longer retrained.

    Its studies, decisions and model versions stay, and its rows until `realmix clean` finds that nothing needs them.

    Parameters
    ----------
    table
        Name of a registered table.
    """
    from realmix.tasks.runtime.database import unregister_table

    unregister_table(table)
    tell(f"Removed '{table}'. Its rows and decisions stay; `realmix register CARD` registers it again.")


def status() -> None:
    """Show each registered table: last verdict, champion, new rows and the next run."""
    from realmix.flows.local import environment
    from realmix.flows.terminal.tables import status as lines

    environment.prepare()
    for line in lines():
        tell(line)


def retrain(table: str, /, *, quiet: Flag = False, verbose: Verbose = False) -> None:
    """Add new rows to a registered table and update its model as far as they require.

    Depending on how many rows are new and whether their distribution has drifted, it does nothing, refits
    the last winning model on all rows, or runs a full study.

    Parameters
    ----------
    table
        Name of a registered table.
    quiet
        Show no progress: only warnings and the result.
    verbose
        Print in a terminal every line of progress instead of the live view alone.
    """
    from realmix.flows.terminal.progress import detail_of
    from realmix.flows.terminal.run_study import exit_if_not_decided, run_retraining
    from realmix.flows.terminal.tables import print_entry
    from realmix.tasks.runtime.database import registered_table

    registered_table(table)
    entry = run_retraining(table, "asked", detail_of(quiet=quiet, verbose=verbose))
    assert entry is not None  # what is asked for is due
    print_entry(entry)
    exit_if_not_decided(entry.get("verdict"))


def watch(table: str | None = None, /) -> None:
    """Check once for new rows of a registered table and retrain if there are any; or watch all tables.

    With a table, for use with cron, without a server. Without one, it runs until Ctrl-C, checks all registered
    tables and asks the server that PREFECT_API_URL names for their retrainings; `realmix up` does this, too.

    Parameters
    ----------
    table
        Name of a registered table. Default: all of them, again and again.
    """
    if table is None:
        from realmix.flows import watcher

        watcher.main()
        return
    from realmix.flows.terminal.run_study import exit_if_not_decided, run_retraining
    from realmix.flows.terminal.tables import is_due, print_entry

    entry = run_retraining(table, "new data", is_due=is_due)
    if entry is None:
        tell(f"No new rows for '{table}'.")
        return
    print_entry(entry)
    exit_if_not_decided(entry.get("verdict"))


def promote(table: str, /, *, reason: str, by: str | None = None) -> None:
    """Make the model version that waits for approval the champion of its table.

    The champion is the model version in use: MLflow's alias `champion` points to it.

    Parameters
    ----------
    table
        Name of a registered table.
    reason
        Why; stored in the permanent record of decisions.
    by
        Name of the person who decides. Default: the current user of this machine.
    """
    from realmix.flows.terminal.tables import change_champion

    tell(change_champion("promote", table, reason, by))


def rollback(table: str, /, *, reason: str, by: str | None = None) -> None:
    """Restore the previous champion (the model version in use) of a table.

    Parameters
    ----------
    table
        Name of a registered table.
    reason
        Why; stored in the permanent record of decisions.
    by
        Name of the person who decides. Default: the current user of this machine.
    """
    from realmix.flows.terminal.tables import change_champion

    tell(change_champion("rollback", table, reason, by))


def up(*, prefect_port: int = 4200, mlflow_port: int = 5000) -> None:
    """Start servers on this machine that retrain registered tables automatically.

    Starts Prefect, MLflow and a worker, and runs until Ctrl-C or `realmix down`. Servers that
    PREFECT_API_URL or MLFLOW_TRACKING_URI (http) name are used instead of starting new ones.

    Parameters
    ----------
    prefect_port
        Port of 127.0.0.1 for Prefect; another free one if it is in use.
    mlflow_port
        Port of 127.0.0.1 for MLflow; another free one if it is in use.
    """
    from realmix.flows.local.up import up as supervise

    supervise(prefect_port, mlflow_port)


def down() -> None:
    """Stop `realmix up` and everything that it started."""
    from realmix.flows.local.up import down as stop

    stop()
