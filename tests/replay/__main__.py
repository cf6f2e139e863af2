"""Bank Marketing in its real order: ``python -m tests.replay``.

2,000 rows of 2008 to begin with, then 2009 and 2010 month by month through the watcher, where the rate of
success jumps; one batch comes twice and one is corrupted. Each month is predicted before it is learned from,
by the champion, by a real-only model trained again each month, and by the first champion.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
RESULTS = HERE / "results"
TABLE = "bank"
CARD = """source: {source}
target: y
positive: 'yes'
ignore: [year]
operation:
  landing: {landing}
  promotion: auto
  budget_seconds: {budget}
"""
N_START = 2000
# A month of thousands of calls would outweigh all others: it is thinned by a stable draw.
MOST_PER_MONTH = 600
CORRUPTED, REPEATED = 4, 7


@dataclass(frozen=True)
class Month:
    """Rows that arrive together."""

    name: str
    rows: pd.DataFrame


def months() -> tuple[pd.DataFrame, list[Month]]:
    """Rows to begin with, and the arrivals in their order."""
    from realmix.tasks.sources import open_source

    everything = open_source("bundled:bank_marketing").load()
    first = everything[everything["year"] == 2008]
    later = everything[everything["year"] > 2008]
    order = pd.factorize(later["year"].astype(str) + "-" + later["month"])
    arrivals = [Month(name, thinned(later[order[0] == place])) for place, name in enumerate(order[1])]
    return thinned(first, N_START), arrivals


def thinned(rows: pd.DataFrame, n_rows: int = MOST_PER_MONTH) -> pd.DataFrame:
    """At most so many rows, drawn by a stable hash, in their order."""
    priority = pd.util.hash_pandas_object(rows.reset_index()).to_numpy()
    return rows.iloc[np.sort(np.argsort(priority, kind="stable")[:n_rows])]


def batches(arrivals: list[Month]) -> Iterator[tuple[Month, bool]]:
    """Months as they land, and whether the batch is a good one: one comes twice, one is corrupted first."""
    for number, month in enumerate(arrivals):
        if number == CORRUPTED:
            yield Month(f"{month.name}-corrupted", month.rows.drop(columns="balance")), False
        yield month, True
        if number == REPEATED:
            yield Month(f"{month.name}-again", month.rows), False


def replay(budget: int, n_months: int) -> pd.DataFrame:
    """Drive every arrival through the watcher; one line each."""
    from realmix.flows.local import environment
    from realmix.flows.terminal.progress import show_progress
    from realmix.flows.terminal.tables import is_due, register

    environment.prepare()
    show_progress()
    place = Path(os.environ["REALMIX_HOME"]).parent
    landing = place / "landing"
    landing.mkdir()
    start, arrivals = months()
    start.to_csv(place / "bank.csv", index=False)
    (place / "card.yaml").write_text(CARD.format(source=place / "bank.csv", landing=landing, budget=budget))
    register(place / "card.yaml", TABLE)
    rows = start
    with prefect():
        lines = [line_of(Month("start", start), retrained(), None)]
        first = champion_version()
        for month, is_good in batches(arrivals[:n_months]):
            scores = prequential(month.rows, rows, first) if is_good else None
            month.rows.to_csv(landing / f"{month.name}.csv", index=False)
            entry = retrained() if is_due(TABLE) else None
            lines.append(line_of(month, entry, scores))
            print(lines[-1], flush=True)
            rows = pd.concat([rows, month.rows]) if is_good else rows
    return pd.DataFrame(lines)


def prefect() -> Any:
    """One server for all retrainings."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from realmix.flows.local import environment
    from realmix.flows.local.embedded_server import EmbeddedServer

    environment.make_home()
    server = EmbeddedServer()
    server.start()
    server.wait()
    return temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})


def retrained() -> dict[str, Any]:
    """Entry of the record, with the seconds it took."""
    from realmix.flows.retrain import retrain

    began = time.perf_counter()
    entry: dict[str, Any] = retrain(TABLE, "replay")
    return entry | {"seconds": round(time.perf_counter() - began, 1)}


def champion_version() -> str:
    """Version of the champion of today."""
    from realmix.tasks.core.lifecycle.champion_record import read_champion_record
    from realmix.tasks.runtime.database import decisions

    return read_champion_record(decisions(TABLE)).champions[-1]


def prequential(month: pd.DataFrame, known: pd.DataFrame, first: str) -> dict[str, float]:
    """Log-loss on rows nobody has learned from yet."""
    return {
        "champion": loss_of(predicted_by(champion_version(), month), month),
        "always_real_only": loss_of(real_only(known, month), month),
        "never": loss_of(predicted_by(first, month), month),
    }


def predicted_by(version: str, rows: pd.DataFrame) -> np.ndarray:
    """Chance of "yes" by a registered version."""
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    from realmix.tasks.study.package import load_and_predict

    source = MlflowClient().get_model_version(TABLE, version).source
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(download_artifacts(source, dst_path=scratch))
        return load_and_predict(folder, rows)["proba_yes"].to_numpy()


def real_only(known: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """Chance of "yes" by XGBoost at its first setting, trained on every real row so far."""
    from realmix.tasks.core.table.infer_schema import infer_schema
    from realmix.tasks.models import MODELS

    schema = infer_schema(known, "y", positive="yes", roles={"year": "ignored"})
    spec = MODELS["xgboost"]
    canonical = schema.apply(known)
    model = spec.build(schema, spec.search_space(0, schema), 0, 1)
    model.fit(canonical[schema.feature_names], schema.one_hot_target(canonical), np.ones(len(canonical)))
    return np.asarray(model.predict(schema.apply(rows)[schema.feature_names]))[:, 1]


def loss_of(chances: np.ndarray, rows: pd.DataFrame) -> float:
    """Log-loss."""
    from sklearn.metrics import log_loss

    return float(log_loss(rows["y"] == "yes", np.clip(chances, 1e-6, 1 - 1e-6), labels=[False, True]))


def line_of(month: Month, entry: dict[str, Any] | None, scores: dict[str, float] | None) -> dict[str, Any]:
    """What happened to a batch."""
    arrivals = (entry or {}).get("arrivals") or []
    judgement = (entry or {}).get("judgement") or {}
    drift = (entry or {}).get("drift") or {}
    return {
        "batch": month.name,
        "rows": len(month.rows),
        "share_yes": round(float((month.rows["y"] == "yes").mean()), 3),
        "taken": arrivals[0]["status"] if arrivals else ("-" if entry else "seen before"),
        "drift": drift.get("level", "-"),
        "redone": entry["level"] if entry else "-",
        "verdict": (entry or {}).get("verdict", "-"),
        "promotion": judgement.get("word", "-"),
        **(scores or dict.fromkeys(("champion", "always_real_only", "never"))),
        "seconds": (entry or {}).get("seconds"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.replay", description=__doc__)
    parser.add_argument("--budget", type=int, default=30, help="seconds of a full study")
    parser.add_argument("--months", type=int, default=23, help="arrivals")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["REALMIX_HOME"] = str(Path(scratch) / "home")
        found = replay(asked.budget, asked.months)
    from tests.replay.page import write_page

    RESULTS.mkdir(exist_ok=True)
    found.to_csv(RESULTS / "replay.csv", index=False)
    print(write_page(found, RESULTS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
