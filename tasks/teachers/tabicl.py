"""TabICL: a pretrained network for classes and quantities, with open weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from realmix.tasks.core.contracts.specs import TeacherSpec
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.versions import require
from realmix.tasks.teachers._in_context import InContext, Wanted, missing_weights

REPOSITORY = "jingang/TabICL"


def weights(schema: Schema) -> tuple[Path, ...]:
    """Return the file of weights in Hugging Face's cache of this machine."""
    require("tabicl", "tabicl", f"The teacher {SPEC.name}")
    from huggingface_hub import constants, try_to_load_from_cache
    from tabicl import TabICLClassifier, TabICLRegressor

    version = (TabICLClassifier if schema.is_classification else TabICLRegressor)().checkpoint_version
    found = try_to_load_from_cache(REPOSITORY, version)
    if not isinstance(found, str):
        raise missing_weights(SPEC.name, f"{version} of {REPOSITORY} in {constants.HF_HUB_CACHE}")
    return (Path(found),)


def estimator(wanted: Wanted) -> Any:
    """Return TabICL's estimator, which never downloads."""
    from tabicl import TabICLClassifier, TabICLRegressor

    kind = TabICLClassifier if wanted.schema.is_classification else TabICLRegressor
    return kind(
        model_path=weights(wanted.schema)[0],
        allow_auto_download=False,
        device=wanted.device,
        random_state=wanted.random_state,
        n_jobs=wanted.n_jobs,
    )


def build(schema: Schema, random_state: int, n_jobs: int) -> InContext:
    """Return an unfitted teacher."""
    return InContext(estimator, schema, random_state=random_state, n_jobs=n_jobs)


def fit_cost(n_rows: int, n_columns: int, n_classes: int) -> float:
    """Estimate the seconds of a fit and of labels for as many rows."""
    return 1.0 + n_rows * row_cost(n_rows, n_columns)


def row_cost(n_learnt: int, n_columns: int) -> float:
    """Estimate the seconds of one label: it and a learnt row are read.

    Measured on one thread with 100 to 800 learnt rows of 8 and 30 features and weights drawn at random, which take
    as long.
    """
    return 2 * (6e-3 + 4.5e-4 * n_columns)


def fit_bytes(n_rows: int, n_columns: int, n_levels: int) -> float:
    """Bound the memory of the network and of as many new rows as were learnt; measured with 500 rows."""
    return 4e8 + 9e4 * 2 * n_rows * n_columns


SPEC = TeacherSpec(
    name="tabicl",
    build=build,
    reference="https://arxiv.org/abs/2602.11139",
    fit_cost=fit_cost,
    row_cost=row_cost,
    weights=weights,
    fit_bytes=fit_bytes,
    max_rows=100_000,
    max_columns=2_000,
    gpu_library="torch",
)
