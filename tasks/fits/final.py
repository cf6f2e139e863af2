"""The final fits on all rows of a scope: the arm that ships, and the incumbent (the best real-only arm)."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from realmix.tasks.core.contracts.specs import Model
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.mixes.training_set import REAL, TrainingSet
from realmix.tasks.core.provenance.mark import FOOTER, mark
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.arms import arm_seed, fit_arm, params_of, training_set
from realmix.tasks.fits.export import export_model, write_readable
from realmix.tasks.fits.scope import Scope, free_rows
from realmix.tasks.models import MODELS

RECIPE_KEY = b"realmix_recipe"
PROBA_PREFIX = "_realmix_proba_"


def fit_final(
    folder: str,
    arm: dict[str, Any],
    export_to: str,
    training_to: str | None,
    raw: str | None,
    n_jobs: int,
) -> dict[str, Any]:
    """Fit one arm on all rows of a scope and export it as data files.

    Parameters
    ----------
    folder : str
        Of the scope, with the teacher and the pool already in it where the arm needs them.
    arm : dict
        :meth:`Arm.to_dict`.
    export_to : str
        Folder for the model's data files and its ``spec.json``.
    training_to : str or None
        Parquet file for the training table.
    raw : str or None
        Parquet file of the raw rows of the scope, for the columns of the training table that
        have a role and are not modelled.
    n_jobs : int

    Returns
    -------
    dict
        Parameters, rows by origin and seconds.
    """
    started = time.perf_counter()
    scope, chosen = Scope(Path(folder)), Arm.from_dict(arm)
    schema = scope.context.schema
    training = training_set(scope, chosen.mix)
    free_rows()
    # In the types of the file, as the rows will be read back from the training table.
    training = dataclasses.replace(training, rows=schema.apply(schema.restore(training.rows)))
    model = fit_arm(scope, chosen, training, n_jobs, final=True)
    exported = export_model(model, chosen.model, schema, Path(export_to))
    write_readable(exported, schema, training.rows[training.origin == REAL], Path(export_to))
    if training_to:
        rows = pd.read_parquet(raw, columns=with_roles(schema)) if raw else None
        write_training_table(training, scope, chosen, rows, Path(training_to))
    return {
        "params": params_of(scope, chosen, final=True),
        "n_real": int((training.origin == REAL).sum()),
        "n_synthetic": int((training.origin != REAL).sum()),
        "seconds": time.perf_counter() - started,
    }


def write_training_table(
    training: TrainingSet, scope: Scope, arm: Arm, raw: pd.DataFrame | None, path: Path
) -> None:
    """Write the training table, which is enough to train the model again.

    The raw columns that models see or that have a role, and the target as hard label, with origin, weight, seed, snapshot and, where
    labels are soft, the probability of each class (or the soft number). The recipe (schema,
    model, parameters, seed) and the mark of origin are in the file's metadata.
    """
    context = scope.context
    schema = context.schema
    frame = with_raw_columns(schema.restore(training.rows), raw, schema)
    frame["_realmix_origin"] = training.origin
    frame["_realmix_weight"] = training.sample_weight
    drawn_with = scope.seed(arm.mix.synthesizer, "sample") if arm.mix.synthesizer else context.seed
    frame["_realmix_seed"] = np.where(training.origin == REAL, context.seed, drawn_with)
    frame["_realmix_snapshot"] = context.snapshot
    for name, values in soft_columns(training, schema).items():
        frame[name] = values
    recipe = {
        "schema": schema.to_dict(),
        "arm": arm.to_dict(),
        "params": params_of(scope, arm, final=True),
        "random_state": arm_seed(scope, arm),
        "on_gpu": arm.model in context.on_gpu,
    }
    table = pa.Table.from_pandas(frame, preserve_index=False)
    marked = mark(
        snapshot=context.snapshot,
        synthesizer=arm.mix.synthesizer,
        seed=drawn_with,
        n_real=int((training.origin == REAL).sum()),
        n_synthetic=int((training.origin != REAL).sum()),
    )
    own = {RECIPE_KEY: json.dumps(recipe).encode(), FOOTER: json.dumps(marked.to_dict()).encode()}
    metadata = {**(table.schema.metadata or {}), **own}
    pq.write_table(table.replace_schema_metadata(metadata), path)


def with_raw_columns(frame: pd.DataFrame, raw: pd.DataFrame | None, schema: Schema) -> pd.DataFrame:
    """Add keys, groups and weights to the real rows, which come first."""
    if raw is None:
        return frame
    absent = pd.Series([None] * (len(frame) - len(raw)), dtype=object)
    for name in with_roles(schema):
        values = raw[name].astype(object).where(raw[name].notna(), None)
        frame[name] = pd.concat([values, absent], ignore_index=True).infer_objects()
    return frame


def with_roles(schema: Schema) -> list[str]:
    """List the columns with a role that are not modelled: by them a person's rows are found again.

    What no model sees and has no role, such as a name, an address or free text, stays in the snapshot.
    """
    modelled = {c.name for c in schema.modelled}
    return [c.name for c in schema.columns if c.role not in ("feature", "ignored") and c.name not in modelled]


def soft_columns(training: TrainingSet, schema: Schema) -> dict[str, np.ndarray]:
    """Return the columns of soft labels; none where all labels are hard."""
    soft = training.y_proba
    if np.array_equal(soft, schema.one_hot_target(training.rows)):
        return {}
    if not schema.is_classification:
        return {"_realmix_target": soft}
    return {f"{PROBA_PREFIX}{label}": soft[:, code] for code, label in enumerate(schema.classes)}


def refit_from_training_table(path: Path, n_jobs: int = 1) -> Model:
    """Train the shipped model again, from nothing but its training table.

    Parameters
    ----------
    path : Path
        ``training.parquet`` of a study.
    n_jobs : int

    Returns
    -------
    Model
        Its predictions equal the shipped model's.
    """
    table = pq.read_table(path)
    recipe = json.loads(table.schema.metadata[RECIPE_KEY])
    schema, arm = Schema.from_dict(recipe["schema"]), Arm.from_dict(recipe["arm"])
    frame = table.to_pandas()
    rows = schema.apply(frame)
    soft = schema.one_hot_target(rows)
    if schema.is_classification and f"{PROBA_PREFIX}{schema.classes[0]}" in frame:
        soft = frame[[f"{PROBA_PREFIX}{label}" for label in schema.classes]].to_numpy()
    elif "_realmix_target" in frame:
        soft = frame["_realmix_target"].to_numpy()
    model: Any = MODELS[arm.model].build(schema, recipe["params"], recipe["random_state"], n_jobs)
    if recipe["on_gpu"]:
        model = model.to("cuda")
    fitted: Model = model.fit(rows[schema.feature_names], soft, frame["_realmix_weight"].to_numpy())
    return fitted
