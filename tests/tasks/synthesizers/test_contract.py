"""One contract for every synthesizer in the registry."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.contracts.specs import Synthesizer
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.mixes.pools import draw_pool
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.rule_kinds import ConditionRule, DistributionRule, RangeRule
from realmix.tasks.core.table.rules import violations
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.table.sharing import DifferentialPrivacy
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.synthesizers.simulations.claims import simulate
from tests.tasks.core.release.declared import declare

N_REAL = 200
# Enough for every class to appear; quality is not asked here.
STEPS = {"tvae": 200}
FEW_STEPS = 20
TABLES = ("claims", "claim-types", "amounts", "bookings")
CASES = [
    (name, table)
    for name in SYNTHESIZERS
    for table in TABLES
    # The simulation knows the claims only.
    if not (table == "bookings" and SYNTHESIZERS[name].needs == "simulate")
]
every_case = pytest.mark.parametrize(("name", "table"), CASES)


def claims() -> pd.DataFrame:
    """200 claims, 12 of them fraudulent, with missing cells in two columns."""
    drawn = simulate(1000, None, 3)
    raw = pd.concat([drawn[drawn["is_fraud"] == "no"][:188], drawn[drawn["is_fraud"] == "yes"][:12]])
    raw = raw.sample(frac=1, random_state=0).reset_index(drop=True)
    raw["days_to_report"] = raw["days_to_report"].astype(float).mask(raw.index % 9 == 0)
    raw["channel"] = raw["channel"].mask(raw.index % 11 == 0)
    # The networks pay per numeric column: some are left out.
    return raw.drop(columns=["customer_age", "prior_claims", "days_in_queue", "days_to_close"])


def bookings() -> pd.DataFrame:
    """200 rows with dates, booleans, 80 levels in a column, and columns that hardly vary."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, N_REAL), unit="D"),
            "is_member": rng.random(N_REAL) < 0.4,
            "town": [f"town {i}" for i in (rng.pareto(1.0, N_REAL) * 20).astype(int) % 80],
            "price": np.round(rng.lognormal(3, 1, N_REAL), 2),
            "nearly_constant": np.where(np.arange(N_REAL) == 0, 1.5, 0.0),
            "no show": rng.choice(["no", "yes"], N_REAL, p=[0.85, 0.15]),
        }
    )


@functools.cache
def study(table: str) -> tuple[DataCard, Schema, pd.DataFrame]:
    raw = bookings() if table == "bookings" else claims()
    target = {"claims": "is_fraud", "claim-types": "claim_type", "amounts": "claim_amount"}.get(
        table, "no show"
    )
    rules = (
        (RangeRule(kind="range", column="price", minimum=0),)
        if table == "bookings"
        else (
            DistributionRule(
                kind="distribution", column="n_witnesses", distribution="poisson", parameters={"lam": 0.6}
            ),
            ConditionRule(kind="dependency", when="claim_type == 'glass'", then="claim_amount < 15000"),
        )
    )
    simulation = "realmix.tasks.synthesizers.simulations.claims:simulate"
    schema = infer_schema(raw, target)
    card = DataCard(
        target=target,
        rules=rules,
        simulate=None if table == "bookings" else simulation,
        dp=DifferentialPrivacy(**declare(raw, schema)),
    )
    return card, schema, schema.apply(raw)


@functools.cache
def fitted(name: str, table: str) -> Synthesizer:
    card, schema, real = study(table)
    steps = STEPS.get(name, FEW_STEPS)
    return SYNTHESIZERS[name].build(card).fit(real, schema=schema, random_state=1, max_steps=steps)


def class_counts(table: str) -> dict[str, int] | None:
    _, schema, _ = study(table)
    if not schema.is_classification:
        return None
    return {label: 12 + 6 * place for place, label in enumerate(schema.classes)}


@functools.cache
def sampled(name: str, table: str, random_state: int = 7) -> pd.DataFrame:
    counts = class_counts(table)
    n_rows = sum(counts.values()) if counts else 60
    return fitted(name, table).sample(n_rows, class_counts=counts, random_state=random_state)


@every_case
def test_every_class_has_exactly_the_rows_asked_for(name: str, table: str) -> None:
    _, schema, _ = study(table)
    counts = class_counts(table)
    rows = sampled(name, table)
    if counts is None:
        assert len(rows) == 60
    else:
        assert rows[schema.target].value_counts().to_dict() == counts


@pytest.mark.parametrize(("name", "table"), [case for case in CASES if not SYNTHESIZERS[case[0]].is_control])
def test_no_row_of_a_candidate_breaks_a_rule_of_the_card(name: str, table: str) -> None:
    card, schema, _ = study(table)
    assert not violations(schema.restore(sampled(name, table)), card.rules).to_numpy().any()


@every_case
def test_the_seed_decides_the_rows(name: str, table: str) -> None:
    first = sampled(name, table)
    counts = class_counts(table)
    others = fitted(name, table).sample(len(first), class_counts=counts, random_state=8)
    again = fitted(name, table).sample(len(first), class_counts=counts, random_state=7)
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert not first.equals(others)


@every_case
def test_rows_are_canonical_and_fit_the_real_ones(name: str, table: str) -> None:
    _, schema, real = study(table)
    rows = sampled(name, table)
    assert list(rows.columns) == list(real.columns)
    assert (rows.dtypes == real.dtypes).all()
    assert not rows[schema.target].isna().any()
    for column in schema.modelled:
        values, reference = rows[column.name], real[column.name]
        if not reference.isna().any():
            assert not values.isna().any(), f"{column.name} has missing cells that the real rows have not"
        present = values.dropna()
        if column.is_categorical:
            assert set(present) <= set(reference.dropna())
            continue
        assert present.between(reference.min(), reference.max()).all()
        if column.is_integer:
            assert (present % 1 == 0).all()
        if column.kind == "datetime":
            assert (present % 86_400 == 0).all(), "whole days stay whole days"


@pytest.mark.parametrize("name", list(SYNTHESIZERS))
def test_without_class_counts_the_real_class_mix_comes(name: str) -> None:
    _, schema, _ = study("claims")
    rows = fitted(name, "claims").sample(50, random_state=2)
    assert rows[schema.target].value_counts().to_dict() == {"no": 47, "yes": 3}


@pytest.mark.parametrize("name", list(SYNTHESIZERS))
def test_one_seed_key_gives_one_pool_bit_for_bit(name: str) -> None:
    card, _, _ = study("claims")
    # A fit is paid per column, and this one runs twice.
    raw = claims()[["vehicle_value", "claim_type", "claim_amount", "n_witnesses", "is_fraud"]]
    schema = infer_schema(raw, "is_fraud")
    real = schema.apply(raw)
    steps = STEPS.get(name, FEW_STEPS)

    def pool(key: int) -> pd.DataFrame:
        rows, log = draw_pool(
            SYNTHESIZERS[name],
            card,
            real,
            schema=schema,
            n_rows_by_class={"no": 30, "yes": 20},
            n_rows=50,
            seed_key=("snapshot", key, name),
            max_steps=steps,
        )
        assert (log.asked, log.made, log.kept) == (50, 50, 50)
        return rows

    first = pool(1)
    np.random.default_rng().random()
    np.random.seed(99)  # what went on before in the process must not matter
    pd.testing.assert_frame_equal(first, pool(1), check_exact=True)


@pytest.mark.parametrize(
    "name",
    # A network or a copula learns nothing from one row: it may fail, and says so.
    [name for name, spec in SYNTHESIZERS.items() if spec.family not in ("gan", "vae", "copula")],
)
def test_a_class_with_a_single_real_row_can_be_asked_for(name: str) -> None:
    card, schema, real = study("claims")
    one = pd.concat([real[real["is_fraud"] == "no"], real[real["is_fraud"] == "yes"].iloc[:1]])
    synthesizer = SYNTHESIZERS[name].build(card).fit(one, schema=schema, random_state=1, max_steps=None)
    rows = synthesizer.sample(5, class_counts={"yes": 5}, random_state=1)
    assert (rows["is_fraud"] == "yes").all()


@pytest.mark.parametrize("name", list(SYNTHESIZERS))
def test_bad_counts_are_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(BadInput, match="make them equal"):
        fitted(name, "claims").sample(5, class_counts={"no": 3}, random_state=1)
    with pytest.raises(BadInput, match="training rows hold none"):
        fitted(name, "claims").sample(5, class_counts={"maybe": 5}, random_state=1)


@pytest.mark.parametrize("name", list(SYNTHESIZERS))
def test_costs_are_positive_and_grow_with_the_table(name: str) -> None:
    spec = SYNTHESIZERS[name]
    steps = spec.default_steps or 0
    assert 0 < spec.fit_cost(200, 10, steps) <= spec.fit_cost(2000, 30, steps)
    assert 0 < spec.sample_cost(200, 10) <= spec.sample_cost(2000, 30)


def test_rows_that_repeat_or_blend_single_real_rows_are_not_releasable():
    kept = {name for name, spec in SYNTHESIZERS.items() if not spec.releasable}
    assert kept == {"smote", "neighbour-swap", "duplicates"}
