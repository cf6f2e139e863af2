from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.core.table.hints.entities import MAX_ROWS, rows_of_entities, shared_variation
from tests.tasks.core.table.hints.tables import hints_of, honest, quantity, strong


def visits(n_patients: int = 60, n_visits: int = 15, flipped: float = 0.0, seed: int = 0):
    """Rows of patients, each ill or not, in any order."""
    rng = np.random.default_rng(seed)
    table = honest(seed, n_patients * n_visits)
    patient = rng.permutation(np.repeat(np.arange(n_patients), n_visits))
    ill = rng.permutation(np.arange(n_patients) % 2 == 0)[patient] ^ (rng.random(len(table)) < flipped)
    return table.assign(patient_id=1000 + patient, left=np.where(ill, "yes", "no"))


@pytest.mark.parametrize(("n_patients", "n_visits"), [(60, 15), (300, 2), (25, 8)])
@pytest.mark.parametrize("written", [int, str])
def test_patients_who_keep_one_class_are_an_entity_whatever_the_ids_look_like(n_patients, n_visits, written):
    table = visits(n_patients, n_visits)
    found = strong(table.assign(patient_id=table["patient_id"].astype(written)))
    assert ("group", ("patient_id",)) in found or ("leak", ("patient_id",)) in found


def test_nearly_always_is_enough_and_the_sentence_counts():
    (hint,) = [hint for hint in hints_of(visits(flipped=0.03)) if hint.is_strong]
    assert "'patient_id' has 60 values in 900 rows" in hint.sentence
    assert hint.answers == ("group: patient_id", "ignore: [patient_id]", "allow_leaks: [patient_id]")


def test_a_measured_quantity_of_a_patient_is_shared_too():
    rng, table = np.random.default_rng(1), quantity(n_rows=900)
    patient = rng.permutation(np.repeat(np.arange(60), 15))
    level = rng.normal(size=60)[patient] * 10 + rng.normal(size=900) * 2
    assert strong(table.assign(patient=patient, left=np.round(level, 2))) == [("group", ("patient",))]


def test_customers_who_share_nothing_are_no_entity_to_answer_for():
    rng, table = np.random.default_rng(2), honest(n_rows=900)
    assert hints_of(table.assign(customer_id=rng.integers(1000, 1090, 900))) == ()


def test_an_age_that_tells_the_target_is_a_quantity_and_no_entity():
    rng, table = np.random.default_rng(3), honest(n_rows=900)
    age = rng.integers(18, 90, 900)
    steep = np.where(rng.random(900) < 1 / (1 + np.exp(-(age - 50) / 2)), "yes", "no")
    assert all(hint.kind != "group" for hint in hints_of(table.assign(age=age, left=steep)))


def test_rows_that_agree_by_chance_share_nothing():
    rng = np.random.default_rng(4)
    y = np.eye(2)[rng.integers(0, 2, 3000)]
    of_level, of_neighbours = shared_variation(rng.integers(0, 100, 3000), y)
    assert abs(of_level) < 0.05 and abs(of_neighbours) < 0.05


def test_of_a_large_table_whole_entities_are_looked_at():
    table = honest(n_rows=90_000)
    table["customer"] = np.arange(90_000) // 6
    rows = rows_of_entities(table, "customer")
    assert len(rows) <= MAX_ROWS and (table["customer"].iloc[rows].value_counts() == 6).all()
