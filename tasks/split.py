"""Cut the holdout first, then deal development rows into folds."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.core.planning import Plan
from tasks.core.schema import Schema
from tasks.core.seeds import derive_seed
from tasks.core.snapshots import write_atomically
from tasks.core.splitting import (
    HoldoutRule,
    hash_units,
    holdout_side,
    make_folds,
    make_time_folds,
    register_holdout,
    training_rows,
    uniform_from_hash,
    why_no_holdout,
)
from tasks.core.study import Block, Layout, Split, StudyFolder, Table, home
from tasks.fits.scope import StudyContext, feature_groups, write_scope

# The sample of development rows and the holdout must not share a salt.
SAMPLE_SALT = 1_000_003


@task(task_run_name="split", cache_policy=NO_CACHE)
def split_holdout(
    table: Table, folder: StudyFolder, *, rule: HoldoutRule | None, seed: int
) -> tuple[Split, HoldoutRule]:
    """Write the two sides of the table, and the rows of the two final fits."""
    raw = table.snapshot.read()
    schema = table.schema
    rule = rule or registered_rule(table, raw)
    folder.work.mkdir(parents=True, exist_ok=True)
    StudyContext(schema, table.card, table.snapshot.digest, seed).write(folder.work / "context.json")
    rows, weight = schema.apply(raw), row_weights(raw, schema)
    held = holdout_side(raw, schema, rule)
    reason = why_no_holdout(schema.encode_target(rows[held]), schema)
    if reason:
        held = np.zeros(len(rows), dtype=bool)
    development = ~held
    write_scope(folder.scope("shipped"), rows, weight)
    write_scope(folder.scope("evaluated"), rows[development], weight[development])
    rows[held].to_parquet(folder.work / "holdout.parquet", index=False)
    np.save(folder.work / "holdout-weight.npy", weight[held], allow_pickle=False)
    priority = uniform_from_hash(hash_units(raw, schema, rule.columns), SAMPLE_SALT)[development]
    np.save(folder.work / "priority.npy", priority, allow_pickle=False)
    groups = fold_groups(raw[development], rows[development], schema)
    np.save(folder.work / "development-groups.npy", groups, allow_pickle=False)
    return Split(len(rows), int(development.sum()), int(held.sum()), reason), rule


@task(task_run_name="lay-folds", cache_policy=NO_CACHE)
def lay_folds(folder: StudyFolder, plan: Plan) -> Layout:
    """Write a scope for every fold of the plan."""
    context = StudyContext.read(folder.work / "context.json")
    schema = context.schema
    everything = pd.read_parquet(folder.scope("evaluated") / "training.parquet")
    weights = np.load(folder.scope("evaluated") / "weight.npy")
    kept = sample_rows(schema.encode_target(everything), np.load(folder.work / "priority.npy"), schema, plan)
    rows, weight = everything.iloc[kept].reset_index(drop=True), weights[kept]
    groups = np.load(folder.work / "development-groups.npy")[kept]
    folds = fold_numbers(rows, groups, schema, plan, context.snapshot)
    rows.to_parquet(folder.work / "development.parquet", index=False)
    np.save(folder.work / "development-weight.npy", weight, allow_pickle=False)
    np.save(folder.work / "groups.npy", groups, allow_pickle=False)
    np.save(folder.work / "folds.npy", folds, allow_pickle=False)
    blocks = []
    for repeat in range(plan.n_repeats):
        for fold in range(plan.n_folds):
            block = Block(repeat, fold, f"fold-{repeat}-{fold}")
            train = training_rows(folds, repeat, fold, forward=plan.forward)
            validated = rows[folds[repeat] == fold]
            write_scope(folder.scope(block.scope), rows.iloc[train], weight[train], validated)
            blocks.append(block)
    return Layout(plan, tuple(blocks))


def registered_rule(table: Table, raw: pd.DataFrame) -> HoldoutRule:
    """Read the rule frozen when this table was first seen, or freeze one now."""
    path = home() / "tables" / f"{table.name}.{table.schema.target}.json"
    if path.exists():
        rule = HoldoutRule.from_dict(json.loads(path.read_text(encoding="utf-8")))
        if set(rule.columns) <= set(table.schema.feature_names):
            return rule
    rule = register_holdout(raw, table.schema)
    write_atomically(path, lambda file: file.write_text(json.dumps(rule.to_dict()), encoding="utf-8"))
    return rule


def row_weights(raw: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Weights the card names, scaled to a mean of 1; ones where it names none."""
    name = schema.with_role("weight")
    if name is None:
        return np.ones(len(raw))
    weight = raw[name].to_numpy(dtype=float)
    return weight / weight.mean()


def sample_rows(y: np.ndarray, priority: np.ndarray, schema: Schema, plan: Plan) -> np.ndarray:
    """Positions of the development rows the plan can afford: by stable hash, per class."""
    if plan.n_development >= len(y):
        return np.arange(len(y))
    share = plan.n_development / len(y)
    strata = y if schema.is_classification else np.zeros(len(y), dtype=int)
    kept = [
        found[np.argsort(priority[found], kind="stable")[: max(round(share * len(found)), 10)]]
        for found in (np.flatnonzero(strata == s) for s in np.unique(strata))
    ]
    return np.sort(np.concatenate(kept))


def fold_groups(raw: pd.DataFrame, rows: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Rows that no fold may part: those of one declared group, else those with equal features."""
    group = schema.with_role("group")
    return pd.factorize(raw[group])[0] if group else feature_groups(rows, schema)


def fold_numbers(
    rows: pd.DataFrame, groups: np.ndarray, schema: Schema, plan: Plan, snapshot: str
) -> np.ndarray:
    """Fold of each row in each repeat."""
    time = schema.with_role("time")
    if plan.forward and time:
        return make_time_folds(rows[time].to_numpy(), n_folds=plan.n_folds)
    return make_folds(
        schema.encode_target(rows),
        groups,
        schema.task,
        n_folds=plan.n_folds,
        n_repeats=plan.n_repeats,
        seed=derive_seed(snapshot, plan.seed, "folds"),
    )
