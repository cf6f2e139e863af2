"""Two hundred small studies of each null on real tables: ``python -m tests.nulls.run``.

Every study is a line of one CSV, written as it ends; a second call goes on where the first stopped.
"""

from __future__ import annotations

import csv
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from cyclopts import App
from scipy import stats

from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.sources import open_source
from tests.nulls.studies import SMALL, cannot_help, copies, permuted_labels
from tests.panel.tables import DATA, index

OUT = "runs/nulls"
NULLS = {"permuted labels": permuted_labels, "copies": copies}
BUNDLED = "bank_marketing"
N_ROWS = 300
# A study needs 10 rows of each class: these are drawn first.
MIN_CLASS_ROWS = 15
FALSE_SHARE = 0.05
FIELDS = ("null", "table", "seed", "n_rows", "word", "winner", "promised_gain", "p_value", "seconds")

app = App(name="nulls")


@dataclass(frozen=True)
class Case:
    null: str
    table: str
    seed: int

    @property
    def key(self) -> tuple[str, ...]:
        return self.null, self.table, str(self.seed)


def cases(n_studies: int) -> Iterator[Case]:
    """Studies of each null, dealt to the tables in turn."""
    tables = sorted((*index(), BUNDLED))
    for number in range(n_studies):
        for null in NULLS:
            yield Case(null, tables[number % len(tables)], number)


def table_rows(table: str, seed: int, n_rows: int = N_ROWS) -> tuple[pd.DataFrame, str]:
    """Some rows of a table, with enough of each class, and the target."""
    if table == BUNDLED:
        facts: dict[str, object] = {"target": "y", "task": "binary"}
        source = f"bundled:{BUNDLED}"
    else:
        facts = index()[table]
        source = str(DATA / str(facts["file"]))
    target, raw = str(facts["target"]), open_source(source).load()
    shuffled = raw.sample(frac=1, random_state=derive_seed("nulls", table, seed))
    if facts["task"] != "regression":
        is_common = shuffled.groupby(target).cumcount() >= MIN_CLASS_ROWS
        shuffled = shuffled.iloc[np.argsort(is_common, kind="stable")]
    return shuffled.iloc[:n_rows].sort_index().reset_index(drop=True), target


def run_case(case: Case) -> dict[str, object]:
    """Run one study; its line of the CSV."""
    started = time.perf_counter()
    rows, target = table_rows(case.table, case.seed)
    outcome = NULLS[case.null](rows, DataCard(target=target), case.seed, SMALL)
    comparison = outcome.comparison
    return {
        "null": case.null,
        "table": case.table,
        "seed": case.seed,
        "n_rows": len(rows),
        "word": outcome.verdict.outcome,
        "winner": comparison.winner.name,
        "promised_gain": f"{comparison.promised_gain:.6f}",
        "p_value": f"{comparison.p_value:.4f}",
        "seconds": f"{time.perf_counter() - started:.1f}",
    }


def summary(lines: pd.DataFrame) -> str:
    """How often a mix shipped, beside what is allowed and a 95 % bound of the true rate."""
    said = []
    for null, of_null in lines.groupby("null"):
        is_false = [cannot_help(str(null), name) for name in of_null["winner"]]
        wrong = int((of_null["word"].isin(("proven", "chosen, not proven")) & is_false).sum())
        n = len(of_null)
        bound = stats.beta.ppf(0.95, wrong + 1, n - wrong) if wrong < n else 1.0
        # More than this happens in one of forty experiments at a true rate of 5 %: 16 of 200.
        allowed = int(stats.binom.ppf(0.975, n, FALSE_SHARE))
        said.append(
            f"{null}: a mix shipped in {wrong} of {n} studies, allowed {allowed}; "
            f"true rate at most {bound:.1%} (95 % bound, Clopper-Pearson)"
        )
    return "\n".join(said)


@app.default
def run(*, studies: int = 200, out: Path = Path(OUT), processes: int = 2) -> None:
    """Run what is missing and print the counts.

    Parameters
    ----------
    studies
        Of each null.
    out
        Folder of ``nulls.csv``.
    processes
        At once, with one thread each.
    """
    out.mkdir(parents=True, exist_ok=True)
    path, wanted = out / "nulls.csv", list(cases(studies))
    done = read(path)
    todo = [case for case in wanted if case.key not in _keys(done)]
    workers = multiprocessing.get_context("spawn").Pool(processes)
    with path.open("a", newline="", encoding="utf-8") as file, workers as pool:
        writer = csv.DictWriter(file, FIELDS)
        if done.empty:
            writer.writeheader()
        for number, line in enumerate(pool.imap_unordered(run_case, todo), start=1):
            writer.writerow(line)
            file.flush()
            if number % 20 == 0:
                print(f"{number} of {len(todo)} studies", flush=True)
    lines, keys = read(path), {case.key for case in wanted}
    print(summary(lines[[key in keys for key in _keys(lines)]]))


def read(path: Path) -> pd.DataFrame:
    """Lines of the studies that are done; empty where there are none."""
    if not path.exists() or not path.stat().st_size:
        return pd.DataFrame(columns=list(FIELDS))
    return pd.read_csv(path, dtype=str)


def _keys(lines: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(lines[["null", "table", "seed"]].itertuples(index=False, name=None))


if __name__ == "__main__":
    app()
