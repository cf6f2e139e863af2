"""TabPFN: a pretrained network for small tables; most of its weights are not for commercial use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from realmix.tasks.core.contracts.specs import TeacherSpec
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.versions import require
from realmix.tasks.teachers._in_context import InContext, Wanted, missing_weights


def weights(schema: Schema) -> tuple[Path, ...]:
    """Return the file of weights in TabPFN's cache on this machine."""
    require("tabpfn", "tabpfn", f"The teacher {SPEC.name}")
    from tabpfn.model_loading import resolve_model_path
    from tabpfn.settings import settings

    which = "classifier" if schema.is_classification else "regressor"
    (found,), *_ = resolve_model_path(None, which, settings.tabpfn.model_version)
    if not found.exists():
        raise missing_weights(SPEC.name, str(found))
    return (found,)


def estimator(wanted: Wanted) -> Any:
    """Return TabPFN's estimator with weights that are there: it downloads only those that are not."""
    from tabpfn import TabPFNClassifier, TabPFNRegressor

    kind = TabPFNClassifier if wanted.schema.is_classification else TabPFNRegressor
    return kind(
        model_path=weights(wanted.schema)[0],
        device=wanted.device,
        random_state=wanted.random_state,
        n_preprocessing_jobs=wanted.n_jobs,
        categorical_features_indices=list(wanted.categories),
        # The limits of the spec hold instead; else more than some thousand rows need a GPU.
        ignore_pretraining_limits=True,
    )


def build(schema: Schema, random_state: int, n_jobs: int) -> InContext:
    """Return an unfitted teacher."""
    return InContext(estimator, schema, random_state=random_state, n_jobs=n_jobs)


def fit_cost(n_rows: int, n_columns: int, n_classes: int) -> float:
    """Estimate the seconds of a fit and of labels for as many rows."""
    return 1.0 + n_rows * row_cost(n_rows, n_columns)


def row_cost(n_learnt: int, n_columns: int) -> float:
    """Estimate the seconds of one label; taken from TabICL, a network of the same kind and size."""
    return 2 * (6e-3 + 4.5e-4 * n_columns)


def fit_bytes(n_rows: int, n_columns: int, n_levels: int) -> float:
    """Bound the memory of the network and its rows; taken from TabICL."""
    return 4e8 + 9e4 * 2 * n_rows * n_columns


SPEC = TeacherSpec(
    name="tabpfn",
    build=build,
    reference="doi:10.1038/s41586-024-08328-6",
    fit_cost=fit_cost,
    row_cost=row_cost,
    weights=weights,
    fit_bytes=fit_bytes,
    max_rows=10_000,
    max_columns=500,
    max_classes=10,
    gpu_library="torch",
)
