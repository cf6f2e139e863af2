"""A scorecard for people: its points as text, CSV and JSON, with real column names and raw units."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from itertools import pairwise
from typing import Any

import numpy as np

from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models._cuts import number_in_words
from realmix.tasks.models._serving import Spec

WIDTH = 60


def describe_card(spec: Spec, schema: Schema, counts: Sequence[np.ndarray]) -> dict[str, Any]:
    """Describe a fitted scorecard as plain values.

    Parameters
    ----------
    spec : mapping
        From :meth:`realmix.tasks.models.scorecard.Scorecard.export`.
    schema : Schema
    counts : sequence of ndarray, each of shape (n_bins,)
        Real training rows in each bin of each feature, missing cells last.

    Returns
    -------
    dict
        ``target``, ``positive``, ``base``, ``points_per_doubling`` (of the odds) or ``value_of_point``, and
        ``features`` with ``column`` and ``bins``: ``in_words``, ``points``, ``real_rows``, and ``levels``, or ``above``
        and ``at_most`` (null without such an end; dates in seconds since 1970), or neither for missing cells.
    """
    features = [
        {"column": feature["name"], "bins": _bins(feature, schema, [int(n) for n in each])}
        for feature, each in zip(spec["features"], counts, strict=True)
    ]
    named = ("base", "points_per_doubling", "value_of_point")
    return {
        "target": schema.target,
        "positive": schema.positive,
        **{name: spec[name] for name in named if name in spec},
        "features": features,
    }


def _bins(feature: Spec, schema: Schema, counts: list[int]) -> list[dict[str, Any]]:
    *points, missing = feature["points"]
    bins = [{**each, "points": p} for each, p in zip(_ranges(feature, schema), points, strict=True)]
    words = "missing or any other" if "levels" in feature else "missing"
    bins.append({"in_words": words, "points": missing})
    return [{**each, "real_rows": n} for each, n in zip(bins, counts, strict=True)]


def _ranges(feature: Spec, schema: Schema) -> list[dict[str, Any]]:
    cuts = feature["cuts"]
    if "levels" in feature:
        ends = [0, *(int(cut) + 1 for cut in cuts), len(feature["levels"])]
        groups = [feature["levels"][a:b] for a, b in pairwise(ends)]
        return [{"in_words": " or ".join(group) or "(no level)", "levels": group} for group in groups]
    is_date = schema[feature["name"]].kind == "datetime"
    limits = [None, *cuts, None]
    return [
        {"in_words": _range_in_words(a, b, is_date), "above": a, "at_most": b} for a, b in pairwise(limits)
    ]


def _range_in_words(above: float | None, at_most: float | None, is_date: bool) -> str:
    parts = [] if above is None else [f"above {number_in_words(above, is_date=is_date)}"]
    parts += [] if at_most is None else [f"at most {number_in_words(at_most, is_date=is_date)}"]
    return ", ".join(parts) or "any value"


def card_as_json(card: dict[str, Any]) -> str:
    """Write a card as JSON."""
    return json.dumps(card, indent=1, allow_nan=False, ensure_ascii=False)


def card_as_csv(card: dict[str, Any]) -> str:
    """Write the points as a table of ``column``, ``bin``, ``points`` and ``real_rows``."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["column", "bin", "points", "real_rows"])
    for column, each in _rows(card):
        writer.writerow([column, each["in_words"], each["points"], each["real_rows"]])
    return text.getvalue()


def card_as_text(card: dict[str, Any], schema: Schema) -> str:
    """Write the points as an aligned table, with what their sum means."""
    lines = [f"Scorecard for '{schema.target}'.", *_how_to_read(card), "", f"{'':{WIDTH}}  points  real rows"]
    column_before = None
    for column, each in _rows(card):
        if column != column_before:
            lines.append(column)
        column_before = column
        lines.append(f"    {each['in_words']:{WIDTH - 4}}  {each['points']:>6,}  {each['real_rows']:>9,}")
    return "\n".join([*lines, "", *_meaning(card)]) + "\n"


def _how_to_read(card: dict[str, Any]) -> list[str]:
    first = "Add up the points of a row's bins, one for each column."
    if "value_of_point" in card:
        start = card["base"] * card["value_of_point"]
        return [f"{first} The prediction is {start:g} + {card['value_of_point']:g} x points."]
    doubling = card["points_per_doubling"]
    return [
        f"{first} Every {doubling} points double the odds of '{card['positive']}':",
        f"its probability is 1 / (1 + 2^((B - points) / {doubling})) with B = {-card['base']}, the points at which it is 50 %.",
    ]


def _meaning(card: dict[str, Any]) -> list[str]:
    """List predictions for sums of points, from the smallest possible to the largest."""
    most = sum(max(each["points"] for each in feature["bins"]) for feature in card["features"])
    step = max(10, int(np.ceil(most / 20 / 10)) * 10)
    sums = [*range(0, most, step), most]
    if "value_of_point" in card:
        said = [f"{(card['base'] + points) * card['value_of_point']:.6g}" for points in sums]
    else:
        odds = np.exp2(np.clip((card["base"] + np.array(sums)) / card["points_per_doubling"], -50, 50))
        said = [f"{share:.1%}" for share in odds / (1 + odds)]
    head = (
        "points  prediction" if "value_of_point" in card else f"points  probability of '{card['positive']}'"
    )
    return [head, *(f"{points:>6,}  {words}" for points, words in zip(sums, said, strict=True))]


def _rows(card: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(feature["column"], each) for feature in card["features"] for each in feature["bins"]]
