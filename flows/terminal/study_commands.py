"""Commands that study a table; as in `cli`, heavy libraries are imported only where they are needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from realmix.flows.terminal.options import Flag, Names, Task, Verbose
from realmix.flows.terminal.screen import tell
from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.file_names import check_table_name

if TYPE_CHECKING:
    from realmix.tasks.core.report.verdict_document import VerdictDocument


def run(
    table: str | None = None,
    /,
    *,
    target: str | None = None,
    positive: str | None = None,
    task: Task | None = None,
    card: Path | None = None,
    synthesizers: Names = None,
    ratios: Annotated[list[float] | None, Parameter(consume_multiple=True, negative="")] = None,
    models: Names = None,
    teachers: Names = None,
    metric: str | None = None,
    budget: str = "4m",
    seed: int = 0,
    out: Path | None = None,
    plan: Path | None = None,
    device: Literal["cpu", "cuda"] = "cpu",
    runner: Literal["threads", "dask"] = "threads",
    address: str | None = None,
    storage: str | None = None,
    trust_card: Flag = False,
    i_am_responsible: str | None = None,
    quiet: Flag = False,
    json: Flag = False,
    verbose: Verbose = False,
) -> None:
    """Study a table: decide whether adding synthetic training rows makes a model of it better.

    Sets some real rows aside for a final check, trains models on real rows alone and on real rows mixed
    with synthetic ones, and compares them on rows that neither has seen. Prints the verdict and writes a
    report, the better model and its training rows to a folder. Without arguments it studies a bundled
    example table.

    Parameters
    ----------
    table
        CSV, JSON lines, Parquet or Excel file (book.xlsx#SHEET); URL such as https://... or s3://...;
        sql:TABLE (in the database that REALMIX_SQL_URL names); table:NAME (registered) or bundled:NAME
        (example). Default: the `source` of --card, else 2,000 rows of bundled:bank_marketing.
    target
        Column to predict. Needed unless --card, a registered or a bundled table names it.
    positive
        For a target with two values: the value whose probability is predicted. Default: from the card,
        else the value that reads like "yes" (such as yes, true or 1), else the rarer one.
    task
        Kind of prediction. Default: from the card, else inferred: two values are binary, numbers a
        regression (up to 10 distinct whole numbers: multiclass), anything else multiclass.
    card
        Data card: a YAML file that declares what the columns mean. `realmix card` writes one to start from.
    synthesizers
        Generators of synthetic rows to compare, among copulagan, ctgan, dp, gaussian-copula,
        neighbour-swap, rules, sequential-trees, simulation, smote and tvae; also module:SPEC for your own.
        Default: those that fit into --budget.
    ratios
        Amounts of synthetic rows to compare, each in synthetic rows per real row, above 0 and at most 100.
        Default: 0.5 1 2 5, or fewer if --budget is short.
    models
        Models to train, among decision-tree, ensemble, linear, mlp, random-forest, scorecard and xgboost; also
        module:SPEC for your own. Default: those that fit into --budget.
    teachers
        Pretrained models that label rows beside the usual ones, tabpfn or tabicl; also module:SPEC for your
        own. Default: those of the card. They need a library and weights that you install yourself.
    metric
        Metric that decides which training rows are better: accuracy, average_precision, balanced_accuracy,
        brier, calibration_error, cost, f1, log_loss, recall_at_alert_rate or roc_auc; for a regression mae, r2
        or rmse; also module:SPEC for your own. Default: that of the card, else log_loss or rmse.
    budget
        Time to plan for, from start to verdict: 90s, 5m, 1h30m, or a plain number of seconds; at least 30s.
    seed
        Random seed, 0 or above. The same seed and plan give the same result.
    out
        Folder for the results; new, empty, or that of an interrupted study, which is then continued.
        Default: that of the same study if it was interrupted, else runs/NAME-DATE-TIME in the current folder.
    plan
        The plan.json of an earlier study, to repeat it with the same settings; other options then only
        choose the table, its card, --out and where the work runs.
    device
        Hardware that trains GANs, VAEs and boosted trees: cuda is an NVIDIA GPU; if none can be used, the
        CPU is used instead.
    runner
        Engine: threads runs worker processes on this machine, dask uses a Dask cluster.
    address
        With --runner dask: address of the scheduler, tcp://host:port or tls://host:port. Default: start
        a cluster on this machine.
    storage
        With --runner dask: s3://bucket/prefix through which the workers read and write the files of the
        study. Default: none; all workers must then see the folder of --out under the same path.
    trust_card
        Run code of the current folder that the card names (`simulate`, `plugins`). Read it first: it has all
        your rights.
    i_am_responsible
        Why you answer for the study although the card does not permit it; stored with it and in the record of
        decisions.
    quiet
        Show no progress: only warnings and the verdict.
    json
        Print the core of verdict.json instead of the verdict; progress goes to standard error as always.
    verbose
        Print in a terminal every line of progress instead of the live view alone.
    """
    check_table_name(table)
    from realmix.flows.terminal.progress import detail_of
    from realmix.flows.terminal.run_study import run_study
    from realmix.tasks.core.table.request import parse_request

    def show(document: VerdictDocument, folder: Path) -> None:
        from realmix.flows.terminal.show_study import print_core, print_verdict

        (print_core if json else print_verdict)(document, folder)

    request = parse_request(
        table=table,
        card=str(card) if card else None,
        target=target,
        positive=positive,
        task=task,
        synthesizers=tuple(synthesizers) if synthesizers else None,
        ratios=tuple(ratios) if ratios else None,
        models=tuple(models) if models else None,
        teachers=tuple(teachers) if teachers else None,
        metric=metric,
        budget_seconds=parse_budget(budget),
        seed=seed,
        out=str(out) if out else "",
        plan=str(plan) if plan else None,
        device=device,
        storage=storage,
        trust_card=trust_card,
        responsible=i_am_responsible,
    )
    run_study(
        request,
        runner=runner,
        address=address,
        detail=detail_of(quiet=quiet, verbose=verbose),
        show=show,
    )


def preview(
    table: str | None = None,
    /,
    *,
    target: str | None = None,
    positive: str | None = None,
    task: Task | None = None,
    card: Path | None = None,
    metric: str | None = None,
    seed: int = 0,
    trust_card: Flag = False,
) -> None:
    """Estimate in about 20 seconds whether a full study of a table is worthwhile; leave no files.

    Trains a few cheap models and generators and prints how much better synthetic rows might make a model,
    and the smallest provable gain to expect of `realmix run` with this many rows.

    Parameters
    ----------
    table
        File, URL, sql:TABLE, table:NAME or bundled:NAME, as for `realmix run`.
        Default: the `source` of --card, else 2,000 rows of bundled:bank_marketing.
    target
        Column to predict. Needed unless --card, a registered or a bundled table names it.
    positive
        For a target with two values: the value whose probability is predicted. Default: from the card,
        else the value that reads like "yes" (such as yes, true or 1), else the rarer one.
    task
        Kind of prediction. Default: from the card, else inferred from the values of the target.
    card
        Data card: a YAML file that declares what the columns mean.
    metric
        Metric that decides, for example roc_auc; also module:SPEC for your own. Default: that of the
        card, else log_loss or, for a regression, rmse.
    seed
        Random seed of splits and fits, 0 or above.
    trust_card
        Run code of the current folder that the card names (`simulate`, `plugins`). Read it first.
    """
    check_table_name(table)
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
        trust_card=trust_card,
        out="",
    )
    run_preview(request)


def card(
    table: str,
    /,
    *,
    target: str,
    task: Task | None = None,
    positive: str | None = None,
    out: Path | None = None,
) -> None:
    """Write a starting data card (YAML) for a table, to edit and give to `realmix run --card`.

    It makes explicit what a run without a card infers from the rows: the task, the positive value and the
    type of each column. As it is written, a run decides the same with and without it. Two guesses are
    comments, for you to declare: `sensitive`, columns whose names suggest personal traits such as age or sex
    (no group of rows by their values may get worse predictions), and `key`, a column of unique row
    identifiers (which rows are set aside for the final check then depends on it alone). Bundled and
    registered tables already have a card: a run without --card uses that one, this command ignores it.

    Parameters
    ----------
    table
        File, URL, sql:TABLE, table:NAME or bundled:NAME, as for `realmix run`.
    target
        Column to predict.
    task
        Kind of prediction. Default: inferred from the values of the target.
    positive
        For a target with two values: the value whose probability is predicted. Default: the value that
        reads like "yes" (such as yes, true or 1), else the rarer one.
    out
        File to write. Default: print the card.
    """
    check_table_name(table)
    from realmix.tasks.core.table.hints.find_hints import find_hints, hint_lines
    from realmix.tasks.core.table.infer_card import card_to_yaml, infer_card, suggest
    from realmix.tasks.core.table.infer_schema import infer_schema
    from realmix.tasks.core.table.read_columns import read_columns
    from realmix.tasks.core.table.reading_report import ReadingReport
    from realmix.tasks.core.table.rule_candidates import propose_rules
    from realmix.tasks.core.table.set_apart import set_apart
    from realmix.tasks.core.urls import without_secrets
    from realmix.tasks.runtime.snapshots import write_atomically
    from realmix.tasks.sources import open_source

    if out is not None and out.exists():
        raise BadInput(
            f"{out} exists, and what was edited in it would be lost: name another file after --out."
        )
    source = open_source(table)
    # What a run would refuse is a comment here: the card is where it is declared.
    raw, report = read_columns(source.read()) if hasattr(source, "read") else (source.load(), ReadingReport())
    inferred = infer_card(raw, target, without_secrets(table), task=task, positive=positive)
    # A leaking feature is no error here: the card is where it is ignored or allowed.
    schema = infer_schema(
        raw, target, task=task, positive=positive, kinds=inferred.columns, roles=inferred.roles
    )
    report = report.with_apart(set_apart(schema, inferred))
    suggested = suggest(raw, schema)
    candidates = propose_rules(raw, schema, sensitive=suggested.get("sensitive", ()))
    hints = find_hints(raw, schema, inferred)
    text = card_to_yaml(inferred, schema, hints, report, candidates, suggested)
    if out is None:
        print(text, end="")
        return
    write_atomically(out, lambda file: file.write_text(text, encoding="utf-8"))
    next_step = f"Edit it, then see whether a study is worth it: realmix preview --card {out}"
    for line in (f"Wrote {out}.", *hint_lines(hints), next_step):
        tell(line)


def parse_budget(text: str) -> float:
    """Parse a duration such as ``90s``, ``5m``, ``1h30m`` or plain seconds.

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
        raise BadInput(
            f"--budget {text!r} is not a duration of at least 30 s: write for example 90s, 5m or 1h."
        )
    return seconds
