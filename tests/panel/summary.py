"""The panel's page: targets, what was measured, and rivals side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from realmix.tasks.core.seeds import derive_seed

# A run is harmed where the shipped model's loss is worse by more than this share.
HARM = 0.01
CELL_HARM = 0.02
N_DRAWS = 2000
RIVAL_NAMES = {
    "shipped": "realmix, what it ships",
    "xgb": "realmix, XGBoost the only learner",
    "plain_xgb": "the study's own XGBoost on real rows",
    "plain": "best real-only learner by CV",
    "distillation": "distillation, no synthetic rows",
    "teacher": "the teacher ensemble itself",
    "raw_cv": "best raw CV score wins",
    "smote": "SMOTE, always on",
    "sdv-copula": "SDV Gaussian copula, ratio 1",
    "sdv-tvae": "SDV TVAE, ratio 1",
    "sdv-ctgan": "SDV CTGAN, ratio 1",
}


def change(lines: pd.DataFrame, role: str, reference: str = "tuned") -> pd.Series:
    """Relative change of loss against a reference, negative = better."""
    return lines[f"loss_{role}"] / lines[f"loss_{reference}"] - 1


def over_tables(values: pd.Series, tables: pd.Series) -> tuple[float, float, float]:
    """Mean over tables with a 95 % interval from drawing whole tables.

    Returns
    -------
    mean, low, high : float
    """
    means = values.groupby(tables).mean().dropna().to_numpy()
    if not len(means):
        return math.nan, math.nan, math.nan
    rng = np.random.default_rng(derive_seed("panel summary"))
    drawn = means[rng.integers(len(means), size=(N_DRAWS, len(means)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(means.mean()), float(low), float(high)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953).

    Examples
    --------
    >>> low, high = wilson(90, 100)
    >>> round(low, 3), round(high, 3)
    (0.826, 0.945)
    """
    if not n:
        return math.nan, math.nan
    z, share = 1.96, successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return centre - reach, centre + reach


def percent(value: float, digits: int = 2) -> str:
    """A share as signed per cent."""
    return "none" if not np.isfinite(value) else f"{100 * value:+.{digits}f} %"


def with_interval(found: tuple[float, float, float]) -> str:
    mean, low, high = found
    return f"{percent(mean)} [{percent(low)}, {percent(high)}]"


def targets(lines: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Rows of (target, what was to be reached, what was measured)."""
    return [*_never_worse(lines), *_promise(lines), *_lift(lines), *_rows_saved(lines), *_race(lines)]


def _never_worse(lines: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    worse = change(lines, "shipped")
    harmed, n = int((worse > HARM).sum()), int(worse.notna().sum())
    cells = worse.groupby([lines["table"], lines["n_rows"]]).mean()
    yield "never worse: runs", "≤ 3 % of runs > 1 % worse", f"{harmed} of {n} ({100 * harmed / n:.1f} %)"
    own = change(lines, "shipped", "plain_xgb")
    harmed_own, mean = int((own > HARM).sum()), with_interval(over_tables(own, lines["table"]))
    yield (
        "the same against the study's own XGBoost",
        "reported",
        f"{harmed_own} of {n} ({100 * harmed_own / n:.1f} %), mean {mean}",
    )
    bad = [
        f"{table} {n_rows} {percent(value, 1)}"
        for (table, n_rows), value in cells.items()
        if value > CELL_HARM
    ]
    yield (
        "never worse: cells",
        "no cell's mean > 2 % worse",
        f"{len(bad)} of {len(cells)}" + (f": {'; '.join(bad)}" if bad else ""),
    )


def _promise(lines: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    error = lines["promised"] - lines["realised"]
    yield "promise kept: mean error", "within ± 0.5 %", with_interval(over_tables(error, lines["table"]))
    inside = lines["realised"].between(lines["low"], lines["high"])[lines["realised"].notna()]
    low, high = wilson(int(inside.sum()), len(inside))
    yield (
        "promise kept: coverage of the 90 % interval",
        "Wilson interval holds 0.90",
        f"{int(inside.sum())} of {len(inside)} = {inside.mean():.2f} [{low:.2f}, {high:.2f}]",
    )


def _lift(lines: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    small, large = lines[lines["n_rows"] < 1000], lines[lines["n_rows"] == 1000]
    for name, wanted, part in (("200 to 500 rows", "−4 %", small), ("1,000 rows", "−1.5 %", large)):
        found = over_tables(change(part, "xgb"), part["table"])
        yield f"lift, XGBoost shipped, {name}: change of loss", wanted, with_interval(found)
        auc = (part["auc_xgb"] - part["auc_tuned"]).mean()
        yield f"lift, XGBoost shipped, {name}: AUC", "not lower", f"{auc:+.4f}"
    for reference, name in (
        ("plain", "best real-only learner"),
        ("real_only", "best of these and distillation"),
    ):
        found = over_tables(-change(lines, "shipped", reference), lines["table"])
        yield f"lift over the {name}", "> 0, interval above 0", with_interval(found)
    for n_rows, part in lines.groupby("n_rows"):
        found = over_tables(-change(part, "shipped", "distillation"), part["table"])
        yield f"lift over distillation, {n_rows:,} rows", "reported", with_interval(found)


def _rows_saved(lines: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    for n_rows, part in lines.groupby("n_rows"):
        known = part["multiplier"].dropna()
        wanted = "≥ 1.5" if int(str(n_rows)) < 1000 else "reported"
        yield (
            f"rows saved, {n_rows:,} rows: median multiplier",
            wanted,
            (
                f"{known.median():.2f} (real only itself {part['multiplier_real_only'].median():.2f}; {len(known)} runs)"
            ),
        )


def _race(lines: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    known = lines[lines["race_lag"].notna()]
    if known.empty:
        return
    same = int((known["race_lag"] <= 0.001).sum())
    share = known["race_spent"].sum() / known["race_grid"].sum()
    yield (
        "racing",
        "same winner within 0.1 % at ≤ 40 % of generator seconds",
        f"{same} of {len(known)} full grids within 0.1 %, at {100 * share:.0f} % of the seconds",
    )


def rivals(lines: pd.DataFrame) -> pd.DataFrame:
    """Everything side by side, against tuned real-only XGBoost."""
    rows = []
    for role, name in RIVAL_NAMES.items():
        known = lines[lines[f"loss_{role}"].notna()]
        moved = change(known, role)
        rows.append(
            {
                "": name,
                "runs": len(known),
                "change of loss [95 % over tables]": with_interval(over_tables(moved, known["table"])),
                "runs > 1 % worse": f"{100 * (moved > HARM).mean():.0f} %",
                "worst run": percent(moved.max(), 1),
                "AUC": f"{(known[f'auc_{role}'] - known['auc_tuned']).mean():+.4f}",
            }
        )
    return pd.DataFrame(rows)


def page(lines: pd.DataFrame, n_wanted: int, false_discovery: str) -> str:
    """The page, in Markdown."""
    parts = [
        "# The panel",
        "",
        PREAMBLE.format(n=len(lines), wanted=n_wanted, tables=lines["table"].nunique()),
    ]
    for half in ("all tables", "method", "confirmation"):
        part = lines if half == "all tables" else lines[lines["half"] == half]
        if len(part):
            title = (
                half if half == "all tables" else f"{half} half: {', '.join(sorted(part['table'].unique()))}"
            )
            parts += ["", f"## Targets, {title}", "", *_table(("", "to reach", "measured"), targets(part))]
    parts += ["", f"False discovery: {false_discovery}", "", "## Side by side", ""]
    found = rivals(lines)
    parts += _table(tuple(found.columns), [tuple(map(str, row)) for row in found.itertuples(index=False)])
    words = lines["word"].value_counts()
    parts += ["", "Words: " + ", ".join(f"{word} {count}" for word, count in words.items()) + "."]
    return "\n".join(parts) + "\n"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [header, tuple("---" for _ in header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


PREAMBLE = """\
Made by `make panel` from {n} of {wanted} runs on {tables} tables: studies of 200, 500 and 1,000 real
rows, up to three draws each, every score on rows that the study never saw. The reference is XGBoost on the real rows
alone, the best of eight settings by five-fold cross-validation. Changes of loss (log-loss, or RMSE)
are relative to it, negative = better; intervals are 95 %, from drawing whole tables. The method was
fixed on the *method* half of the tables; each table is judged with priors fitted without it."""
