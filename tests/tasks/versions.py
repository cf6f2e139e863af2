"""Hand-made studies of a small table: its rows, fits, snapshots and registry are real, its race is not."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.splits.holdout import holdout_side
from realmix.tasks.core.table.card import parse_card
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.export import export_model
from realmix.tasks.lifecycle.compare_versions import schema_of
from realmix.tasks.models import MODELS
from realmix.tasks.runtime.database import register_table, registered_table
from realmix.tasks.runtime.holdout_rules import registered_rule
from realmix.tasks.runtime.snapshots import Snapshot, take_snapshot
from realmix.tasks.runtime.study_folder import StudyFolder, Table, home
from realmix.tasks.study.package import save_pyfunc

WARNINGS = [
    # MLflow's own classes are annotated with Any, of which it warns on import.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType.*:UserWarning"),
    # Its connections are closed by the end of the process.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
N_FIRST, N_LATER = 500, 1500
# Trees without a bound know every row they have seen by heart.
BOUNDLESS = {
    "n_estimators": 150, "learning_rate": 0.5, "max_depth": 12, "min_child_weight": 0.0, "subsample": 1.0,
    "colsample_bytree": 1.0, "reg_lambda": 0.0,
}  # fmt: skip
# A server that is not there, asked once.
DOWN = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}


@contextmanager
def registry(place: Path) -> Iterator[Path]:
    """A home and an MLflow store of their own; a copy of a store that was made once."""
    before = dict(os.environ)
    place.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(empty_store(), place / "mlflow.db")
    os.environ |= {
        "REALMIX_HOME": str(place),
        "MLFLOW_TRACKING_URI": f"sqlite:///{place / 'mlflow.db'}",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "ERROR",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    }
    yield place
    os.environ.clear()
    os.environ.update(before)


@functools.cache
def empty_store() -> Path:
    """MLflow makes its tables in seconds, a copy takes none."""
    from mlflow import MlflowClient

    path = Path(tempfile.mkdtemp()) / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments(max_results=1)
    return path


def raw_rows(n_rows: int) -> pd.DataFrame:
    """The first rows of a table whose target two of three numbers explain in part."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 3))
    odds = 1.5 * x[:, 0] - x[:, 1]
    frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(
        id=np.arange(len(x)),
        day=np.arange(len(x)) // 20,
        sex=rng.choice(["f", "m"], len(x)),
        plan=rng.choice(["basic", "plus"], len(x)),
        y=np.where(rng.random(len(x)) < 1 / (1 + np.exp(-odds)), "yes", "no"),
    )
    return frame.head(n_rows)


def register(name: str, *, card: dict[str, Any] | None = None, **operation: Any) -> Registered:
    """Take the first rows of the table on under a name."""
    declared: dict[str, Any] = {
        "source": f"table:{name}",
        "target": "y",
        "positive": "yes",
        "key": "id",
        "ignore": ["day"],
        "sensitive": ["sex"],
        "slices": ["plan"],
        # A busy machine must not have a say in who is promoted.
        "operation": {"max_slowdown": 100, **operation},
    }
    parsed = parse_card(declared | (card or {}))
    raw, snapshot = raw_rows(N_FIRST), snapshot_of(raw_rows(N_FIRST))
    registered_rule(Table(name, snapshot, {}, parsed, schema_of(raw, parsed)), raw)
    register_table(name, parsed, snapshot.digest)
    return registered_table(name)


def snapshot_of(raw: pd.DataFrame) -> Snapshot:
    return take_snapshot(raw, home() / "snapshots", source={})


def study(
    table: Registered,
    raw: pd.DataFrame,
    kind: str,
    *,
    word: str = "proven",
    **changes: Any,
) -> tuple[StudyFolder, VerdictDocument]:
    """Lay down what a study leaves behind; `changes` are to its description of the table."""
    card, snapshot = table.card, snapshot_of(raw)
    schema = schema_of(raw, card)
    rule = registered_rule(Table(table.name, snapshot, {}, card, schema), raw)
    held = holdout_side(raw, schema, rule)
    number = len(list((home() / "studies").glob("*"))) + 1
    folder = StudyFolder(home() / "studies" / f"{table.name}-{number}-{kind}")
    pack(kind, raw, schema, folder.path / "model")
    pack(kind, raw[~held], schema, folder.path / "evaluated" / "model")
    shutil.copytree(folder.path / "model", folder.path / "real_only")
    raw[~held].to_parquet(folder.path / "training.parquet")
    described = {
        "name": table.name, "source": f"table:{table.name}", "target": "y", "task": schema.task,
        "classes": list(schema.classes), "positive": schema.positive, "n_rows": len(raw),
        "n_development": int((~held).sum()), "n_holdout": int(held.sum()), "n_features": len(schema.features),
        **changes,
    }  # fmt: skip
    digests = {"snapshot": snapshot.digest, "training": snapshot.digest}
    document = VerdictDocument.build(
        verdict(folder.path.name, kind, word, described, digests, rule.to_dict())
    )
    for name in ("verdict.json", "plan.json", "manifest.json"):
        folder.write_json(name, document.to_dict())
    (folder.path / "report.html").write_text("<p>", encoding="utf-8")
    return folder, document


def verdict(
    name: str, kind: str, word: str, table: dict[str, Any], digests: dict[str, str], holdout: dict[str, Any]
) -> dict[str, Any]:
    """A verdict document as far as MLflow is told of it."""
    scored = {"name": kind, "score": 0.5, "interval": [0.4, 0.6]}
    recipe = Mix().to_dict()
    arm = {
        **scored, **recipe, "mix": "real-only", "std": 0.1, "gain": 0.0, "gain_interval": [0.0, 0.0],
        "p_corrected": 1.0, "share_of_folds_won": 0.5, "extra_metrics": {}, "trial": 0, "model": kind,
        "role": "real_only", "why": "",
    }  # fmt: skip
    shipped = {
        "name": kind, "mix": "real-only", "recipe": recipe, "in_words": "real rows", "model": kind, "trial": 0,
        "params": {},
    }  # fmt: skip
    unknown = (
        "n_validation", "n_train", "challenger_gain", "standard_error", "p_corrected", "p_holm", "p_max", "p_value",
        "share_of_folds_won", "beats_duplicates", "beats_shuffled", "beats_distillation", "calibration_change",
        "shrunken_gain", "loss_chance", "rows_to_prove",
    )  # fmt: skip
    return {
        "schema_version": 1,
        "realmix_version": "0.1.0",
        "study": name,
        "word": word,
        "sentence": f"The study {name} is done.",
        "reason": "It is simulated.",
        "complete": True,
        "missing": [],
        "winner": shipped,
        "real_only": shipped,
        "table": table,
        "metric": {
            "name": "log_loss", "direction": "lower is better", "margin": 0.005, "margin_is_relative": True,
        },
        "validation": {
            "real_only": scored, "mix": None, "promised_gain": 0.02, "naive_gain": 0.03, "optimism": 0.01,
            "promised_interval": [0.0, 0.04], "smallest_provable_gain": 0.01, "n_rows": 400, "n_folds": 5,
            **dict.fromkeys(unknown),
        },
        "holdout": {
            "sentence": "It held.", "n_rows": 100, "gain": 0.015, "mix": None,
            "real_only": {"score": 0.5, "interval": [0.4, 0.6]},
            **dict.fromkeys(("interval", "standard_error", "promised", "prediction_interval", "inside_interval")),
        },
        "holdout_reason": "there are too few rows",
        "gates": [], "arms": [arm], "disqualified": {}, "digests": digests, "seeds": {"study": 0},
        "seconds": {"ingest": 1.0, "validate": 1.0, "plan": 2.0, "race": 10.0, "so far": 20.0},
        "plan": {"holdout": holdout, "n_folds": 5, "n_repeats": 1, "n_trials": 1, "n_development": 400},
        "versions": {}, "provenance": {},
    }  # fmt: skip


def pack(kind: str, raw: pd.DataFrame, schema: Schema, folder: Path) -> None:
    """Fit a model of a kind on rows and pack it: "class-prior", "linear" or "memoriser"."""
    name = "xgboost" if kind == "memoriser" else kind
    params = MODELS[name].search_space(0, schema) | (BOUNDLESS if kind == "memoriser" else {})
    model, rows = MODELS[name].build(schema, params, 0, 1), schema.apply(raw[raw["y"].notna()])
    model.fit(rows[schema.feature_names], schema.one_hot_target(rows), np.ones(len(rows)))
    with tempfile.TemporaryDirectory() as scratch:
        export_model(model, name, schema, Path(scratch) / "data")
        save_pyfunc(Path(scratch) / "data", name, schema, folder, {"arm": kind})
