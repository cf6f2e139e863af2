"""A classifier that distinguishes new rows from old ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.lifecycle.domain_drift import MAX_ROWS, DomainDrift, compare_domains


def compare(reference: pd.DataFrame, new: pd.DataFrame, seed: int = 0) -> DomainDrift:
    return compare_domains(reference, new, list(reference.columns), level=0.01, seed=seed)


def rows_of_one_source(rng: np.random.Generator, n_rows: int) -> pd.DataFrame:
    x = rng.normal(size=n_rows)
    job = np.where(x + rng.normal(size=n_rows) > 0, "nurse", "cook").astype(object)
    return pd.DataFrame({"x": x, "y": x + rng.normal(size=n_rows), "job": job})


def test_rows_of_one_source_are_significant_no_more_often_than_the_level():
    rng = np.random.default_rng(0)
    p_values = [
        compare(rows_of_one_source(rng, 80), rows_of_one_source(rng, 60), i).p_value for i in range(40)
    ]
    # Binomial: with a rate of 10 % more than 11 of 40 come once in 1,000.
    assert np.sum(np.array(p_values) < 0.1) <= 11


def test_what_only_two_columns_together_tell_is_seen():
    rng = np.random.default_rng(0)
    reference, new = rows_of_one_source(rng, 600), rows_of_one_source(rng, 400)
    found = compare(reference, new.assign(y=rng.permutation(new["y"])))
    assert found.auc > 0.55 and found.p_value < 1e-4


def test_the_area_is_the_mean_of_the_ranks_of_the_rows_compared():
    rng = np.random.default_rng(0)
    found = compare(rows_of_one_source(rng, 100), rows_of_one_source(rng, 50).assign(x=9.0))
    assert found.ranks.shape == (50,) and found.auc == pytest.approx(found.ranks.mean()) and found.auc > 0.99


def test_few_rows_are_distinguished_from_many():
    rng = np.random.default_rng(0)
    found = compare(rows_of_one_source(rng, 1500), rows_of_one_source(rng, 40).assign(x=lambda t: t["x"] + 2))
    assert found.auc > 0.8 and found.p_value < 0.001


def test_rows_without_any_difference_cannot_be_distinguished():
    same = pd.DataFrame({"x": [1.0] * 40, "job": [None] * 40})
    found = compare(same, same)
    assert (found.auc, found.p_value) == (0.5, 1.0)


def test_of_many_rows_a_sample_is_compared():
    found = compare(pd.DataFrame({"x": np.zeros(MAX_ROWS + 500)}), pd.DataFrame({"x": np.zeros(40)}))
    assert (found.n_reference, found.n_new) == (MAX_ROWS, 40)
    many = compare(pd.DataFrame({"x": np.zeros(40)}), pd.DataFrame({"x": np.zeros(MAX_ROWS + 500)}))
    assert np.isnan(many.ranks).sum() == 500 and many.auc == 0.5


def test_the_area_by_chance_is_where_the_p_value_meets_the_level():
    rng = np.random.default_rng(0)
    drawn = [
        compare(rows_of_one_source(rng, 120), rows_of_one_source(rng, 80).assign(x=lambda t: t["x"] + 0.7), i)
        for i in range(8)
    ]
    assert (
        np.corrcoef([d.auc > d.auc_by_chance for d in drawn], [d.p_value < 0.01 for d in drawn])[0, 1] > 0.6
    )
