"""Store each table's holdout rule: frozen when the table is first seen, changed only by a recorded epoch."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.splits.holdout import HoldoutRule, register_holdout
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.runtime.snapshots import write_atomically
from realmix.tasks.runtime.study_folder import Table, home


def registered_rule(table: Table, raw: pd.DataFrame) -> HoldoutRule:
    """Read the rule frozen when this table was first seen, or freeze one now."""
    frozen = frozen_rule(table, raw)
    if frozen:
        return frozen
    rule = register_holdout(raw, table.schema)
    freeze(table, rule)
    return rule


def start_epoch(table: Table, raw: pd.DataFrame) -> tuple[float, float] | None:
    """Move the holdout's cut-off of a table ordered in time later, so that its former rows can be trained on.

    Otherwise all new rows would lie behind the frozen cut-off for ever, and no model would learn from them.

    Parameters
    ----------
    table : Table
    raw : DataFrame
        Its rows of today.

    Returns
    -------
    tuple of float or None
        Cut-off before and after, for the record; None where the table is not ordered in time, is new,
        or has no later rows.
    """
    former = frozen_rule(table, raw)
    if former is None or former.cutoff is None:
        return None
    rule = register_holdout(raw, table.schema)
    if rule.cutoff is None or rule.cutoff <= former.cutoff:
        return None
    freeze(table, rule)
    return former.cutoff, rule.cutoff


def freeze(table: Table, rule: HoldoutRule) -> None:
    """Store the rule by which a table's holdout is cut from now on."""
    path = registration_path(table.name, table.card, table.schema)
    write_atomically(path, lambda file: file.write_text(json.dumps(rule.to_dict()), encoding="utf-8"))


def frozen_rule(table: Table, raw: pd.DataFrame) -> HoldoutRule | None:
    """Read the rule frozen when this table was first seen; None where it is new.

    Raises
    ------
    BadInput
        If the frozen rule hashes a column that the table has no longer.
    """
    path = registration_path(table.name, table.card, table.schema)
    if not path.exists():
        return None
    rule = HoldoutRule.from_dict(json.loads(path.read_text(encoding="utf-8")))
    is_hashed = not (table.schema.with_role("group") or table.schema.with_role("key"))
    lost = [name for name in rule.columns if name not in raw.columns]
    if is_hashed and lost:
        raise BadInput(
            f"The table has no longer the column '{lost[0]}', one of those that decide which rows are its "
            f"holdout. Give the column back, or remove {path} to draw a new holdout: results from before "
            "and after are then not comparable."
        )
    return rule


def registration_path(name: str, card: DataCard, schema: Schema) -> Path:
    """Return the file of a table's holdout rule: one for each source, target and way to split."""
    target, way = schema.target, "time" if schema.with_role("time") else "hash"
    identity = "\x1f".join([card.source or "", target, schema.with_role("time") or ""])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", target)[:60]
    return home() / "tables" / f"{name}.{safe}.{way}.{digest}.json"
