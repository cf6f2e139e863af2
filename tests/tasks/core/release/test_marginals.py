import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.release.marginals import Marginals
from realmix.tasks.core.table.sharing import DifferentialPrivacy

COLUMNS = {
    "x": {"edges": [0, 1, 2, 3]},
    "c": {"values": ["a", "b"], "missing": True},
    "y": {"values": ["no", "yes"]},
}
TERMS = DifferentialPrivacy(epsilon=1, columns=COLUMNS)
MARGINALS = Marginals.declared(TERMS, "y")


def rows(n):
    rng = np.random.default_rng(n)
    y = rng.choice(["no", "yes"], n, p=[0.8, 0.2])
    return pd.DataFrame(
        {
            "x": rng.uniform(0, 3, n),
            "c": np.where(y == "yes", "a", rng.choice(["a", "b", "zzz"], n)),
            "y": y,
        }
    )


def distance(one, other):
    return float(np.linalg.norm(MARGINALS.count(one) - MARGINALS.count(other)))


def test_one_row_more_moves_the_counts_by_the_sensitivity_and_another_row_by_no_more_than_its_own():
    table = rows(60)
    assert distance(table, table.iloc[1:]) == pytest.approx(MARGINALS.sensitivity("charged"))
    distances = []
    for place in range(1, 60):
        other = table.copy()
        other.iloc[0] = table.iloc[place]
        distances.append(distance(table, other))
    assert max(distances) <= MARGINALS.sensitivity("public")
    # A row that shares no cell with the first is as far as one can be.
    far = table.copy()
    far.iloc[0] = [2.5, "b", "yes"]
    table.iloc[0] = [0.5, "a", "no"]
    assert distance(table, far) == pytest.approx(MARGINALS.sensitivity("public"))


def test_a_row_of_undeclared_cells_is_counted_like_any_other():
    odd = pd.DataFrame({"x": [99.0, np.nan], "c": ["never", None], "y": ["maybe", None]}, dtype=object)
    odd["x"] = odd["x"].astype(float)
    assert MARGINALS.count(odd).sum() == 2 * MARGINALS.n_marginals
    assert len(MARGINALS.count(odd)) == MARGINALS.n_counts


def test_without_noise_the_shares_are_those_of_the_rows():
    table = rows(4_000)
    estimate = MARGINALS.estimate(MARGINALS.count(table), None)
    assert estimate.n_rows == 4_000
    drawn = estimate.draw(20_000, None, np.random.default_rng(0))
    assert (drawn["y"] == "yes").mean() == pytest.approx((table["y"] == "yes").mean(), abs=0.01)
    shares = drawn[drawn["y"] == "no"]["c"].value_counts(normalize=True, dropna=False)
    assert shares[None] == pytest.approx(1 / 3, abs=0.03), "undeclared levels count as missing"
    assert set(drawn[drawn["y"] == "yes"]["c"]) == {"a"}


def test_noise_makes_no_negative_share_and_a_public_count_is_exact():
    noisy = MARGINALS.count(rows(50)) + np.random.default_rng(1).normal(0, 40, MARGINALS.n_counts)
    estimate = MARGINALS.estimate(noisy, 50)
    assert estimate.n_rows == 50
    for share in estimate.shares.values():
        assert (share >= 0).all() and np.allclose(share.sum(axis=0), 1)


def test_cells_are_missing_only_where_the_card_says_so():
    table = rows(200).assign(x=np.nan)
    estimate = MARGINALS.estimate(MARGINALS.count(table), None).without_undeclared_missing()
    drawn = estimate.draw(500, None, np.random.default_rng(0))
    assert drawn["x"].notna().all() and drawn["c"].isna().any()


def test_two_way_marginals_agree_better_with_the_one_way_ones_than_noise_alone():
    table, errors = rows(1_000), []
    exact = MARGINALS.count(table)
    truth = MARGINALS.estimate(exact, None).shares["x"]
    for seed in range(30):
        noise = np.random.default_rng(seed).normal(0, 20, MARGINALS.n_counts)
        shares = MARGINALS.estimate(exact + noise, None).shares["x"]
        errors.append(np.abs(shares[:, 0] - truth[:, 0]).mean())
    assert np.mean(errors) < 20 / 800


def test_the_target_must_be_declared():
    with pytest.raises(BadInput, match="lack the target 'z'"):
        Marginals.declared(TERMS, "z")
