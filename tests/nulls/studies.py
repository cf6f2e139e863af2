"""Small real studies in which synthetic rows cannot help, one function per null."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SHUFFLED_MARGINALS, SynthesizerSpec
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from tests.nulls.planted import COPIES, DEAD_KINDS, LEAK_KINDS, Dead, Leaking, planted, registered
from tests.panel.study import Outcome, Recipe, known_learners, study_rows

# Generators that take a fraction of a second; GANs would make hundreds of studies a matter of days.
SMALL = Recipe(
    {"sequential-trees": None, "smote": None},
    ratios=(1.0,),
    models=known_learners("xgboost", "decision-tree", "scorecard", "linear", "class-prior"),
    teacher=(("xgboost", 0), ("linear", 0)),
    n_bootstrap=400,
)
# Where nothing but a refusal is asked for.
SMALLEST = dataclasses.replace(
    SMALL, ratios=(1.0,), models=("linear",), n_folds=3, teacher=(("linear", 0),), n_bootstrap=100
)


def cannot_help(null: str, mix: str) -> bool:
    """Whether a mix that ships is a false discovery: beside copies, shuffled marginals with labels may truly help."""
    return null != copies.__name__ or not mix.startswith(SHUFFLED_MARGINALS)


def permuted_labels(rows: pd.DataFrame, card: DataCard, seed: int, recipe: Recipe = SMALL) -> Outcome:
    """No feature tells anything of the target, so nothing beats the class prior."""
    order = np.random.default_rng(derive_seed("permuted", seed)).permutation(len(rows))
    permuted = rows.assign(**{card.target: rows[card.target].to_numpy()[order]})
    return _run(permuted, card, recipe, seed)


def copies(rows: pd.DataFrame, card: DataCard, seed: int, recipe: Recipe = SMALL) -> Outcome:
    """The only generator gives bootstrap copies, with joint and with teacher labels."""
    with registered(COPIES):
        return _run(rows, card, dataclasses.replace(recipe, synthesizers={COPIES.name: None}), seed)


def leaks(rows: pd.DataFrame, card: DataCard, seed: int) -> Outcome:
    """One generator for each way to give validation rows away, beside an honest one."""
    everything = infer_schema(rows, card.target).apply(rows)
    specs = [planted(f"{kind}-leak", lambda kind=kind: Leaking(everything, kind)) for kind in LEAK_KINDS]
    return _with(specs, rows, card, seed)


def dead_generators(rows: pd.DataFrame, card: DataCard, seed: int) -> Outcome:
    """One generator for each way to be dead, beside a living one."""
    specs = [planted(f"dead-{kind}", lambda kind=kind: Dead(kind)) for kind in DEAD_KINDS]
    return _with(specs, rows, card, seed)


def _with(specs: list[SynthesizerSpec], rows: pd.DataFrame, card: DataCard, seed: int) -> Outcome:
    names: dict[str, int | None] = {**{spec.name: None for spec in specs}, "smote": None}
    with registered(*specs):
        return _run(rows, card, dataclasses.replace(SMALLEST, synthesizers=names), seed)


def _run(rows: pd.DataFrame, card: DataCard, recipe: Recipe, seed: int) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return study_rows(rows, card, recipe, folder=Path(folder), seed=seed, digest=f"null-{seed}")
