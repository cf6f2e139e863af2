"""The data card that a table itself suggests, written as YAML for its owner to edit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pandas as pd
import yaml

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.checks import check_target
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.infer_schema import IDENTIFIER_NAME, infer_schema
from realmix.tasks.core.table.schema import Schema, Task

# Words in column names that point to traits on which no group may lose.
SENSITIVE_NAME = re.compile(
    r"^age($|_(at|band|cat|group|years))|(^|_)(sex|gender|race|ethnic\w*|religio\w*|nationality|native_country|marital\w*|"
    r"disab\w*|pregnan\w*|birth\w*|dob)(_|$)",
    re.IGNORECASE,
)
FIELD_COMMENTS = {
    "source": "Where the rows come from: a path, bundled:..., sql:..., s3://... or https://...",
    "target": "The column to predict.",
    "task": "binary, multiclass or regression.",
    "positive": "Binary targets only: the class whose probability is asked for.",
    "columns": (
        "What the columns mean: numeric, categorical, datetime are features; identifier, text,\n"
        "constant, empty are set apart. Correct what was guessed wrong."
    ),
    "key": "Names a row for good: it keeps its side of the holdout when the table grows.",
    "time": "Rows are split forward in time along this column.",
    "group": "Rows of one group (a patient, a customer) are never split.",
    "weight": "How many rows of the population a row stands for.",
    "ignore": "Columns left out, for example what is known only after the outcome.",
    "sensitive": "Columns on which no group may lose (guessed from their names); their values are never shown.",
    "slices": "More columns on which no group may lose; the report names their values.",
    "rules": (
        "What every row must obey; synthetic rows are made and checked by it. For example:\n"
        "  - {kind: range, column: age, minimum: 0, maximum: 120}\n"
        "  - {kind: dependency, when: 'age < 18', then: 'income == 0'}"
    ),
    "simulate": "module:function, called as simulate(n_rows, reference, random_state).",
    "allow_leaks": "Features allowed although the target can be read off them.",
    "provenance": "Whose data this is, and on what terms it may be used.",
    "operation": (
        "How the table is looked after once it is registered: where new rows land, when it is studied\n"
        "again, who promotes a challenger (auto, approve, never)."
    ),
    "price_per_row": "What one more collected row costs, in `currency`, and how many days it takes.",
}


def infer_card(
    raw: pd.DataFrame,
    target: str,
    source: str | None = None,
    *,
    task: Task | None = None,
    positive: str | None = None,
) -> DataCard:
    """Infer everything of a table's card but the target.

    Time, group and weight are never guessed: they change how rows are split and counted.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    target : str
    source : str, optional
        Location to write into the card.
    task, positive : optional
        Inferred when None.

    Returns
    -------
    DataCard
        Leads to the same schema as the table alone, but for the key's role.

    Raises
    ------
    BadInput
        If the target cannot be predicted; see :func:`realmix.tasks.core.table.checks.check_target`. Leaks
        and infinite numbers are let pass: the card is where they are dealt with.

    Examples
    --------
    >>> raw = pd.DataFrame({"age": [20, 30, 25] * 20, "bought": ["no", "yes", "no"] * 20})
    >>> card = infer_card(raw, "bought")
    >>> card.task, card.positive, card.columns["age"], card.sensitive
    ('binary', 'yes', 'numeric', ('age',))
    """
    check_target(raw, DataCard(target=target, task=task, positive=positive))
    schema = infer_schema(raw, target, task=task, positive=positive)
    return DataCard(
        source=source,
        target=target,
        task=schema.task,
        positive=schema.positive,
        columns={column.name: column.kind for column in schema.columns if column.name != target},
        key=_find_key(raw, schema),
        sensitive=tuple(c.name for c in schema.features if SENSITIVE_NAME.search(c.name)),
    )


def schema_of(raw: pd.DataFrame, card: DataCard) -> Schema:
    """Infer the schema of rows under what their card declares.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    card : DataCard
    """
    return infer_schema(
        raw, card.target, task=card.task, positive=card.positive, kinds=card.columns, roles=card.roles
    )


def _find_key(raw: pd.DataFrame, schema: Schema) -> str | None:
    """The first identifier named like one, present and distinct in every row."""
    named = [c.name for c in schema.columns if c.kind == "identifier" and IDENTIFIER_NAME.search(c.name)]
    return next((name for name in named if raw[name].notna().all() and raw[name].is_unique), None)


def card_to_yaml(card: DataCard, schema: Schema) -> str:
    """Write a card with a comment for each field; :func:`realmix.tasks.core.table.card.read_card` reads it back.

    Parameters
    ----------
    card : DataCard
    schema : Schema
        Says in the comments how each column is stored; no cells are quoted.
    """
    values = card.model_dump(mode="json")
    blocks = ["# Data card: edit what is wrong, and delete what you do not want to declare."]
    for field in DataCard.model_fields:
        comment = [f"# {line}" for line in FIELD_COMMENTS.get(field, "").split("\n") if line]
        blocks.append("\n".join([*comment, *_field_lines(field, values[field], schema)]))
    return "\n".join(blocks) + "\n"


def _field_lines(field: str, value: Any, schema: Schema) -> Iterable[str]:
    if field == "columns" and value:
        return ["columns:", *(_column_line(schema[name], kind) for name, kind in value.items())]
    return [_dump({field: _without_unset(value) if field == "rules" else value})]


def _without_unset(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in rule.items() if value not in (None, {})} for rule in rules]


def _column_line(column: Column, kind: str) -> str:
    facts: list[str] = [column.raw_type]
    if column.levels:
        facts.append(f"{len(column.levels)} level{'s' * (len(column.levels) != 1)}")
    if column.has_missing:
        facts.append("some cells missing")
    return f"  {_dump({column.name: kind})}  # {', '.join(facts)}"


def _dump(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10**6).rstrip("\n")
