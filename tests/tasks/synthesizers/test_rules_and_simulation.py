from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput, SynthesizerFailed
from realmix.tasks.core.table.card import (
    ConditionRule,
    DataCard,
    DerivedRule,
    DistributionRule,
    RangeRule,
    Rule,
)
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.rules import violations
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.synthesizers.simulations import claims

RNG = np.random.default_rng(0)
N = 300
RAW = pd.DataFrame(
    {
        "age": RNG.integers(16, 80, N),
        "licence": RNG.choice(["no", "yes"], N),
        "rate": RNG.uniform(0, 100, N).round(2),
        "months": RNG.integers(1, 13, N),
        "total": np.zeros(N),
        "y": np.where(np.arange(N) % 5 == 0, "yes", "no"),
    }
)
RAW["total"] = RAW["rate"] * RAW["months"]
RULES: tuple[Rule, ...] = (
    DistributionRule(kind="distribution", column="licence", when="age >= 40", values={"yes": 0.9, "no": 0.1}),
    DistributionRule(
        kind="distribution", column="rate", distribution="normal", parameters={"mean": 50, "std": 30}
    ),
    RangeRule(kind="range", column="rate", minimum=10, maximum=90),
    ConditionRule(kind="dependency", when="age < 18", then="licence == 'no'"),
    DerivedRule(kind="derived", column="total", expression="rate * months"),
)


def sample(rules: tuple[Rule, ...], target: str = "y", n_rows: int = 400) -> pd.DataFrame:
    schema = infer_schema(RAW, target)
    synthesizer = SYNTHESIZERS["rules"].build(DataCard(target=target, rules=rules))
    synthesizer.fit(schema.apply(RAW), schema=schema, random_state=0, max_steps=None)
    return schema.restore(synthesizer.sample(n_rows, random_state=1))


def test_generated_rows_keep_every_rule_and_follow_the_distributions() -> None:
    rows = sample(RULES)
    assert not violations(rows, RULES).to_numpy().any()
    assert (rows["licence"][rows["age"] >= 40] == "yes").mean() == pytest.approx(0.9, abs=0.06)
    assert rows["rate"].mean() == pytest.approx(50, abs=4)


def test_for_regression_a_column_without_a_rule_follows_the_target() -> None:
    rows = sample((RangeRule(kind="range", column="age", minimum=16),), target="total")
    real = RAW["rate"].corr(RAW["total"])
    assert rows["rate"].corr(rows["total"]) == pytest.approx(real, abs=0.15)


def test_rules_that_contradict_each_other_end_with_the_counts() -> None:
    never = (
        RangeRule(kind="range", column="age", minimum=50),
        ConditionRule(kind="dependency", when="age >= 50", then="age < 50"),
    )
    with pytest.raises(SynthesizerFailed, match="made 'no' 0 of 320, 'yes' 0 of 80"):
        sample(never)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"distribution": "normal", "parameters": {"mean": 1}}, "mean, std"),
        ({"distribution": "normal", "parameters": {"mean": 1, "std": -1}}, "normal distribution"),
        ({"values": {"yes": -1.0, "no": 2.0}}, "probabilities"),
        ({}, "`values` or `distribution`"),
    ],
)
def test_a_distribution_that_cannot_be_drawn_is_refused(settings: dict[str, object], expected: str) -> None:
    rule = DistributionRule.model_validate({"kind": "distribution", "column": "licence"} | settings)
    with pytest.raises(BadInput, match=expected):
        sample((rule,))


@pytest.mark.parametrize(
    "location", [None, "", "claims", "no.such.module:simulate", "math:nothing", "math:pi"]
)
def test_a_simulation_that_cannot_be_called_is_refused(location: str | None) -> None:
    with pytest.raises(BadInput, match="`simulate`"):
        SYNTHESIZERS["simulation"].build(DataCard(target="y", simulate=location))


def test_a_simulation_without_all_columns_says_which_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def simulate(n_rows, reference, random_state):\n    return reference.drop(columns='age')\n"
    (tmp_path / "ageless_simulation.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    schema = infer_schema(RAW, "y")
    synthesizer = SYNTHESIZERS["simulation"].build(
        DataCard(target="y", simulate="ageless_simulation:simulate")
    )
    synthesizer.fit(schema.apply(RAW), schema=schema, random_state=0, max_steps=None)
    with pytest.raises(SynthesizerFailed, match=r"no columns \['age'\]"):
        synthesizer.sample(5, random_state=0)


def test_the_claims_simulation_refuses_a_table_that_holds_no_claims() -> None:
    with pytest.raises(BadInput, match="claim_amount, claim_type, is_fraud, vehicle_value"):
        claims.simulate(5, RAW, random_state=0)


def test_claims_are_the_documented_table_and_their_seed_decides_them() -> None:
    first = claims.simulate(800, None, random_state=1)
    pd.testing.assert_frame_equal(first, claims.simulate(800, None, random_state=1))
    assert not first.equals(claims.simulate(800, None, random_state=2))
    documented = [
        line.split()[0] for line in str(claims.__doc__).splitlines() if line[20:28].strip() in TYPES
    ]
    assert list(first.columns) == documented
    assert first[claims.TARGET].eq("yes").mean() == pytest.approx(0.06, abs=0.03)
    assert first["customer_age"].between(18, 85).all()
    assert first["days_to_close"].ge(first["days_in_queue"]).all()


TYPES = ("integer", "text", "float")


def test_fraud_shows_in_the_process_and_the_queue_is_real() -> None:
    rows = claims.simulate(4000, None, random_state=0)
    by_fraud = rows.groupby(claims.TARGET)
    assert by_fraud["days_to_report"].mean()["yes"] > 1.5 * by_fraud["days_to_report"].mean()["no"]
    assert by_fraud["policy_months"].mean()["yes"] < by_fraud["policy_months"].mean()["no"]
    assert rows["days_in_queue"].max() > 0
    by_investigation = rows.groupby("is_investigated")["days_to_close"].mean()
    assert by_investigation["yes"] > by_investigation["no"]


def test_a_simulation_takes_its_market_from_the_reference() -> None:
    reference = claims.simulate(2000, None, random_state=0)
    dear = reference.assign(
        vehicle_value=reference["vehicle_value"] * 3, claim_amount=reference["claim_amount"] * 3
    )
    rows = claims.simulate(2000, dear, random_state=1)
    assert rows["vehicle_value"].median() == pytest.approx(3 * reference["vehicle_value"].median(), rel=0.15)
