"""Rules of the card: broken by real, planted and synthetic rows, before and after they are enforced."""

from __future__ import annotations

import pandas as pd

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.rules import violations
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.trust.section import Section
from tests.trust.subjects import SEED, Subject

GENERATORS = ("gaussian-copula", "sequential-trees")
N_PLANTED = 50


def rules(subject: Subject) -> Section:
    """Count broken rows, rule by rule."""
    real = subject.schema.restore(subject.rows)
    planted = [n_found(subject, real, place) for place in range(len(subject.card.rules))]
    columns = [counts(subject, real)]
    for name in GENERATORS:
        columns += [
            counts(subject, unruly(subject, name)),
            counts(subject, subject.schema.restore(subject.pool(name))),
        ]
    header = ("rule", f"control: {N_PLANTED} planted, found", f"real rows ({len(real):,})", *(f"{name}, {when}" for name in GENERATORS for when in ("drawn freely", "enforced")))  # fmt: skip
    rows = [
        (
            f"`{label.split(': ', 1)[1]}`",
            str(planted[place]),
            *(str(int(column.iloc[place])) for column in columns),
        )
        for place, label in enumerate(columns[0].index)
    ]
    controls = {
        "every planted row is found": all(n == N_PLANTED for n in planted),
        "no enforced row breaks a rule": not any(int(column.sum()) for column in columns[2::2]),
    }
    return Section(
        f"Rules ({len(subject.real.learned):,} synthetic rows of each generator)", header, rows, controls
    )


def counts(subject: Subject, rows: pd.DataFrame) -> pd.Series:
    """Rows that break each rule."""
    return violations(rows, subject.card.rules).sum()


def n_found(subject: Subject, real: pd.DataFrame, place: int) -> int:
    """Break one rule in rows that keep it, and count how many of them are found."""
    keep = ~violations(real, subject.card.rules).iloc[:, place]
    rows = real[keep].reset_index(drop=True)
    for column, value in subject.broken[place].items():
        rows[column] = rows[column].astype(object)
        rows.loc[: N_PLANTED - 1, column] = value
        rows[column] = rows[column].infer_objects()
    return int(violations(rows, subject.card.rules).iloc[:N_PLANTED, place].sum())


def unruly(subject: Subject, name: str) -> pd.DataFrame:
    """Draw as many rows by a generator that knows no rule."""
    schema, learned = subject.schema, subject.real.learned
    free: DataCard = subject.card.model_copy(update={"rules": ()})
    spec = SYNTHESIZERS[name]
    generator = spec.build(free).fit(learned, schema=schema, random_state=SEED, max_steps=spec.default_steps)
    drawn = generator.sample(len(learned), random_state=SEED)
    return schema.restore(schema.align(drawn, learned))
