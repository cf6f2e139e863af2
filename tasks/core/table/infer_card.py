"""Data card inferred from a table, written as YAML for its owner to edit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import indent
from typing import Any

import pandas as pd
import yaml

from realmix.tasks.core.errors import printable
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.checks import check_target
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.hints.hint import Hint
from realmix.tasks.core.table.infer_schema import IDENTIFIER_NAME, ROW_NUMBER_NAME, schema_of
from realmix.tasks.core.table.reading_report import ReadingReport
from realmix.tasks.core.table.rule_candidates import Candidate
from realmix.tasks.core.table.rule_kinds import Rule
from realmix.tasks.core.table.schema import Schema, Task

# Column names that suggest a sensitive trait: on these the mix must not be worse for any group.
SENSITIVE_NAME = re.compile(
    r"^age($|_(at|band|cat|group|years))|(^|_)(sex|gender|race|ethnic\w*|religio\w*|nationality|native_country|marital\w*|"
    r"disab\w*|pregnan\w*|birth\w*|dob)(_|$)",
    re.IGNORECASE,
)
SUGGESTED = "Guessed from the names and not declared yet. If it is right, remove the # of the next line:"
FIELD_COMMENTS = {
    "source": "Where the rows come from: a path, bundled:..., sql:..., s3://... or https://...",
    "target": "The column to predict.",
    "task": "binary, multiclass or regression.",
    "positive": "Binary targets only: the class whose probability is predicted.",
    "columns": (
        "What the columns mean: numeric, categorical, datetime are features; identifier, text,\n"
        "constant, empty are left out. Correct wrong guesses."
    ),
    "reading": (
        "How text is read where its cells do not say it, by column. For example:\n"
        "  visit: {order: dmy}            # day before month; or mdy\n"
        "  income: {decimal: ',', missing: [refused]}\n"
        "  plan: {fold: false}            # Pro and pro are two labels\n"
        "  code: {type: text}             # or number, date, clock, truth"
    ),
    "key": "Identifies a row permanently: it stays in or out of the holdout when the table grows.",
    "time": "Rows are split forward in time along this column.",
    "group": "Rows of one group (a patient, a customer) are never split.",
    "weight": "How many rows of the population a row stands for.",
    "ignore": "Columns to leave out, for example those known only after the outcome.",
    "sensitive": "Columns on which the mix must not be worse for any group; their values are never shown.",
    "slices": "More columns on which the mix must not be worse for any group; the report shows their values.",
    "fairness": (
        "By how much a mix may widen the gap of two groups of sensitive columns (in decisions, their errors,\n"
        "calibration): 0.05 is five percentage points."
    ),
    "rules": (
        "Rules for every row; synthetic rows are made, repaired and checked by them. For example:\n"
        "  - {kind: range, column: age, minimum: 0, maximum: 120}\n"
        "  - {kind: dependency, when: 'age < 18', then: 'income == 0'}\n"
        "  - {kind: derived, column: total, expression: 'rent + heating'}\n"
        "  - {kind: order, columns: [start, end]}\n"
        "  - {kind: determines, columns: [postcode], column: city}\n"
        "  - {kind: pattern, column: postcode, pattern: '[0-9]{5}'}\n"
        "  - {kind: unique, columns: [patient, visit]}\n"
        "  - {kind: monotone, column: odometer, along: day, within: [car]}"
    ),
    "metric": "The metric that decides studies; log_loss or rmse if empty. For example average_precision, f1, cost.",
    "costs": (
        "For metric: cost. What a decision costs, by true class, then by decided class: a number, or the column\n"
        "with the amount of each row. For example:\n"
        "  fraud: {ok: amount}            # a missed fraud costs its amount\n"
        "  ok: {fraud: 5}                 # a false alarm costs 5"
    ),
    "alert_rate": "Share of the rows that people can look at: for metric: recall_at_alert_rate.",
    "simulate": "module:function, called as simulate(n_rows, reference, random_state).",
    "allow_leaks": "Features to use although they determine the target, an entity or a time that folds at random mix.",
    "plugins": "Synthesizers, models, metrics and sources of your own: module:SPEC. A study imports them.",
    "monotone": (
        "How predictions (of two classes: the positive one's probability) must change where a number rises.\n"
        "For example:\n"
        "  income: increasing             # or decreasing"
    ),
    "deploy": (
        "Limits of the model that may be deployed; only learners within all of them compete:\n"
        "a model that people can read, leaves of its trees, milliseconds for 1,000 rows, and megabytes."
    ),
    "provenance": (
        "Owner of the data, and the terms of its use, in words. Left empty, studies run and nothing can be shared;\n"
        "whoever fills in a line fills in owner, licence and purpose, and consent_basis where people are in the rows.\n"
        "  licence: none                  # forbids every use; so does consent_basis: none, refused or withdrawn\n"
        "  retention: 2027-12-31          # the last day of use; or words\n"
        "  permits: [synthesize, share]   # or [], nothing; empty: what the other lines allow"
    ),
    "operation": (
        "Operation of the table once it is registered: where new rows land, when it is retrained,\n"
        "who promotes a challenger (auto, approve, never)."
    ),
    "price_per_row": "Cost of collecting one more row, in `currency`, and the days it takes.",
}


def infer_card(
    raw: pd.DataFrame,
    target: str,
    source: str | None = None,
    *,
    task: Task | None = None,
    positive: str | None = None,
) -> DataCard:
    """Infer the data card of a table, given its target.

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
        Gives the same study as the table alone.

    Raises
    ------
    BadInput
        If the target cannot be predicted; see :func:`realmix.tasks.core.table.checks.check_target`. Leaks
        and infinite numbers raise nothing: they are resolved in the card.

    Examples
    --------
    >>> raw = pd.DataFrame({"age": [20, 30, 25] * 20, "bought": ["no", "yes", "no"] * 20})
    >>> card = infer_card(raw, "bought")
    >>> card.task, card.positive, card.columns["age"]
    ('binary', 'yes', 'numeric')
    """
    declared = DataCard(target=target, task=task, positive=positive)
    check_target(raw, declared)
    schema = schema_of(raw, declared)
    return DataCard(
        source=source,
        target=target,
        task=schema.task,
        positive=schema.positive,
        columns={column.name: column.kind for column in schema.columns if column.name != target},
    )


def suggest(raw: pd.DataFrame, schema: Schema) -> dict[str, Any]:
    """Guess from the names of columns what their owner may want to declare, and a study without a card does not.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
    schema : Schema

    Returns
    -------
    dict
        Of the fields "key" and "sensitive" of a card, those for which there is a guess.

    Examples
    --------
    >>> raw = pd.DataFrame({"user_id": range(60), "age": [20, 30, 25] * 20, "bought": ["no", "yes", "no"] * 20})
    >>> suggest(raw, schema_of(raw, DataCard(target="bought")))
    {'key': 'user_id', 'sensitive': ['age']}
    """
    named = [c.name for c in schema.columns if c.kind == "identifier" and IDENTIFIER_NAME.search(c.name)]
    # A key is present and distinct in every row; a row number is another row's in the next file.
    keys = [
        name
        for name in named
        if not ROW_NUMBER_NAME.search(name) and raw[name].notna().all() and raw[name].is_unique
    ]
    sensitive = [c.name for c in schema.features if SENSITIVE_NAME.search(c.name)]
    return {**({"key": keys[0]} if keys else {}), **({"sensitive": sensitive} if sensitive else {})}


def card_to_yaml(
    card: DataCard,
    schema: Schema,
    hints: Sequence[Hint] = (),
    report: ReadingReport | None = None,
    candidates: Sequence[Candidate] = (),
    suggested: Mapping[str, Any] | None = None,
) -> str:
    """Return a card as YAML with a comment for each field; see :func:`realmix.tasks.core.table.card.read_card`.

    Parameters
    ----------
    card : DataCard
    schema : Schema
        For the comments on how each column is stored; no cells are quoted.
    hints : sequence of Hint
        Written as comments above the fields.
    report : ReadingReport, optional
        For the comments on how each column was read.
    candidates : sequence of Candidate
        Rules to propose, as comments: only what the owner takes over is enforced.
    suggested : mapping, optional
        From :func:`suggest`; written as comments.
    """
    columns, suggested = report.columns if report else (), suggested or {}
    hidden = {*card.sensitive, *suggested.get("sensitive", ())}
    read = {c.name: c.problem or c.sentence(is_sensitive=c.name in hidden) for c in columns}
    values = card.model_dump(mode="json")
    values["reading"] = card.forms
    # Only the fields that a rule sets.
    values["rules"] = [_set_fields(rule) for rule in card.rules]
    blocks = ["# Data card: edit what is wrong, and delete what you do not want to declare."]
    # Names of columns are others' words: none may end a comment.
    blocks += [f"# {'ANSWER THIS' if hint.is_strong else 'Hint'}: {printable(hint.advice)}" for hint in hints]
    for field, value in values.items():
        lines = [f"# {line}" for line in FIELD_COMMENTS.get(field, "").split("\n") if line]
        if field == "columns" and value:
            lines += [
                "columns:",
                *(_column_line(schema[name], kind, read.get(name)) for name, kind in value.items()),
            ]
        elif field in suggested and not value:
            lines += [f"# {SUGGESTED}", f"# {_suggestion(field, suggested[field])}"]
        else:
            lines.append(_dump({field: value}))
        if field == "rules":
            lines += _proposed(candidates)
        blocks.append("\n".join(lines))
    return "\n".join(blocks) + "\n"


def _proposed(candidates: Sequence[Candidate]) -> list[str]:
    """Write candidate rules as comments that become rules when their comment sign is taken away."""
    if not candidates:
        return []
    head = "# Never broken so far, and not enforced: take over, in place of the line above, what must always hold."
    lines = [f"#   - {_dump_in_line(_set_fields(each.rule))}  # {each.sentence}" for each in candidates]
    return [head, "# rules:", *map(printable, lines)]


def _set_fields(rule: Rule) -> dict[str, Any]:
    return rule.model_dump(mode="json", exclude_defaults=True)


def _dump_in_line(value: dict[str, Any]) -> str:
    return yaml.safe_dump(
        value, sort_keys=False, allow_unicode=_is_plain(value), width=10**6, default_flow_style=True
    ).strip()


def _column_line(column: Column, kind: str, read: str | None) -> str:
    facts: list[str] = [read or column.raw_type]
    if column.levels:
        facts.append(f"{len(column.levels)} level{'s' * (len(column.levels) != 1)}")
    if column.has_missing:
        facts.append("some cells missing")
    # A name of several lines stays one key if all its lines are indented.
    return f"{indent(_dump({column.name: kind}), '  ')}  # {printable(', '.join(facts))}"


def _dump(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=_is_plain(value), width=10**6).rstrip("\n")


def _is_plain(value: dict[str, Any]) -> bool:
    """Tell whether no text has a line end of Unicode, which YAML folds to a blank unless it is escaped."""
    return not {"\x85", "\u2028", "\u2029"} & set("".join(_texts(value)))


def _suggestion(field: str, value: Any) -> str:
    is_plain = "".join(_texts({field: value})).isprintable()
    return f"{field}: {json.dumps(value, ensure_ascii=not is_plain)}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for pair in value.items() for item in pair for text in _texts(item))
    elif isinstance(value, list | tuple):
        yield from (text for item in value for text in _texts(item))
    elif isinstance(value, str):
        yield value
