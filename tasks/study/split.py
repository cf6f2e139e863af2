"""Split off the holdout first, then divide the development rows into folds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.plan import Block, Layout, Plan, Split
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.splits.folds import make_folds, make_time_folds, training_rows
from realmix.tasks.core.splits.holdout import (
    HoldoutRule,
    hash_units,
    holdout_side,
    uniform_from_hash,
    why_no_holdout,
)
from realmix.tasks.core.table.costs import decision_costs
from realmix.tasks.core.table.limits import MIN_GROUPS
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.scope import (
    DEVELOPMENT,
    GROUP,
    HOLDOUT,
    PRIORITY,
    UNIT,
    WEIGHT,
    StudyContext,
    feature_groups,
    stored_rows,
    write_rows,
    write_scope,
)
from realmix.tasks.runtime.holdout_rules import registered_rule
from realmix.tasks.runtime.study_folder import StudyFolder, Table
from realmix.tasks.study.development import COSTS, DECLARED, FOLDS, HOLDOUT_COSTS

# The sample of development rows and the holdout must not share a salt.
SAMPLE_SALT = 1_000_003


@task(task_run_name="split", cache_policy=NO_CACHE)
def split_holdout(
    table: Table, folder: StudyFolder, *, rule: HoldoutRule | None, seed: int, on_gpu: tuple[str, ...] = ()
) -> tuple[Split, HoldoutRule]:
    """Split the table into development rows and holdout, and name the rows of the two final fits."""
    raw = table.snapshot.read()
    schema = table.schema
    rule = rule or registered_rule(table, raw)
    folder.work.mkdir(parents=True, exist_ok=True)
    context = StudyContext(schema, table.card, table.snapshot.digest, seed, on_gpu)
    context.write(folder.work / "context.json")
    rows, weight = schema.apply(raw), row_weights(raw, schema)
    # Rows that no fold may separate: those of one declared group, else those with equal features.
    group = schema.with_role("group")
    groups = pd.factorize(raw[group])[0] if group else feature_groups(rows, schema)
    is_holdout = holdout_side(raw, schema, rule)
    no_holdout = why_no_holdout(schema.encode_target(rows[is_holdout]), schema)
    no_holdout = no_holdout or why_too_few_left(groups[~is_holdout])
    if no_holdout:
        is_holdout = np.zeros(len(rows), dtype=bool)
    units = hash_units(raw, schema, rule.columns)
    priority = uniform_from_hash(units, SAMPLE_SALT)
    sides = ((DEVELOPMENT, ~is_holdout, {PRIORITY: priority}), (HOLDOUT, is_holdout, {UNIT: units}))
    for name, side, more in sides:
        beside = {WEIGHT: weight, GROUP: groups, **more}
        chosen = {column: values[side] for column, values in beside.items()}
        write_rows(folder.work / name, rows[side], **chosen)
    costs = decision_costs(raw, schema.encode_target(rows), schema, table.card)
    if costs is not None:
        np.save(folder.work / COSTS, costs[~is_holdout], allow_pickle=False)
        np.save(folder.work / HOLDOUT_COSTS, costs[is_holdout], allow_pickle=False)
    n_development, order = int((~is_holdout).sum()), np.argsort(is_holdout, kind="stable")
    write_scope(folder.scope("shipped"), np.argsort(order, kind="stable"))
    write_scope(folder.scope("evaluated"), np.arange(n_development))
    if table.card.protected:
        declared = schema.canonical_columns(raw[~is_holdout], table.card.protected).reset_index(drop=True)
        declared.to_parquet(folder.work / DECLARED)
    return Split(len(rows), n_development, int(is_holdout.sum()), no_holdout), rule


@task(task_run_name="lay-folds", cache_policy=NO_CACHE)
def lay_folds(folder: StudyFolder, plan: Plan) -> Layout:
    """Write a scope for every fold of the plan.

    Returns
    -------
    Layout
        With the folds that the rows allow: if there are few groups or times, `n_folds` is smaller
        than planned.
    """
    context = StudyContext.read(folder.work / "context.json")
    schema = context.schema
    stored = stored_rows(folder.work / DEVELOPMENT)
    y = schema.encode_target(stored.rows)
    sampled = sample_rows(y, stored.beside[PRIORITY], schema, plan)
    rows, groups = stored.rows.iloc[sampled].reset_index(drop=True), stored.beside[GROUP][sampled]
    folds = fold_numbers(rows, groups, schema, plan, context.snapshot)
    np.savez(folder.work / FOLDS, sampled=sampled, folds=folds)
    blocks = fold_blocks(folds)
    for block in blocks:
        train = training_rows(folds, block.repeat, block.fold, forward=plan.forward)
        validated = folds[block.repeat] == block.fold
        write_scope(folder.scope(block.scope), sampled[train], sampled[validated])
    n_folds = max(block.fold for block in blocks) + 1
    return Layout(dataclasses.replace(plan, n_folds=n_folds, n_repeats=len(folds)), blocks)


def fold_blocks(folds: np.ndarray) -> tuple[Block, ...]:
    """List the folds that contain rows, in each repeat.

    Raises
    ------
    BadInput
        If a repeat has fewer than two: nothing could be trained or compared.
    """
    present = [np.unique(of_repeat[of_repeat >= 0]) for of_repeat in folds]
    if min(len(numbers) for numbers in present) < 2:
        raise BadInput(
            "The development rows allow fewer than two folds: too few groups or times are left. "
            "Collect rows of more groups or times, or drop `group` or `time` from the card."
        )
    return tuple(
        Block(repeat, int(fold), f"fold-{repeat}-{fold}")
        for repeat, numbers in enumerate(present)
        for fold in numbers
    )


def why_too_few_left(groups: np.ndarray) -> str | None:
    """Return the reason why a holdout would leave too few groups to study, or None."""
    n_groups = len(np.unique(groups))
    if n_groups < MIN_GROUPS:
        return f"the holdout would leave {n_groups} groups, fewer than {MIN_GROUPS}"
    return None


def row_weights(raw: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return the weights that the card names, scaled to a mean of 1; ones if it names none."""
    name = schema.with_role("weight")
    if name is None:
        return np.ones(len(raw))
    weight = raw[name].to_numpy(dtype=float)
    return weight / weight.mean()


def sample_rows(y: np.ndarray, priority: np.ndarray, schema: Schema, plan: Plan) -> np.ndarray:
    """Choose the development rows that the plan can afford, by stable hash within each class."""
    if plan.n_development >= len(y):
        return np.arange(len(y))
    share = plan.n_development / len(y)
    strata = y if schema.is_classification else np.zeros(len(y), dtype=int)
    positions = [
        found[np.argsort(priority[found], kind="stable")[: max(round(share * len(found)), 10)]]
        for found in (np.flatnonzero(strata == s) for s in np.unique(strata))
    ]
    return np.sort(np.concatenate(positions))


def fold_numbers(
    rows: pd.DataFrame, groups: np.ndarray, schema: Schema, plan: Plan, snapshot: str
) -> np.ndarray:
    """Assign each row to a fold, in each repeat."""
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


def development_targets(folder: StudyFolder) -> np.ndarray:
    """Return the encoded targets of the development rows."""
    schema = StudyContext.read(folder.work / "context.json").schema
    return schema.encode_target(stored_rows(folder.work / DEVELOPMENT).rows)
