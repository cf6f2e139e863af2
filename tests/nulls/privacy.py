"""Are leaks of known size found, and honest rows accused? ``python -m tests.nulls.privacy`` counts.

Rows of the bundled table are dealt to members, non-members, reference and, for pools that hold nothing of the
members, a fourth part. The honest pools come from hard tables too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
from cyclopts import App

from realmix.tasks.core.mixes.training_set import class_counts_by_label
from realmix.tasks.core.privacy.membership import Membership
from realmix.tasks.core.privacy.sides import deal_sides
from realmix.tasks.core.privacy.trial import Trial
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.sources.bundled import BundledSource
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.nulls.honest import variants
from tests.nulls.run import BUNDLED

# Noise on copies, in standard deviations of each number.
JITTER = 0.3
FITTED = ("smote", "neighbour-swap", "sequential-trees", "gaussian-copula")
N_FOLDS = 5
IN_FOLDS = "honest, in folds"
LEAKS = ("honest", IN_FOLDS, "2 % copied", "5 % copied", "jitter", *FITTED)
app = App(name="privacy")
Pool = Callable[[pd.DataFrame, pd.DataFrame, Schema, int], pd.DataFrame]


def pool_of(leak: str) -> Pool:
    """Return the function that makes a pool of independent rows and members."""
    if leak == "honest":
        return copied(0.0)
    if leak.endswith("copied"):
        return copied(float(leak.split()[0]) / 100)
    if leak == "jitter":
        return jittered
    return fitted(leak)


def copied(share: float) -> Pool:
    """Independent rows, and a share of copied members."""

    def draw(independent: pd.DataFrame, members: pd.DataFrame, schema: Schema, seed: int) -> pd.DataFrame:
        n = round(share * len(independent))
        return pd.concat([independent.iloc[n:], members.sample(n, random_state=seed)], ignore_index=True)

    return draw


def jittered(independent: pd.DataFrame, members: pd.DataFrame, schema: Schema, seed: int) -> pd.DataFrame:
    """Members with noise on every number."""
    rng, pool = np.random.default_rng(seed), members.reset_index(drop=True)
    for column in schema.modelled:
        if not column.is_categorical:
            spread = float(members[column.name].std())
            pool[column.name] += JITTER * spread * rng.normal(size=len(pool))
    return pool


def fitted(name: str) -> Pool:
    """As many rows as members, of each class too, from a synthesizer that learned the members."""

    def draw(independent: pd.DataFrame, members: pd.DataFrame, schema: Schema, seed: int) -> pd.DataFrame:
        spec = SYNTHESIZERS[name]
        learned = spec.build(DataCard(target=schema.target)).fit(
            members.reset_index(drop=True), schema=schema, random_state=seed, max_steps=spec.default_steps
        )
        counts = class_counts_by_label(np.bincount(schema.encode_target(members)), schema)
        return learned.sample(len(members), class_counts=counts, random_state=derive_seed(seed, "sample"))

    return draw


def attack(rows: pd.DataFrame, schema: Schema, leak: str, n_rows: int, seed: int) -> Membership:
    """Deal rows to a trial with a leak, and attack it."""
    if leak == IN_FOLDS:
        return attack_folds(rows, schema, n_rows, seed)
    order = np.random.default_rng(derive_seed("privacy", n_rows, seed)).permutation(len(rows))
    sides = (rows.iloc[part] for part in order[: 4 * n_rows].reshape(4, n_rows))
    independent, members, non_members, reference = sides
    pool = pool_of(leak)(independent, members, schema, seed)
    return Membership.attack([Trial(pool, members, non_members, reference, schema, seed)], seed=seed)


def attack_folds(rows: pd.DataFrame, schema: Schema, n_rows: int, seed: int) -> Membership:
    """Attack honest pools of the folds of a study, in which each row is a member once and unseen once."""
    rng = np.random.default_rng(derive_seed("privacy in folds", n_rows, seed))
    real, *pools = np.array_split(rng.permutation(len(rows))[: (1 + N_FOLDS) * n_rows], 1 + N_FOLDS)
    studied = rows.iloc[real]
    sides = deal_sides(np.arange(n_rows) % N_FOLDS, np.arange(n_rows), seed=seed)
    trials = [
        Trial(
            rows.iloc[pool],
            *(studied.iloc[side] for side in (of_fold.members, of_fold.non_members, of_fold.reference)),
            schema,
            derive_seed(seed, fold),
        )
        for (fold, of_fold), pool in zip(sides.items(), pools, strict=True)
    ]
    return Membership.attack(trials, seed=seed)


def line(name: str, n_rows: int, found: list[Membership]) -> str:
    """Summarise the attacks on the pools of one kind."""
    shares = [membership.accused[membership.worst].mean() for membership in found]
    best = [max(membership.auc(name) for name in membership.attacks) for membership in found]
    worst = Counter(membership.worst for membership in found).most_common(1)[0][0]
    n_flagged = sum(membership.is_leaking for membership in found)
    return f"| {name} | {n_rows:,} | {n_flagged} of {len(found)} | {np.mean(shares):.3f} | {np.mean(best):.3f} | {worst} |"


@app.default
def count(*leaks: str, n_rows: tuple[int, ...] = (300, 1_000), repeats: int = 20, hard: bool = False) -> None:
    """Count the pools of each kind in which a leak was found.

    Parameters
    ----------
    leaks : str
        Kinds of pools, all by default.
    n_rows : tuple of int
        Members, and as many rows of each other kind.
    repeats : int
    hard : bool
        Whether tables that are hard to judge are made of the bundled one.
    """
    raw = BundledSource(f"bundled:{BUNDLED}").load()
    print("| pool | n | flagged | TPR at 1 % | largest AUC | largest TPR mostly by |")
    print("|---|---|---|---|---|---|")
    for variant, table in variants(raw, "y") if hard else [("plain", raw)]:
        if variant == "every row four times":
            continue  # one person would be a member and unseen at once
        schema = infer_schema(table, "y")
        rows = schema.apply(table)
        for n in n_rows:
            for leak in leaks or LEAKS:
                found = [attack(rows, schema, leak, n, seed) for seed in range(repeats)]
                print(line(f"{leak}, {variant}" if hard else leak, n, found), flush=True)


if __name__ == "__main__":
    app()
