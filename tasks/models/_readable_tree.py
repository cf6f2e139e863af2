"""A decision tree for people: nested rules, text and a figure, with real column names and raw units."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models._cuts import number_in_words
from realmix.tasks.models._serving import Spec, encode_codes

HOW_TO_READ = (
    "Start at the top. Where the condition after `if` holds, go on with the indented lines below it; otherwise go\n"
    "on below the `else` of the same indentation. Rows are the real training rows that end in a leaf.\n"
)
# Sizes of the figure, in pixels.
STEP, LINE, MARGIN, BAR = 200, 30, 12, 70
N_SHOWN = 26


def nested_rules(spec: Spec, schema: Schema, real: pd.DataFrame) -> dict[str, Any]:
    """Return a fitted tree as nested rules.

    Parameters
    ----------
    spec : mapping
        From :meth:`realmix.tasks.models.decision_tree.DecisionTree.export`.
    schema : Schema
    real : DataFrame of shape (n_real, n_modelled)
        Canonical real training rows, counted in the leaves.

    Returns
    -------
    dict
        Of a split: ``column``, one of ``at_most`` (a number, in dates seconds since 1970), ``is_one_of`` (levels) and
        ``is_known``, ``missing`` ("then" or "else": where missing cells go), ``then`` and ``else``. Of a leaf:
        ``probabilities`` by class or ``number``, and ``real_rows``.
    """
    return _rule(spec, schema, encode_codes(real, spec).astype(float), 0)


def _rule(spec: Spec, schema: Schema, cells: np.ndarray, node: int) -> dict[str, Any]:
    tree = spec["tree"]
    place, cut = tree["feature"][node], tree["threshold"][node]
    if place < 0:
        return {**_leaf(tree["value"][node], spec, schema), "real_rows": len(cells)}
    feature = spec["features"][place]
    if cut == np.finfo(float).max:
        condition: dict[str, Any] = {"is_known": True}
    elif "levels" in feature:
        condition = {"is_one_of": feature["levels"][: int(np.floor(cut)) + 1]}
    else:
        condition = {"at_most": cut}
    missing_left = tree["missing_left"][node]
    here = cells[:, place]
    is_left = np.where(np.isnan(here), missing_left, here <= cut)
    return {
        "column": feature["name"],
        **condition,
        "missing": "then" if missing_left else "else",
        "then": _rule(spec, schema, cells[is_left], tree["left"][node]),
        "else": _rule(spec, schema, cells[~is_left], tree["right"][node]),
    }


def _leaf(value: list[float], spec: Spec, schema: Schema) -> dict[str, Any]:
    if not spec["n_classes"]:
        return {"number": value[0] * spec["target_scale"] + spec["target_mean"]}
    shares = [1 - value[0], value[0]] if spec["n_classes"] == 2 else value
    return {"probabilities": dict(zip(schema.classes, shares, strict=True))}


def levels_used(rules: dict[str, Any], spec: Spec) -> dict[str, list[str]]:
    """Return the levels that a tree knows, by the columns that its conditions name."""
    named = {rule["column"] for rule, _ in _walk(rules) if "column" in rule}
    return {f["name"]: sorted(f["levels"]) for f in spec["features"] if "levels" in f and f["name"] in named}


def rules_as_json(rules: dict[str, Any], levels: dict[str, list[str]], schema: Schema) -> str:
    """Write nested rules as JSON, with the levels of which any other counts as missing."""
    content = {"target": schema.target, "positive": schema.positive, "levels": levels, "rules": rules}
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)


def rules_as_text(rules: dict[str, Any], levels: dict[str, list[str]], schema: Schema) -> str:
    """Write nested rules as indented lines, one for each condition and each leaf."""
    n_leaves = sum(1 for rule, _ in _walk(rules) if "column" not in rule)
    known = [
        f"Of {name} it knows {', '.join(each)}; anything else counts as missing.\n"
        for name, each in levels.items()
    ]
    head = f"Decision tree for '{schema.target}': {n_leaves} leaves.\n{HOW_TO_READ}{''.join(known)}\n"
    return head + "\n".join(_lines(rules, schema, 0)) + "\n"


def _lines(rule: dict[str, Any], schema: Schema, depth: int) -> list[str]:
    indent = "    " * depth
    if "column" not in rule:
        rows = rule["real_rows"]
        return [f"{indent}{leaf_in_words(rule)}  ({rows:,} real row{'s' * (rows != 1)})"]
    sides = [_lines(rule[side], schema, depth + 1) for side in ("then", "else")]
    return [f"{indent}if {condition_in_words(rule, schema)}:", *sides[0], f"{indent}else:", *sides[1]]


def condition_in_words(rule: dict[str, Any], schema: Schema) -> str:
    """Write the condition of a split as people read it."""
    name = rule["column"]
    if "is_known" in rule:
        return f"{name} is not missing"
    if "is_one_of" in rule:
        words = f"{name} is {' or '.join(rule['is_one_of']) or 'none of the known levels'}"
    else:
        is_date = schema[name].kind == "datetime"
        words = f"{name} <= {number_in_words(rule['at_most'], is_date=is_date)}"
    return words + (" (or missing)" if rule["missing"] == "then" else "")


def leaf_in_words(rule: dict[str, Any]) -> str:
    """Write the prediction of a leaf."""
    if "number" in rule:
        return f"{rule['number']:.6g}"
    return ", ".join(f"{label} {share:.1%}" for label, share in rule["probabilities"].items())


def _walk(rule: dict[str, Any], depth: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each rule with its depth, those of the first side before those of the second."""
    yield rule, depth
    if "column" in rule:
        for side in ("then", "else"):
            yield from _walk(rule[side], depth + 1)


def draw_tree(rules: dict[str, Any], schema: Schema) -> str:
    """Draw nested rules from left to right, in black and white, with the fonts that the reader has.

    Parameters
    ----------
    rules : dict
        From :func:`nested_rules`.
    schema : Schema

    Returns
    -------
    str
        SVG: a solid line where a condition holds, a dashed one where not; a bar at each leaf shows the positive
        (else the likeliest) class's probability, or the number between the smallest and the largest leaf.
    """
    leaves = [rule for rule, _ in _walk(rules) if "column" not in rule]
    depth = max(depth for _, depth in _walk(rules))
    width = 2 * MARGIN + depth * STEP + BAR + 330
    height = 2 * MARGIN + len(leaves) * LINE
    parts: list[str] = []
    _draw(rules, schema, 0, iter(range(len(leaves))), _bar_of(leaves, schema), parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11" fill="black" stroke="none" role="img">'
        f"<title>Decision tree for {escape(schema.target)}</title>"
        f'<rect width="{width}" height="{height}" fill="white"/>{"".join(parts)}</svg>'
    )


def _bar_of(leaves: list[dict[str, Any]], schema: Schema) -> Any:
    """Return the function from a leaf to the length of its bar, in [0, 1]."""
    if schema.is_classification:
        return lambda leaf: (
            leaf["probabilities"][schema.positive] if schema.positive else max(leaf["probabilities"].values())
        )
    numbers = [leaf["number"] for leaf in leaves]
    low, spread = min(numbers), (max(numbers) - min(numbers)) or 1.0
    return lambda leaf: (leaf["number"] - low) / spread


def _draw(
    rule: dict[str, Any], schema: Schema, depth: int, places: Iterator[int], bar: Any, parts: list[str]
) -> float:
    """Draw a rule and all below it; return the height at which it stands."""
    x = MARGIN + depth * STEP
    if "column" not in rule:
        y = MARGIN + (next(places) + 0.5) * LINE
        filled = round(BAR * float(np.clip(bar(rule), 0, 1)), 1)
        parts.append(
            f'<rect x="{x}" y="{y - 7}" width="{BAR}" height="14" fill="white" stroke="black"/>'
            f'<rect x="{x}" y="{y - 7}" width="{filled}" height="14" fill="#555"/>'
            + _text(x + BAR + 6, y + 4, f"{leaf_in_words(rule)} ({rule['real_rows']:,} rows)", 60)
        )
        return y
    heights = [_draw(rule[side], schema, depth + 1, places, bar, parts) for side in ("then", "else")]
    y = sum(heights) / 2
    corner = x + STEP - 10
    for height, dash, word in zip(heights, ("", ' stroke-dasharray="4 3"'), ("yes", "no"), strict=True):
        parts.append(
            f'<path d="M{corner} {y} V{height} H{x + STEP}" fill="none" stroke="black"{dash}/>'
            + _text(corner - 22, (y + height) / 2 + 4, word, 3)
        )
    parts.append(f'<path d="M{x} {y} H{corner}" fill="none" stroke="black"/>')
    parts.append(_text(x, y - 4, condition_in_words(rule, schema), N_SHOWN))
    return y


def _text(x: float, y: float, words: str, n_shown: int) -> str:
    """Write words of at most so many characters; all of them appear where the pointer rests."""
    shown = words if len(words) <= n_shown else words[: n_shown - 1] + "…"
    title = f"<title>{escape(words)}</title>" if shown != words else ""
    return f'<text x="{x}" y="{y}">{escape(shown)}{title}</text>'
