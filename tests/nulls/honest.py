"""Is an honest generator ever refused as leaking? ``python -m tests.nulls.honest`` counts.

Tables as they are, and the hard ones made of them: numbers turned into two levels, a few columns of
few levels, every row four times. Folds at random, by groups that are unlike each other, and forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from cyclopts import App

from realmix.tasks.core.errors import SynthesizerFailed
from realmix.tasks.core.mixes.leakage import LeakEvidence, leak_evidence
from realmix.tasks.core.mixes.pools import draw_pool
from realmix.tasks.core.mixes.training_set import class_counts_by_label, pool_quota
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.splits.folds import make_folds
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.scope import feature_groups
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.nulls.run import BUNDLED, table_rows
from tests.panel.tables import index

CHEAP = ("duplicates", "shuffled-marginals", "neighbour-swap", "smote", "sequential-trees")
RATIO = 5.0
N_GROUPS = 8
FEW_LEVELS = 6

app = App(name="honest")


def variants(raw: pd.DataFrame, target: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """A table and what is hard about others."""
    yield "plain", raw
    features = raw.drop(columns=target)
    numbers = features.select_dtypes("number").columns
    halves = {name: np.where(raw[name] > raw[name].median(), "high", "low") for name in numbers}
    yield "two levels", raw.assign(**halves)
    few = [name for name in features if raw[name].nunique() <= FEW_LEVELS][:4]
    if len(few) > 1:
        yield "few columns", raw[[*few, target]]
    yield "every row four times", pd.concat([raw.iloc[: len(raw) // 4]] * 4, ignore_index=True)


def splits(rows: pd.DataFrame, schema: Schema, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Ways to take validation rows: which they are, of shape (n_rows,)."""
    rng = np.random.default_rng(derive_seed("splits", seed))
    groups, y = feature_groups(rows, schema), schema.encode_target(rows)
    yield "random", make_folds(y, groups, schema.task, n_folds=5, n_repeats=1, seed=seed)[0] == 0
    column = schema.features[rng.integers(len(schema.features))]
    order = pd.Series(rows[column.name].astype("category").cat.codes).rank(method="first").to_numpy()
    group = np.ceil(order / len(rows) * N_GROUPS)
    yield "group", np.isin(group, rng.choice(np.arange(1, N_GROUPS + 1), 2, replace=False))
    yield "forward", order > 0.7 * len(rows)


def draw(name: str, training: pd.DataFrame, schema: Schema, seed: int) -> pd.DataFrame:
    """The pool a study would ask for, with room for balanced classes."""
    n_rows, by_class = round(RATIO * len(training)), None
    if schema.is_classification:
        counts = np.bincount(schema.encode_target(training), minlength=len(schema.classes))
        quota = pool_quota(counts, n_rows, ("prior", "balanced"))
        n_rows, by_class = int(quota.sum()), dict(class_counts_by_label(quota, schema))
    pool, _ = draw_pool(
        SYNTHESIZERS[name],
        DataCard(target=schema.target),
        training,
        schema=schema,
        n_rows_by_class=by_class,
        n_rows=n_rows,
        seed_key=("honest", seed, name),
        max_steps=None,
    )
    return pool


def evidence_of(
    raw: pd.DataFrame, target: str, synthesizers: tuple[str, ...], seed: int
) -> Iterator[tuple[dict[str, object], LeakEvidence]]:
    """What is found of every generator on every variant and split; generators that fail are left out."""
    for variant, frame in variants(raw, target):
        schema = infer_schema(frame, target)
        rows = schema.apply(frame)
        for split, is_unseen in splits(rows, schema, seed):
            training, validation = (rows[side].reset_index(drop=True) for side in (~is_unseen, is_unseen))
            for name in synthesizers:
                try:
                    pool = draw(name, training, schema, seed)
                except SynthesizerFailed:
                    continue
                found = leak_evidence(pool, training, validation, schema, random_state=seed)
                yield {"variant": variant, "split": split, "synthesizer": name}, found


@app.default
def run(
    *,
    seeds: tuple[int, ...] = (0, 1, 2),
    synthesizers: tuple[str, ...] = (*CHEAP, "gaussian-copula"),
    out: Path = Path("runs/nulls/honest.csv"),
) -> None:
    """Count refusals over all tables of the panel and the bundled one."""
    lines = []
    for seed in seeds:
        for table in sorted((*index(), BUNDLED)):
            raw, target = table_rows(table, seed, (200, 500, 1000)[seed % 3])
            for case, found in evidence_of(raw, target, synthesizers, seed):
                lines.append({"table": table, "seed": seed, **case, **vars(found), "reason": found.reason})
    out.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(lines)
    frame.to_csv(out, index=False)
    print(f"{int(frame['reason'].notna().sum())} of {len(frame):,} honest pools were refused")
    print(frame.groupby("split")[["p_copies", "p_nearer"]].min())
    print(frame.groupby("split")[["nearer_pairs"]].max())
    rare = frame[frame["repeated"] <= 0.05]
    print("largest share of validation rows met where rows hardly repeat:", rare["copied_validation"].max())


if __name__ == "__main__":
    app()
