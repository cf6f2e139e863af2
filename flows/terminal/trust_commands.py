"""Commands to share, trace and forget rows; as in `cli`, heavy libraries are imported only where they are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from realmix.flows.terminal.options import Flag, Task
from realmix.flows.terminal.screen import tell
from realmix.tasks.runtime.file_names import check_table_name


def release(
    table: str,
    /,
    *,
    synthesizer: str,
    out: Path,
    target: str | None = None,
    positive: str | None = None,
    task: Task | None = None,
    card: Path | None = None,
    rows: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    fixed_mix: Flag = False,
    seed: int = 0,
    i_am_responsible: str | None = None,
) -> None:
    """Make a synthetic-only table to share, or refuse it and say why (exit code 3).

    Learns three fifths of the rows, draws new ones, suppresses what few real rows have, attacks the result
    with the other rows, and scores how like the table it is and how well a model learns from it.

    Parameters
    ----------
    table
        CSV, CSV.gz or Parquet file, URL, sql:TABLE, table:NAME or bundled:NAME, as for `realmix run`.
    synthesizer
        Generator, for example gaussian-copula; dp is differentially private. smote, neighbour-swap and
        duplicates are always refused.
    out
        Folder for the results, new or empty. Only what lies in its folder share is to be shared.
    target
        Column to predict. Needed unless --card, a registered or a bundled table names it.
    positive
        For a target with two values: the value whose probability is predicted.
    task
        Kind of prediction. Default: from the card, else inferred from the values of the target.
    card
        Data card: a YAML file. `sharing` says what is rare and which columns identify, `dp` gives the bins
        and the budget of dp.
    rows
        Rows to share. Default: as many as are learned.
    fixed_mix
        With --synthesizer dp: let nothing but noisy counts of all rows decide what is shared, so that
        epsilon holds from end to end.
    seed
        Random seed, 0 or above. The noise of dp never follows from it.
    i_am_responsible
        Why you answer for sharing although the card does not permit it. Recorded with your name.
    """
    check_table_name(table)
    from realmix.flows.terminal.release import run_release
    from realmix.tasks.core.table.request import parse_request

    request = parse_request(
        table=table,
        card=str(card) if card else None,
        target=target,
        positive=positive,
        task=task,
        synthesizers=(synthesizer,),
        seed=seed,
        out=str(out),
        responsible=i_am_responsible,
    )
    run_release(request, synthesizer, rows, fixed_mix=fixed_mix)


def lineage(file: str, /, *, prov: Flag = False) -> None:
    """Show what a file was made from, and what was made of it: from the raw rows to the decision.

    The file is recognized by its digest, wherever it lies: the file of the table,
    a snapshot, a training table, a file of a model, a verdict or a report. Digests and names are shown, no rows.

    Parameters
    ----------
    file
        A file, the folder of a model, or a served model: models:/NAME/VERSION or models:/NAME@champion.
    prov
        Print PROV-JSON, the format of the W3C, for other programs.
    """
    import json

    from realmix.flows.local import environment
    from realmix.tasks.core.provenance.lineage import chain_lines, to_prov
    from realmix.tasks.core.versions import require

    if prov:
        require("prov", "lineage", "PROV-JSON")
    environment.prepare()
    from realmix.tasks.lifecycle.lineage import trace

    chains = trace(file)
    if prov:
        print(json.dumps(to_prov(chains), indent=1))
        return
    for chain in chains:
        for line in chain_lines(chain):
            tell(line)


def forget(
    table: str, /, *, key: Annotated[list[str], Parameter(consume_multiple=True, negative="")]
) -> None:
    """Remove a person's rows from everything that realmix keeps of a registered table.

    Removes them from snapshots, batches, quarantine and training tables and empties the cache; names every model and
    report made from them, marks these stale in MLflow, and plans the retraining. What was learned from the rows
    cannot be removed from a model: only a retraining without them replaces it. The proof is an entry of the record
    of decisions, which holds no key.

    Parameters
    ----------
    table
        Name of a registered table whose card names `group` (the column of the person) or `key`.
    key
        The person's value in that column, exactly as it is written; or several.
    """
    from realmix.flows.local import environment

    environment.prepare()
    from realmix.tasks.lifecycle.forget import forget as remove

    for line in remove(table, key):
        tell(line)
