"""Write the page of all keys of the data card, from its model: ``python -m tests.card_keys``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docstring_parser import DocstringStyle, parse
from pydantic import BaseModel

from realmix.tasks.core.table import card, card_parts, rule_kinds, sharing

PAGE = Path(card.__file__).with_name("keys.md")
# Nested models in the order of the page, each with its title and one example.
PARTS: tuple[tuple[type[BaseModel], str, str], ...] = (
    (card.DataCard, "The card", "target: churned\nkey: customer_id\nignore: [closed_on]"),
    (card_parts.Reading, "reading, for each column", "reading:\n  visit: {order: dmy}"),
    (
        rule_kinds.RangeRule,
        "rules: range",
        "rules:\n  - {kind: range, column: age, minimum: 18, maximum: 110}",
    ),
    (
        rule_kinds.ConditionRule,
        "rules: dependency",
        "rules:\n  - {kind: dependency, when: 'tenure == 0', then: 'total == 0'}",
    ),
    (
        rule_kinds.DerivedRule,
        "rules: derived",
        "rules:\n  - {kind: derived, column: total, expression: 'net + tax'}",
    ),
    (
        rule_kinds.DistributionRule,
        "rules: distribution",
        "rules:\n  - {kind: distribution, column: plan, values: {basic: 0.7, pro: 0.3}}",
    ),
    (rule_kinds.OrderRule, "rules: order", "rules:\n  - {kind: order, columns: [start, end]}"),
    (
        rule_kinds.PatternRule,
        "rules: pattern",
        "rules:\n  - {kind: pattern, column: zip, pattern: '[0-9]{5}'}",
    ),
    (
        rule_kinds.DeterminesRule,
        "rules: determines",
        "rules:\n  - {kind: determines, columns: [zip], column: city}",
    ),
    (rule_kinds.UniqueRule, "rules: unique", "rules:\n  - {kind: unique, columns: [customer, month]}"),
    (
        rule_kinds.MonotoneRule,
        "rules: monotone",
        "rules:\n  - {kind: monotone, column: reading, along: date, within: [meter]}",
    ),
    (card_parts.FairnessLimits, "fairness", "fairness: {max_widening: 0.05}"),
    (card_parts.Deploy, "deploy", "deploy: {readable: true, max_leaves: 16}"),
    (card_parts.Privacy, "privacy", "privacy: {max_tpr: 0.05, prior: 0.1, harm: 200}"),
    (sharing.Sharing, "sharing", "sharing: {min_rows: 5, identifying: [job]}"),
    (
        sharing.DifferentialPrivacy,
        "dp",
        "dp: {epsilon: 3, columns: {age: {edges: [18, 35, 65, 100]}, y: {values: ['yes', 'no']}}}",
    ),
    (
        sharing.Bins,
        "dp, for each column",
        "dp: {epsilon: 1, columns: {age: {edges: [18, 65, 100], whole: true}, y: {values: [a, b]}}}",
    ),
    (card_parts.Provenance, "provenance", "provenance: {owner: sales, purpose: keep customers}"),
    (card_parts.Operation, "operation", "operation: {landing: incoming, schedule: '0 2 * * *'}"),
)
# To the section of a nested model, by the name of its class.
LINKS = {
    model.__name__: f"[{title}](#{title.replace(' ', '-').replace(':', '').replace(',', '')})"
    for model, title, _ in PARTS
}
HEAD = """# Every key of the data card

Generated from the models of `tasks/core/table/` by `python -m tests.card_keys`: change these, not this page. What the keys are
for, in an order in which one needs them, stands in [the data card](README.md).
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([HEAD, *(section(model, title, example) for model, title, example in PARTS)])


def section(model: type[BaseModel], title: str, example: str) -> str:
    """Return the table of one model's keys."""
    rows = "\n".join(f"| {' | '.join(row)} |" for row in keys_of(model))
    return f"## {title}\n\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}\n\n```yaml\n{example}\n```\n"


def keys_of(model: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, kind of value, default and meaning of each key."""
    schema, meanings = model.model_json_schema(), meanings_of(model)
    for name, field in schema["properties"].items():
        yield f"`{name}`", value_of(field), default_of(name, field, schema), meanings[name]


def meanings_of(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstring says of each key, on one line."""
    said = {}
    for entry in parse(model.__doc__ or "", DocstringStyle.NUMPYDOC).params:
        text = " ".join((entry.description or "").split()).replace("``", "`")
        said |= dict.fromkeys(entry.arg_name.split(", "), text or "Says which rule it is.")
    return said


def value_of(field: Mapping[str, Any]) -> str:
    """Say in words what a key may hold, from its JSON schema."""
    if "$ref" in field:
        return LINKS[field["$ref"].rpartition("/")[2]]
    if choices := field.get("anyOf") or field.get("oneOf"):
        kinds = [value_of(kind) for kind in choices if kind.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field["type"] == "array":
        return f"list of {value_of(field['items'])}"
    if field["type"] == "object":
        return f"name: {value_of(field['additionalProperties'])}"
    if field.get("format") == "date-time":
        return "date"
    return {"string": "text", "boolean": "`true` or `false`", "integer": "whole number"}.get(
        field["type"], "number"
    ) + limits_of(field)


def limits_of(field: Mapping[str, Any]) -> str:
    """Say the limits of a number."""
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    return "".join(f", {words[key]} {field[key]:g}" for key in words if key in field)


def default_of(name: str, field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Say what holds where the key is left out."""
    if name in schema.get("required", ()):
        return "must be given"
    default = field.get("default")
    if default is None or isinstance(default, (dict, list, tuple)):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
