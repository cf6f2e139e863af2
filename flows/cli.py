"""The command line. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from tasks.core.errors import BadInput, RealmixError

app = cyclopts.App(
    name="realmix",
    help="Find out whether synthetic rows make your model better, and ship the mix that really does.",
    version_flags=["--version"],
)
INTERRUPTED = 130
Names = Annotated[list[str] | None, Parameter(consume_multiple=True)]


@app.command
def run(
    table: str | None = None,
    /,
    *,
    target: str | None = None,
    positive: str | None = None,
    task: Literal["binary", "multiclass", "regression"] | None = None,
    card: Path | None = None,
    synthesizers: Names = None,
    ratios: Annotated[list[float] | None, Parameter(consume_multiple=True)] = None,
    models: Names = None,
    metric: str | None = None,
    budget: str = "4m",
    seed: int = 0,
    out: Path | None = None,
    plan: Path | None = None,
    runner: Literal["threads", "dask"] = "threads",
    address: str | None = None,
) -> None:
    """Study a table: from real rows to a verdict.

    Parameters
    ----------
    table
        CSV, CSV.gz or Parquet file, URL, sql:TABLE or bundled:NAME; the bundled table if none.
    target
        Column to predict.
    positive
        Label of the positive class.
    task
        Inferred from the target when not given.
    card
        Data card (YAML); `realmix card TABLE` writes one to start from.
    synthesizers
        Names; chosen by the plan when not given.
    ratios
        Synthetic rows per real row.
    models
        Downstream learners.
    metric
        Metric that decides; log-loss or RMSE when not given.
    budget
        Wall time for the whole run, for example 90s, 5m, 1h.
    seed
        Of the study.
    out
        Folder for the results; runs/<study> when not given.
    plan
        plan.json of an earlier study, replayed as it is.
    runner
        Where the work runs: worker processes of this machine, or a Dask cluster.
    address
        Of a Dask scheduler, tcp://host:port or tls://host:port; a cluster on this machine when not given.
    """
    from flows.session import run_study
    from tasks.core.config import parse_request

    request = parse_request(
        table=table,
        card=str(card) if card else None,
        target=target,
        positive=positive,
        task=task,
        synthesizers=tuple(synthesizers) if synthesizers else None,
        ratios=tuple(ratios) if ratios else None,
        models=tuple(models) if models else None,
        metric=metric,
        budget_seconds=parse_budget(budget),
        seed=seed,
        out=str(out) if out else "",
        plan=str(plan) if plan else None,
    )
    run_study(request, runner=runner, address=address)


@app.command
def preview(
    table: str | None = None,
    /,
    *,
    target: str | None = None,
    positive: str | None = None,
    task: Literal["binary", "multiclass", "regression"] | None = None,
    card: Path | None = None,
    metric: str | None = None,
    seed: int = 0,
) -> None:
    """Say in about 20 seconds whether a study of a table is worth it; writes nothing.

    Parameters
    ----------
    table
        As for `realmix run`.
    target
        Column to predict.
    positive
        Label of the positive class.
    task
        Inferred from the target when not given.
    card
        Data card (YAML).
    metric
        Metric that decides; log-loss or RMSE when not given.
    seed
        Of the folds and fits.
    """
    from flows.preview import run_preview
    from tasks.core.config import parse_request

    request = parse_request(
        table=table,
        card=str(card) if card else None,
        target=target,
        positive=positive,
        task=task,
        metric=metric,
        seed=seed,
        out="",
    )
    run_preview(request)


@app.command
def card(
    table: str,
    /,
    *,
    target: str,
    task: Literal["binary", "multiclass", "regression"] | None = None,
    positive: str | None = None,
    out: Path | None = None,
) -> None:
    """Write the data card that would be inferred for a table, for editing.

    Parameters
    ----------
    table
        As for `realmix run`.
    target
        Column to predict.
    task, positive
        Inferred when not given.
    out
        File to write; standard output when not given.
    """
    from tasks.core.cards import card_to_yaml, infer_card
    from tasks.core.locations import without_secrets
    from tasks.core.schema import infer_schema
    from tasks.core.snapshots import write_atomically
    from tasks.sources import open_source

    raw = open_source(table).load()
    inferred = infer_card(raw, target, without_secrets(table), task=task, positive=positive)
    # A leak is no obstacle here: the card is where it is ignored or allowed.
    schema = infer_schema(
        raw, target, task=task, positive=positive, kinds=inferred.columns, roles=inferred.roles
    )
    text = card_to_yaml(inferred, schema)
    if out is None:
        print(text, end="")
        return
    write_atomically(out, lambda file: file.write_text(text, encoding="utf-8"))
    print(f"Wrote {out}. Edit it, then: realmix run --card {out}")


@app.command
def ui(*, port: int = 5000) -> None:
    """Open MLflow's pages over the local store, on this machine only.

    Parameters
    ----------
    port
        Port on 127.0.0.1.
    """
    from flows import environment

    environment.prepare()
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    uri = os.environ["MLFLOW_TRACKING_URI"]
    print(f"MLflow on {uri}: http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    server = [
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        uri,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    os.execv(sys.executable, [sys.executable, *server])


@app.command
def register(card: Path, /, *, name: str | None = None) -> None:
    """Take a table on: keep its rows, freeze its holdout, and let `realmix up` look after it.

    Parameters
    ----------
    card
        Data card (YAML) with `source` and, for what happens later, `operation`.
    name
        Of the table; after its source when not given.
    """
    from flows.operate import register as take_on

    taken = take_on(card, name)
    print(f"Registered '{taken}'. `realmix retrain {taken}` studies it now; `realmix up` does so by itself.")


@app.command
def retrain(table: str, /) -> None:
    """Take in the rows that wait for a table and do again as much of its study as they are worth.

    Parameters
    ----------
    table
        Of a registered table.
    """
    from flows.operate import print_entry
    from flows.session import run_retraining
    from tasks.core.state import registered_table

    registered_table(table)
    print_entry(run_retraining(table, "asked"))


@app.command
def watch(table: str, /) -> None:
    """Look once for new rows of a table and retrain if there are any: for cron, without a server.

    Parameters
    ----------
    table
        Of a registered table.
    """
    from flows.operate import is_due, print_entry
    from flows.session import run_retraining

    if not is_due(table):
        print(f"Nothing new for '{table}'.")
        return
    print_entry(run_retraining(table, "new data"))


@app.command
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
    from flows.operate import change_champion

    print(change_champion("promote", table, reason, by))


@app.command
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
    from flows.operate import change_champion

    print(change_champion("rollback", table, reason, by))


@app.command
def sync() -> None:
    """Tell MLflow of the studies it has not taken yet."""
    from flows import environment

    environment.prepare()
    from tasks.promote import sync as tell

    print(f"{tell()} studies were told.")


@app.command
def status() -> None:
    """Say of each registered table what it is, what was decided, and what waits."""
    from flows import environment
    from flows.operate import status as lines

    environment.prepare()
    for line in lines():
        print(line)


@app.command
def doctor() -> None:
    """Say which tier is in use, what works in it, and what is wrong, each with its fix."""
    from flows.operate import doctor as examine

    findings = examine()
    for finding in findings:
        print(f"{'ok ' if finding.is_well else 'BAD'} {finding.subject}: {finding.said}")
    if not all(finding.is_well for finding in findings):
        sys.exit(1)


@app.command
def up(*, prefect_port: int = 4200, mlflow_port: int = 5000) -> None:
    """Start Prefect, MLflow and a worker on this machine and look after every registered table.

    Parameters
    ----------
    prefect_port, mlflow_port
        On 127.0.0.1; other free ones are taken where these are in use.
    """
    from flows.up import up as supervise

    supervise(prefect_port, mlflow_port)


@app.command
def down() -> None:
    """Stop what `realmix up` started."""
    from flows.up import down as stop

    stop()


def parse_budget(text: str) -> float:
    """Read a duration such as ``90s``, ``5m``, ``1h30m`` or plain seconds.

    Returns
    -------
    float
        Seconds.

    Examples
    --------
    >>> parse_budget("5m"), parse_budget("1h30m"), parse_budget("45")
    (300.0, 5400.0, 45.0)
    """
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text.strip().lower())
    parts = [int(part) for part in match.groups(default="0")] if match else []
    seconds = float(parts[0] * 3600 + parts[1] * 60 + parts[2]) if parts else 0.0
    if seconds < 30:
        raise BadInput(f"--budget {text!r} is no duration of at least 30 s: write for example 90s, 5m or 1h.")
    return seconds


def main() -> None:
    """Run the command line; an error a user can mend is one sentence and exit code 2."""
    # A card's simulation may lie in the folder the study is started in; last, so it hides nothing.
    sys.path.append(str(Path.cwd()))
    try:
        app()
    except RealmixError as err:
        print(f"realmix: {err}", file=sys.stderr)
        sys.exit(err.exit_code)
    except BrokenPipeError:
        os._exit(0)
    except OSError as err:
        from tasks.core.snapshots import explain_os_error

        print(f"realmix: {explain_os_error(err, Path(err.filename or '.'))}", file=sys.stderr)
        sys.exit(BadInput.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception:
        print(f"realmix: this should not have happened; details are in {_keep_traceback()}.", file=sys.stderr)
        sys.exit(1)


def _keep_traceback() -> str:
    """Write the traceback of the error at hand to a file of its own."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="realmix-", suffix=".log", delete=False) as file:
        traceback.print_exc(file=file)
    return file.name


if __name__ == "__main__":
    main()
