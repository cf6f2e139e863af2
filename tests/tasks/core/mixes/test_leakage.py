"""A generator that was given validation rows is known by its rows; an honest one is never accused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.mixes.leakage import LeakEvidence, leak_evidence
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema


def table(n_rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """Five features, some cells missing, and a target that depends on two of them."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n_rows, 4))
    frame = pd.DataFrame(numbers, columns=["a", "b", "c", "d"])
    frame["b"] = frame["b"].mask(rng.random(n_rows) < 0.1)
    frame["job"] = rng.choice(["clerk", "nurse", "smith"], n_rows)
    frame["y"] = np.where(numbers[:, 0] + rng.normal(size=n_rows) > 0, "yes", "no")
    return frame


@pytest.fixture(scope="module")
def schema() -> Schema:
    return infer_schema(table(), "y")


@pytest.fixture(scope="module")
def sides(schema: Schema) -> tuple[pd.DataFrame, pd.DataFrame]:
    """160 training and 40 validation rows."""
    rows = schema.apply(table())
    return rows[:160], rows[160:]


def copies(rows: pd.DataFrame, n_rows: int, seed: int = 0) -> pd.DataFrame:
    return rows.sample(n_rows, replace=True, random_state=seed)


def jittered(rows: pd.DataFrame, size: float, seed: int = 0) -> pd.DataFrame:
    numbers = ["a", "b", "c", "d"]
    noise = np.random.default_rng(seed).normal(0, size, (len(rows), len(numbers)))
    return rows.assign(**{name: rows[name] + noise[:, i] for i, name in enumerate(numbers)})


def evidence(pool: pd.DataFrame, sides: tuple[pd.DataFrame, pd.DataFrame], schema: Schema) -> LeakEvidence:
    return leak_evidence(pool, *sides, schema, random_state=0)


def test_copies_of_validation_rows_are_found(sides, schema):
    found = evidence(copies(sides[1], 400), sides, schema)
    assert (found.copied_training, found.copied_validation) == (0, 1)
    assert found.reason is not None and "copied 100% of the validation rows and 0%" in found.reason


def test_validation_rows_hidden_among_as_many_copies_of_training_rows_are_found(sides, schema):
    assert evidence(pd.concat([copies(rows, 200) for rows in sides]), sides, schema).reason


def test_copies_of_all_rows_are_found_where_no_row_repeats_another(sides, schema):
    found = evidence(copies(pd.concat(sides), 800), sides, schema)
    assert found.p_copies > 0.01, "both sides are copied alike"
    assert found.reason is not None and "copied" in found.reason


@pytest.mark.parametrize("size", [0.001, 0.05, 0.2])
@pytest.mark.parametrize("n_honest", [0, 400])
def test_blurred_validation_rows_are_found(sides, schema, size, n_honest):
    pool = pd.concat([jittered(copies(sides[1], 400), size), jittered(copies(sides[0], n_honest), 0.5)])
    found = evidence(pool, sides, schema)
    assert found.n_copied == 0
    assert found.reason is not None and "came nearer" in found.reason


@pytest.mark.parametrize("size", [0, 0.05, 1.0])
def test_rows_made_of_training_rows_are_no_leak(sides, schema, size):
    assert evidence(jittered(copies(sides[0], 400), size), sides, schema).reason is None


def test_fresh_rows_of_the_same_kind_are_no_leak(sides, schema):
    """The best generator there could be: as near to validation rows as to training rows."""
    found = [evidence(schema.apply(table(400, seed)), sides, schema) for seed in range(1, 21)]
    assert not any(one.reason for one in found)
    assert np.mean([one.nearer_pairs for one in found]) == pytest.approx(0.5, abs=0.1)


def test_where_rows_repeat_each_other_meeting_unseen_ones_is_no_leak():
    """Some 60 kinds of rows: fresh ones equal most of the validation rows."""
    schema = infer_schema(few_kinds(300, 0), "y")
    rows = schema.apply(few_kinds(300, 0)).sort_values(["u", "v", "w"], ignore_index=True)
    kinds = rows.groupby(["u", "v", "w"], observed=True).ngroup().to_numpy()
    unseen = np.isin(kinds, np.random.default_rng(0).choice(kinds.max() + 1, 12, replace=False))
    fresh = schema.apply(few_kinds(1500, 1))
    found = leak_evidence(fresh, rows[~unseen], rows[unseen], schema, random_state=0)
    assert found.copied_validation > 0.5
    assert found.repeated > 0.5
    assert found.reason is None


def few_kinds(n_rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.choice(list("pqrs"), n_rows) for name in ("u", "v", "w")})
    return frame.assign(y=rng.choice(["no", "yes"], n_rows))


def test_rows_on_both_sides_tell_nothing(sides, schema):
    both = sides[0], sides[0].sample(40, random_state=0)
    assert leak_evidence(copies(sides[0], 400), *both, schema, random_state=0).reason is None


def test_a_p_value_is_that_of_fishers_exact_test(sides, schema):
    from scipy import stats

    pool = pd.concat([sides[0][:20], sides[1][:8]])
    by_hand = stats.fisher_exact([[8, 32], [20, 140]], alternative="greater").pvalue
    assert evidence(pool, sides, schema).p_copies == pytest.approx(by_hand)


def test_the_same_seed_gives_the_same_evidence(sides, schema):
    pool = jittered(copies(pd.concat(sides), 3000), 0.3)
    assert evidence(pool, sides, schema) == evidence(pool, sides, schema)
