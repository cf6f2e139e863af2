from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput, SynthesizerFailed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.rule_kinds import ConditionRule, DerivedRule, DistributionRule, RangeRule, Rule
from realmix.tasks.core.table.rules import violations
from realmix.tasks.synthesizers import SYNTHESIZERS

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
