"""Two hundred small studies of each null on real tables: ``python -m tests.nulls.run``.

Every study leaves a line for each learner and one for itself in one CSV, written as it ends; a second call goes on
where the first stopped.
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
from tests.panel.study import Outcome
from tests.panel.tables import DATA, index

OUT = Path("runs/nulls")
VERDICTS = "verdicts.csv"
NULLS = {"permuted labels": permuted_labels, "copies": copies}
BUNDLED = "bank_marketing"
N_ROWS = 300
# A study needs 10 rows of each class: these are drawn first.
MIN_CLASS_ROWS = 15
FALSE_SHARE = 0.05
FIELDS = ("null", "table", "seed", "n_rows", "learner", "word", "mix", "gain", "seconds")
# The learner of a study's own line.
ALL = "all"
ANY = "any of them"
NOTHING_SHIPS = ("keep real only", "not decided")

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


def run_case(case: Case) -> list[dict[str, object]]:
    """Run one study; its lines of the CSV."""
    started = time.perf_counter()
    rows, target = table_rows(case.table, case.seed)
    outcome = NULLS[case.null](rows, DataCard(target=target), case.seed, SMALL)
    study = {"null": case.null, "table": case.table, "seed": case.seed, "n_rows": len(rows)}
    seconds = f"{time.perf_counter() - started:.1f}"
    return [study | verdict | {"seconds": seconds} for verdict in verdicts(outcome)]


def verdicts(outcome: Outcome) -> Iterator[dict[str, object]]:
    """What a study says as a whole and of each learner: word, best mix and what it promises of it."""
    best, promise = outcome.comparison.best_mix, outcome.comparison.promised_gain
    yield {
        "learner": ALL,
        "word": outcome.verdict.outcome,
        "mix": best and best.name,
        "gain": f"{promise:.6f}",
    }
    for each in outcome.learners:
        gain = "" if each["gain"] is None else f"{each['gain']:.6f}"
        mix = each["mix"] and each["mix"]["name"]
        yield {"learner": each["model"], "word": each["word"], "mix": mix, "gain": gain}


def summary(lines: pd.DataFrame) -> str:
    """How often a mix was proven, and shipped, for each learner: a table in Markdown.

    Beside it what is allowed of a learner and a 95 % bound of the true rate. The lines of a null's end count studies
    in which that happened for any learner: several tests at 5 %, so that no limit is set for them.
    """
    rows = [
        "| null | learner | studies | proven | shipped | allowed | true rate at most |",
        "|" + " --- |" * 7,
    ]
    # Beside copies, shuffled marginals with the teacher's labels may truly help: no false discovery.
    is_false = [cannot_help(null, str(mix)) for null, mix in zip(lines["null"], lines["mix"], strict=True)]
    lines = lines.assign(word=lines["word"].where(is_false, NOTHING_SHIPS[0]))
    for null, of_null in lines.groupby("null"):
        of_learners = of_null[of_null["learner"] != ALL]
        for learner, part in [(ALL, of_null[of_null["learner"] == ALL]), *of_learners.groupby("learner")]:
            proven, shipped, n = int((part["word"] == "proven").sum()), int(ships(part).sum()), len(part)
            rows.append(
                f"| {null} | {learner} | {n} | {proven} | {shipped} | {allowed(n)} | {bound(shipped, n):.1%} |"
            )
        by_study = of_learners.assign(proven=of_learners["word"] == "proven", shipped=ships(of_learners))
        any_learner = by_study.groupby(["table", "seed"])[["proven", "shipped"]].any()
        proven, shipped = any_learner.sum().astype(int)
        rows.append(f"| {null} | {ANY} | {len(any_learner)} | {proven} | {shipped} | | |")
    return "\n".join(rows)


def ships(lines: pd.DataFrame) -> pd.Series:
    """Where a mix ships."""
    return ~lines["word"].isin(NOTHING_SHIPS)


def allowed(n: int) -> int:
    """What happens more often in one of forty experiments only, at a true rate of 5 %: 16 of 200."""
    return int(stats.binom.ppf(0.975, n, FALSE_SHARE))


def bound(wrong: int, n: int) -> float:
    """95 % bound of a rate (Clopper and Pearson)."""
    return float(stats.beta.ppf(0.95, wrong + 1, n - wrong)) if wrong < n else 1.0


@app.default
def run(*, studies: int = 200, out: Path = OUT, processes: int = 2) -> None:
    """Run what is missing and print the counts.

    Parameters
    ----------
    studies
        Of each null.
    out
        Folder of ``verdicts.csv``.
    processes
        At once, with one thread each.
    """
    out.mkdir(parents=True, exist_ok=True)
    path, wanted = out / VERDICTS, list(cases(studies))
    done = read(path)
    todo = [case for case in wanted if case.key not in _keys(done)]
    workers = multiprocessing.get_context("spawn").Pool(processes)
    with path.open("a", newline="", encoding="utf-8") as file, workers as pool:
        writer = csv.DictWriter(file, FIELDS)
        if done.empty:
            writer.writeheader()
        for number, of_study in enumerate(pool.imap_unordered(run_case, todo), start=1):
            writer.writerows(of_study)
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
