"""One synthesizer fit and its pool of synthetic rows, labelled by the scope's teacher."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.core.errors import SynthesizerFailed
from realmix.tasks.core.mixes.arms import Balance
from realmix.tasks.core.mixes.label_priors import repair_priors
from realmix.tasks.core.mixes.leakage import leak_evidence
from realmix.tasks.core.mixes.pools import draw_pool
from realmix.tasks.core.mixes.training_set import Pool, class_counts_by_label, class_totals, pool_quota
from realmix.tasks.core.mixes.weighted_rows import resample_by_weight
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.scope import Scope, StudyContext
from realmix.tasks.fits.teacher import load_teacher
from realmix.tasks.synthesizers import SYNTHESIZERS

# A synthesizer learns from at most this many rows; a GAN's time grows with rows, its gain hardly.
MAX_SYNTHESIS_ROWS = 10_000


def synthesize(
    folder: str, synthesizer: str, max_ratio: float, balances: list[Balance], max_steps: int | None
) -> dict[str, Any]:
    """Fit a synthesizer on a scope's training rows and store its pool there.

    Parameters
    ----------
    folder : str
        Of the scope.
    synthesizer : str
    max_ratio : float
        Largest ratio of any mix; mixes with smaller ratios use the first rows of the pool.
    balances : list of {"prior", "balanced"}
        The pool has enough rows of each class for all of these.
    max_steps : int or None
        Bound of optimiser steps.

    Returns
    -------
    dict
        The pool's log, see :class:`realmix.tasks.core.mixes.pools.PoolLog`.

    Raises
    ------
    SynthesizerFailed
        With the reason, which becomes a row of the report; also if the rows reveal that the
        synthesizer saw validation rows.
    """
    scope = Scope(Path(folder))
    schema, real = scope.context.schema, scope.training
    rows, log = _draw(scope, synthesizer, max_ratio, balances, max_steps)
    labels = load_teacher(scope).predict(rows[schema.feature_names])
    if schema.is_classification:
        totals = class_totals(real, schema, scope.base_weight)
        labels = repair_priors(labels, schema.encode_target(rows), totals)
    scope.write_predictions(f"{synthesizer}-teacher.npy", labels)
    return log


def draw_rows(
    folder: str, synthesizer: str, max_ratio: float, balances: list[Balance], max_steps: int | None
) -> dict[str, Any]:
    """Fit a synthesizer and store its rows with the labels that they were generated with, without a teacher's.

    Parameters and result as of :func:`synthesize`.

    Raises
    ------
    SynthesizerFailed
        As of :func:`synthesize`.
    """
    return _draw(Scope(Path(folder)), synthesizer, max_ratio, balances, max_steps)[1]


def _draw(
    scope: Scope, synthesizer: str, max_ratio: float, balances: list[Balance], max_steps: int | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    context = scope.context
    schema, real = context.schema, scope.training
    weight = scope.base_weight
    n_rows, by_class = pool_size(real, weight, schema, max_ratio, tuple(balances))
    rows, log = draw_pool(
        on_device(SYNTHESIZERS[synthesizer], context),
        context.card,
        _learnable(real, weight, schema, scope.seed(synthesizer, "rows")),
        schema=schema,
        n_rows_by_class=by_class,
        n_rows=n_rows,
        seed_key=(context.snapshot, context.seed, scope.name, synthesizer),
        max_steps=max_steps,
    )
    refuse_leak(scope, synthesizer, rows)
    rows.to_parquet(scope.folder / f"{synthesizer}.parquet", index=False, compression="zstd")
    return rows, dataclasses.asdict(log)


def on_device(spec: SynthesizerSpec, context: StudyContext) -> SynthesizerSpec:
    """Return the synthesizer's spec so that it trains where the plan says: on the CPU, or on a GPU."""
    return dataclasses.replace(spec, build=lambda card: context.placed(spec.name, spec.build(card)))


def refuse_leak(scope: Scope, synthesizer: str, rows: pd.DataFrame) -> None:
    """Refuse a pool whose rows reveal validation rows of its fold; the final fits have no such rows."""
    if not scope.has_validation:
        return
    evidence = leak_evidence(
        rows,
        scope.training,
        scope.validation,
        scope.context.schema,
        random_state=scope.seed(synthesizer, "leak"),
    )
    if evidence.reason:
        raise SynthesizerFailed(
            f"'{synthesizer}' {evidence.reason}: it is out of this study; the others go on."
        )


def load_pool(scope: Scope, synthesizer: str) -> Pool:
    """Read the pool that this study drew for the scope."""
    rows, labels = pd.read_parquet(scope.folder / f"{synthesizer}.parquet"), f"{synthesizer}-teacher.npy"
    return Pool(rows, scope.read_predictions(labels) if (scope.folder / labels).exists() else None)


def pool_size(
    real: pd.DataFrame, weight: np.ndarray, schema: Schema, max_ratio: float, balances: tuple[Balance, ...]
) -> tuple[int, dict[str, int] | None]:
    """Compute how many rows a pool needs in all and, for classification, per class."""
    n_synthetic = round(max_ratio * len(real))
    if not schema.is_classification:
        return n_synthetic, None
    quota = pool_quota(class_totals(real, schema, weight), n_synthetic, balances)
    return int(quota.sum()), dict(class_counts_by_label(quota, schema))


def _learnable(real: pd.DataFrame, weight: np.ndarray, schema: Schema, seed: int) -> pd.DataFrame:
    """Choose the rows that a synthesizer learns from: each as often as it weighs within its class.

    No generator here takes weights. Class shares are the quota's matter, so that a class of little weight
    keeps all the rows that there are to learn it from.
    """
    rows = np.arange(len(real))
    if len(rows) > MAX_SYNTHESIS_ROWS:
        random = np.random.default_rng(derive_seed(seed))
        rows = np.sort(random.choice(len(rows), MAX_SYNTHESIS_ROWS, replace=False))
    if np.ptp(weight) > 0:
        strata = schema.encode_target(real.iloc[rows]) if schema.is_classification else None
        rows = rows[resample_by_weight(weight[rows], strata, seed=derive_seed(seed, "weight"))]
    return real.iloc[rows].reset_index(drop=True)
