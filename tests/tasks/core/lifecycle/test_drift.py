"""New rows against earlier ones, on a real table."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.lifecycle.drift import FALSE_ALARM_RATE, Drift, measure_drift
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.sources.bundled import BundledSource


@pytest.fixture(scope="module")
def bank() -> pd.DataFrame:
    return BundledSource("bundled:bank_marketing").load()


@pytest.fixture(scope="module")
def schema(bank: pd.DataFrame) -> Schema:
    return infer_schema(bank, "y", positive="yes")


def deal(bank: pd.DataFrame, seed: int, n_reference: int = 1500, n_new: int = 600) -> list[pd.DataFrame]:
    """Two samples of the table without a common row."""
    places = np.random.default_rng(seed).permutation(len(bank))
    return [bank.iloc[places[:n_reference]], bank.iloc[places[n_reference : n_reference + n_new]]]


def shuffled(values: pd.Series, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(values.to_numpy())


def n_alarms(bank: pd.DataFrame, schema: Schema, n_splits: int, sizes: list[tuple[int, int]]) -> int:
    """Count random splits of the real table that are reported as drift."""
    drifts = (
        measure_drift(*deal(bank, seed, *sizes[seed % len(sizes)]), schema, seed=seed)
        for seed in range(n_splits)
    )
    return sum(drift.level != "none" for drift in drifts)


def test_rows_of_one_table_raise_hardly_any_false_alarm(bank, schema):
    alarms = n_alarms(bank, schema, 40, [(300, 30), (400, 100), (200, 200)])
    assert alarms <= stats.binom.ppf(0.999, 40, FALSE_ALARM_RATE)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(300, 30), (1000, 100), (500, 500), (2000, 300), (20000, 2000)])
def test_false_alarms_come_no_more_often_than_promised(bank, schema, sizes):
    assert n_alarms(bank, schema, 300, [sizes]) <= stats.binom.ppf(0.99, 300, FALSE_ALARM_RATE)


def test_the_rows_of_a_real_table_do_not_drift_and_the_sentence_is_clear(bank, schema):
    drift = measure_drift(*deal(bank, 1), schema, seed=0)
    assert drift.level == "none"
    assert drift.sentence == (
        "No drift: 600 new rows look like the 1,500 before them. Of 16 columns compared one by one "
        f"{drift.n_differing} differ at the 5% level; chance alone gives 0.8."
    )
    assert [c.name for c in drift.columns] == schema.feature_names


def test_a_shifted_column_is_named_first(bank, schema):
    reference, new = deal(bank, 1)
    drift = measure_drift(reference, new.assign(age=new["age"] + 10), schema, seed=0)
    assert drift.drifted[0].name == "age" and drift.level == "critical"
    assert "1 of 16 columns shifted: 'age' (PSI" in drift.sentence


def test_a_small_shift_is_drift_but_not_critical(bank, schema):
    reference, new = deal(bank, 1, 4000, 4000)
    drift = measure_drift(reference, new.assign(age=new["age"] + 2), schema, seed=0)
    assert drift.level == "drift" and [c.name for c in drift.drifted] == ["age"]


def test_a_shift_too_small_to_matter_is_no_drift_however_many_rows_prove_it(bank, schema):
    reference, new = deal(bank, 1, 10_000, 10_000)
    drift = measure_drift(reference, new.assign(age=new["age"] + 1), schema, seed=0)
    age = next(c for c in drift.columns if c.name == "age")
    assert age.is_significant and not age.is_drifted and drift.level == "none"
    assert "too small to matter: 'age' (PSI 0.0" in drift.sentence
    assert drift.to_dict()["n_differing"] == drift.n_differing >= 1 and drift.n_by_chance == 0.8


def test_a_classifier_that_hardly_tells_the_rows_apart_is_no_drift(bank, schema):
    found = measure_drift(*deal(bank, 1), schema, seed=0)
    levels = [
        dataclasses.replace(found, domain=dataclasses.replace(found.domain, auc=auc, p_value=1e-9)).level
        for auc in (0.55, 0.6, 0.75)
    ]
    assert levels == ["none", "drift", "critical"]


def test_a_flipped_rate_of_the_target_is_seen(bank, schema):
    reference, new = deal(bank, 1)
    flipped = new.assign(y=new["y"].map({"yes": "no", "no": "yes"}))
    drift = measure_drift(reference, flipped, schema, seed=0)
    assert drift.target.is_drifted and drift.level == "critical" and not drift.drifted
    assert "the target 'y' shifted" in drift.sentence


def test_a_changed_dependence_is_seen_by_the_classifier_alone(bank, schema):
    reference, new = deal(bank, 1, 2000, 1500)
    together = ["pdays", "previous", "poutcome"]
    for name in together:
        new = new.assign(**{name: shuffled(new[name], seed=len(name))})
    drift = measure_drift(reference, new, schema, seed=0)
    assert not drift.drifted and not drift.target.is_drifted
    assert drift.level != "none" and "a classifier tells them from the earlier ones" in drift.sentence


def test_labels_that_follow_other_rules_are_seen_by_the_classifier_alone():
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    rows = pd.DataFrame({"x": x, "noise": rng.normal(size=2000), "y": np.where(x > 0, "yes", "no")})
    turned = rows[1000:].assign(y=np.where(x[1000:] > 0, "no", "yes"))
    drift = measure_drift(rows[:1000], turned, infer_schema(rows, "y"), seed=0)
    assert not drift.drifted and not drift.target.is_drifted and drift.level == "critical"


def test_another_unit_is_a_warning_with_its_factor(bank, schema):
    reference, new = deal(bank, 1)
    drift = measure_drift(reference, new.assign(balance=100 * new["balance"]), schema, seed=0)
    assert drift.to_dict()["changed_units"] == {"balance": 100.0}
    assert "The numbers of 'balance' are 100 times as large as before" in drift.sentence


def test_a_level_nobody_saw_and_missing_values_are_counted(bank, schema):
    reference, new = deal(bank, 1)
    new = new.assign(
        job=new["job"].where(np.arange(600) % 4 != 0, "astronaut"),
        age=new["age"].where(np.arange(600) % 3 != 0),
    )
    drift = measure_drift(reference, new, schema, seed=0)
    found = {c.name: c for c in drift.drifted}
    assert set(found) == {"job", "age"} and drift.level == "critical"
    assert found["job"].unseen_fraction == 0.25
    assert found["age"].missing_change == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("wait", ["all", "some", "no column"])
def test_rows_that_wait_for_their_label_do_not_look_drifted(bank, schema, wait):
    reference, new = deal(bank, 1)
    if wait == "no column":
        new = new.drop(columns="y")
    else:
        new = new.assign(y=new["y"].where(np.arange(600) < (400 if wait == "some" else 0)))
    drift = measure_drift(reference, new, schema, seed=0)
    assert drift.level == "none"
    assert (drift.target is not None) == (wait == "some")


@pytest.mark.parametrize("sizes", [(1000, 29), (29, 1000), (1000, 0)])
def test_too_few_rows_are_reported_as_too_few(bank, schema, sizes):
    drift = measure_drift(*deal(bank, 1, *sizes), schema, seed=0)
    assert drift.level == "none" and drift.columns == () and "it takes 30 of each" in drift.sentence


def test_rows_of_one_group_are_no_independent_witnesses(bank):
    groups = bank.sample(240, random_state=0).reset_index(drop=True).assign(client=np.arange(240))
    calls = groups.loc[np.repeat(np.arange(240), 15)]
    calls = calls.assign(age=calls["age"] + np.tile(np.arange(15), 240) % 2)
    reference, new = calls[calls["client"] < 160], calls[calls["client"] >= 160]
    alone, grouped = (
        measure_drift(reference, new, infer_schema(calls, "y", roles={"client": role}), seed=0)
        for role in ("ignored", "group")
    )
    assert (grouped.n_reference, grouped.n_new, grouped.level) == (160, 80, "none")
    assert alone.level != "none"


def test_new_rows_are_later_and_that_is_no_drift(bank):
    reference, new = (side.reset_index(drop=True) for side in deal(bank, 1))
    reference, new = reference.assign(at=np.arange(1500)), new.assign(at=np.arange(1500, 2100))
    schema = infer_schema(pd.concat([reference, new]), "y", roles={"at": "time"})
    assert measure_drift(reference, new, schema, seed=0).level == "none"


def test_synthetic_rows_are_for_information_only(bank, schema):
    reference, new = deal(bank, 1)
    made = reference.apply(lambda values: shuffled(values, seed=len(str(values.name))))
    drift = measure_drift(reference, new, schema, seed=0, synthetic=made)
    assert drift.synthetic.auc > 0.6 and drift.synthetic.p_value < 0.001 and drift.level == "none"


def test_the_record_is_strict_json_and_holds_no_cell(bank, schema):
    reference, new = deal(bank, 1)
    new = new.assign(job="astronaut", balance=1000 * new["balance"])
    record = measure_drift(reference, new, schema, seed=0, synthetic=reference).to_dict()
    text = json.dumps(record, allow_nan=False)
    assert record["level"] == "critical" and record["false_alarm_rate"] == FALSE_ALARM_RATE
    levels = {value for name in ("job", "education", "contact", "poutcome") for value in bank[name].dropna()}
    assert not [level for level in {*levels, "astronaut"} if level in text]


def test_the_same_rows_and_seed_give_the_same_record(bank, schema):
    records = [measure_drift(*deal(bank, 1), schema, seed=3).to_dict() for _ in range(2)]
    assert records[0] == records[1]


def test_a_lost_column_is_named(bank, schema):
    reference, new = deal(bank, 1)
    with pytest.raises(BadInput, match="balance"):
        measure_drift(reference, new.drop(columns="balance"), schema, seed=0)


def test_a_regression_has_a_target_shift_too(bank):
    schema = infer_schema(bank.drop(columns="y"), "balance")
    reference, new = deal(bank.drop(columns="y"), 1)
    assert measure_drift(reference, new, schema, seed=0).level == "none"
    drift: Drift = measure_drift(reference, new.assign(balance=new["balance"] + 500), schema, seed=0)
    assert drift.target.is_drifted and drift.target.kind == "numeric"
