"""The replay as a table and a figure."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

POLICIES = {
    "champion": "champion (realmix)",
    "always_real_only": "retrain always, real only",
    "never": "never retrain",
}


def write_page(found: pd.DataFrame, folder: Path) -> str:
    """Write ``replay.md`` and ``replay.svg``.

    Parameters
    ----------
    found : DataFrame
        One line per batch, as `replay.csv` holds them.
    folder : Path

    Returns
    -------
    str
        The page.
    """
    draw(found, folder / "replay.svg")
    page = f"{summary(found)}\n\n![log-loss by month](replay.svg)\n\n{as_table(found)}\n"
    (folder / "replay.md").write_text(page, encoding="utf-8")
    return page


def summary(found: pd.DataFrame) -> str:
    """What was done how often, and the log-loss of each policy over all rows that were predicted."""
    scored = found.dropna(subset=["champion"])
    redone = found["redone"].value_counts().to_dict()
    losses = {name: (scored[name] * scored["rows"]).sum() / scored["rows"].sum() for name in POLICIES}
    said = ", ".join(f"{said} {losses[name]:.4f}" for name, said in POLICIES.items())
    done = ", ".join(f"{count} x {name}" for name, count in redone.items())
    return (
        f"{len(scored)} months predicted before they were learned from ({int(scored['rows'].sum()):,} rows): "
        f"log-loss {said}. Batches: {done}; {found['seconds'].sum():.0f} s in all."
    )


def as_table(found: pd.DataFrame) -> str:
    """Markdown, one line per batch."""
    lines = ["| " + " | ".join(found.columns) + " |", "|" + "---|" * len(found.columns)]
    for row in found.itertuples(index=False):
        cells = [
            "" if pd.isna(cell) else f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(found: pd.DataFrame, path: Path) -> None:
    """Log-loss of each policy by month."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "realmix"
    scored = found.dropna(subset=["champion"])
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    for name, said in POLICIES.items():
        axes.plot(scored["batch"], scored[name], label=said, marker="o", markersize=3)
    axes.set_ylabel("log-loss of the month (lower is better)")
    axes.tick_params(axis="x", rotation=60)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
