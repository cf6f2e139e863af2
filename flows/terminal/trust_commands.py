"""Commands about where data comes from and about forgetting it; heavy libraries are imported where they are needed."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from realmix.tasks.core.errors import printable


def lineage(file: str, /, *, prov: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Show what a file was made from, and what was made of it: from the raw rows to the decision.

    The file is recognized by its digest, wherever it lies: a snapshot, a training table, a file of a model, a
    verdict or a report. Digests and names are shown, no rows.

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
        print("\n".join(map(printable, chain_lines(chain))))


def forget(table: str, /, *, key: Annotated[list[str], Parameter(consume_multiple=True)]) -> None:
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
        print(printable(line))
