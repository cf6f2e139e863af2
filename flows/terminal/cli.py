"""The command line. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from realmix.flows.terminal import table_commands
from realmix.tasks.core.errors import BadInput, RealmixError

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
    device: Literal["cpu", "cuda"] = "cpu",
    runner: Literal["threads", "dask"] = "threads",
    address: str | None = None,
    storage: str | None = None,
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
    device
        Where GANs, VAEs and boosted trees train; cuda is an NVIDIA GPU, if one can be used.
    runner
        Where the work runs: worker processes of this machine, or a Dask cluster.
    address
        Of a Dask scheduler, tcp://host:port or tls://host:port; a cluster on this machine when not given.
    storage
        s3://bucket/prefix through which the workers get their rows, where they do not see the folder of --out.
    """
    from realmix.flows.terminal.run_study import run_study
    from realmix.tasks.core.table.request import parse_request

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
        device=device,
        storage=storage,
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
    from realmix.flows.terminal.preview import run_preview
    from realmix.tasks.core.table.request import parse_request

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
    from realmix.tasks.core.table.infer_card import card_to_yaml, infer_card
    from realmix.tasks.core.table.infer_schema import infer_schema
    from realmix.tasks.core.urls import without_secrets
    from realmix.tasks.runtime.snapshots import write_atomically
    from realmix.tasks.sources import open_source

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
    from realmix.flows.local import environment
    from realmix.flows.local.supervisor import mlflow_command, mlflow_store
    from realmix.tasks.core.urls import without_secrets

    environment.prepare()
    uri = os.environ["MLFLOW_TRACKING_URI"]
    if uri.startswith("http"):
        print(f"MLflow: {without_secrets(uri)}")
        return
    os.environ |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **mlflow_store()}
    print(f"MLflow on {uri}: http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    os.execv(sys.executable, [sys.executable, "-m", *mlflow_command(port)])


for looked_after in (
    table_commands.register,
    table_commands.retrain,
    table_commands.watch,
    table_commands.promote,
    table_commands.rollback,
    table_commands.sync,
    table_commands.status,
    table_commands.doctor,
    table_commands.up,
    table_commands.down,
):
    app.command(looked_after)


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
        from realmix.tasks.runtime.snapshots import explain_os_error

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
