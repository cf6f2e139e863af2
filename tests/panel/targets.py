"""What is to be reached, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from tests.panel.decisions import ALL
from tests.panel.intervals import mean_in_words, percent, share_in_words

# A run is harmed where the shipped model's loss is worse by more than this share.
HARM = 0.01
CELL_HARM = 0.02
# A gain outside that a study of 500 rows should be able to prove.
CLEAR_GAIN = 0.05
PROVABLE_ROWS = 500
TREE = "decision-tree"
XGBOOST_TARGETS = {200: "−2.0 %", 500: "−1.1 %", 1000: "−1.1 %"}
TREE_TARGETS = {200: "−12 %", 500: "−7 %", 1000: "−6 %"}
MULTIPLIER_TARGETS = {200: "≥ 2", 500: "≥ 1.7"}
REPORTED = "reported"
EVERY = "all learners"

Target = tuple[str, str, str]


def targets(lines: pd.DataFrame) -> list[Target]:
    """Rows of (target, what was to be reached, what was measured).

    Parameters
    ----------
    lines : DataFrame
        Of ``panel.csv``: one for each counted run and learner, and one for the study as a whole.
    """
    found = [*_served(lines), *_readable(lines), *_others(lines), *_harm(lines), *_promise(lines)]
    return [*found, *_expected(lines), *_rows_saved(lines), *_rare(lines), *_race(lines)]


def collecting(found: pd.DataFrame) -> list[Target]:
    """The row on what is said about twice the rows, from the lines of ``collecting.csv``."""
    holds = found["truth"].between(found["low"], found["high"])
    name = "collecting: 80 % interval of the gain of twice the rows holds the truth"
    return [(name, "interval holds 80 %", share_in_words(holds))]


def _of(lines: pd.DataFrame, learner: str) -> pd.DataFrame:
    return lines[lines["learner"] == learner]


def _learners(lines: pd.DataFrame) -> list[str]:
    return [name for name in dict.fromkeys(lines["learner"]) if name != ALL]


def _groups(lines: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Lines of all learners together, of each, and of the studies as a whole, which are no further runs."""
    yield EVERY, lines[lines["learner"] != ALL]
    for learner in _learners(lines):
        yield learner, _of(lines, learner)
    if len(_of(lines, ALL)):
        yield "the study as a whole", _of(lines, ALL)


def _by_size(name: str, lines: pd.DataFrame, column: str, wanted: dict[int, str] | str) -> Iterator[Target]:
    """One row for each number of real rows."""
    for n_rows, part in lines.groupby("n_rows"):
        target = wanted if isinstance(wanted, str) else wanted.get(int(str(n_rows)), REPORTED)
        yield f"{name}, {n_rows:,} rows", target, mean_in_words(part[column], part["table"])


def _served(lines: pd.DataFrame) -> Iterator[Target]:
    xgboost, ensemble, every = _of(lines, "xgboost"), _of(lines, "ensemble"), _of(lines, ALL)
    yield from _by_size("one XGBoost served", xgboost, "change", XGBOOST_TARGETS)
    yield "floor: XGBoost tuned once more", REPORTED, mean_in_words(xgboost["change_floor"], xgboost["table"])
    if len(ensemble):
        moved = mean_in_words(ensemble["change"], ensemble["table"])
        yield "ensemble served, against tuned XGBoost", "−2.2 %", moved
    moved = mean_in_words(every["change"], every["table"])
    yield "what the study as a whole ships, against tuned XGBoost", REPORTED, moved


def _readable(lines: pd.DataFrame) -> Iterator[Target]:
    tree = _of(lines, TREE)
    if tree.empty:
        return
    yield from _by_size("readable tree, against the same tree on real rows", tree, "change", TREE_TARGETS)
    beyond = mean_in_words(tree["change_distillation"], tree["table"])
    yield "readable tree, beyond distillation", "−3 % or better, interval below 0", beyond
    clear = tree[(tree["n_rows"] == PROVABLE_ROWS) & (tree["best_mix_gain"] > CLEAR_GAIN)]
    name = f"readable tree, {PROVABLE_ROWS} rows, gain outside > {CLEAR_GAIN:.0%}: studies that end in proven"
    yield name, "≥ 60 %", share_in_words(clear["word"] == "proven")
    yield from _by_size("readable tree, against tuned XGBoost", tree, "change_xgb", REPORTED)


def _others(lines: pd.DataFrame) -> Iterator[Target]:
    for learner in _learners(lines):
        if learner not in ("xgboost", "ensemble", TREE):
            yield from _by_size(
                f"{learner}, against itself on real rows", _of(lines, learner), "change", REPORTED
            )


def _harm(lines: pd.DataFrame) -> Iterator[Target]:
    known = lines[lines["change"].notna()]
    for name, part in _groups(known):
        worst = percent(part["change"].max(), 1) if len(part) else "none"
        measured = f"{share_in_words(part['change'] > HARM)}, worst {worst}"
        wanted = "≤ 3 %" if name == EVERY else REPORTED
        yield f"runs > 1 % worse than the reference, {name}", wanted, measured
    floor = _of(lines, "xgboost")["change_floor"].dropna()
    yield (
        "runs > 1 % worse than the reference, XGBoost tuned once more",
        REPORTED,
        share_in_words(floor > HARM),
    )
    cells = known[known["learner"] != ALL].groupby(["learner", "table", "n_rows"])["change"].mean()
    bad = [
        f"{' '.join(map(str, cell))} {percent(value, 1)}" for cell, value in cells[cells > CELL_HARM].items()
    ]
    found = f"{len(bad)} of {len(cells)}" + (f": {'; '.join(bad)}" if bad else "")
    yield "cells whose mean is > 2 % worse", REPORTED, found


def _promise(lines: pd.DataFrame) -> Iterator[Target]:
    """Only where a mix ships: where real only stays, nothing is promised and nothing can miss."""
    shipped = lines[lines["is_mix_shipped"] & lines["realised"].notna()]
    for name, part in _groups(shipped):
        wanted = ("within ± 0.5 %", "interval holds 90 %") if name == EVERY else (REPORTED, REPORTED)
        error = mean_in_words(part["promised"] - part["realised"], part["table"])
        yield f"promise where a mix ships, {name}: bias", wanted[0], error
        inside = part["realised"].between(part["low"], part["high"])
        name = f"promise where a mix ships, {name}: coverage of the 90 % interval"
        yield name, wanted[1], share_in_words(inside)


def _expected(lines: pd.DataFrame) -> Iterator[Target]:
    shipped = lines[(lines["word"] == "expected to help") & lines["realised"].notna()]
    for name, part in _groups(shipped):
        is_target = name == EVERY
        worse = share_in_words(part["realised"] < -part["margin"])
        title = f"expected to help, {name}"
        yield f"{title}: runs worse by more than the margin", "≤ 5 %" if is_target else REPORTED, worse
        surplus = mean_in_words(part["realised"] - part["promised"], part["table"])
        yield f"{title}: realised less promised", "≥ 0" if is_target else REPORTED, surplus


def _rows_saved(lines: pd.DataFrame) -> Iterator[Target]:
    for learner, wanted in ((TREE, MULTIPLIER_TARGETS), (ALL, {})):
        for n_rows, part in _of(lines, learner).groupby("n_rows"):
            known = part["multiplier"].dropna()
            name = "readable tree" if learner == TREE else "the study as a whole"
            own = part["multiplier_real_only"].median()
            measured = f"{known.median():.2f} (real only itself {own:.2f}; {len(known)} runs)"
            target = wanted.get(int(str(n_rows)), REPORTED)
            yield f"rows saved, {name}, {n_rows:,} rows: median multiplier", target, measured


def _rare(lines: pd.DataFrame) -> Iterator[Target]:
    """Tables with a rare class, by what people score there."""
    rare = lines[lines["cost_gain"].notna()]
    for learner in _learners(rare):
        part = _of(rare, learner)
        precision = mean_in_words(part["average_precision_gain"], part["table"])
        yield f"rare class, {learner}: average precision, points", REPORTED, precision
        yield f"rare class, {learner}: cost", REPORTED, mean_in_words(part["cost_gain"], part["table"])


def _race(lines: pd.DataFrame) -> Iterator[Target]:
    known = lines[lines["race_lag"].notna()]
    if len(known):
        same = int((known["race_lag"] <= 0.001).sum())
        share = known["race_spent"].sum() / known["race_grid"].sum()
        measured = f"{same} of {len(known)} full grids within 0.1 %, at {100 * share:.0f} % of the seconds"
        yield "racing", "same winner within 0.1 % at ≤ 40 % of generator seconds", measured
