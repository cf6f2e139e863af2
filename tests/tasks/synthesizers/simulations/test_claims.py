from __future__ import annotations

import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.synthesizers.simulations import claims

TYPES = ("integer", "text", "float")


def test_the_claims_simulation_refuses_a_table_that_holds_no_claims() -> None:
    with pytest.raises(BadInput, match="claim_amount, claim_type, is_fraud, vehicle_value"):
        claims.simulate(5, pd.DataFrame({"age": [20, 30]}), random_state=0)


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
