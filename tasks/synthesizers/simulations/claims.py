"""Insurance claims with fraud, simulated event by event with simpy.

A card uses it with ``simulate: realmix.tasks.synthesizers.simulations.claims:simulate``; called
without a reference it makes a demo table. Policyholders have accidents; some are in financial
trouble, and some of these invent or inflate a claim. A claim waits for a free adjuster; a
suspicious one is passed to a small investigation unit, where the queue is long. So the columns
are related through the process, not through a formula for the label.

The table, one row per closed claim:

=================== ======= =========================================================
column              type    meaning
=================== ======= =========================================================
customer_age        integer years, 18 to 85
policy_months       integer age of the policy at the claim
vehicle_value       integer EUR
channel             text    how it was reported: app, broker or phone
claim_type          text    collision, theft, glass or fire
claim_amount        integer EUR
prior_claims        integer earlier claims of this customer in the simulation
days_to_report      integer days from accident to report
has_police_report   text    no or yes
n_witnesses         integer 0 to 3
days_in_queue       float   days until an adjuster took it
is_investigated     text    no or yes
days_to_close       float   days from report to decision
is_fraud            text    no or yes: the target
=================== ======= =========================================================
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.versions import require

require("simpy", "examples", "The simulation of claims")

TARGET = "is_fraud"
COLUMNS = [
    "customer_age", "policy_months", "vehicle_value", "channel", "claim_type", "claim_amount",
    "prior_claims", "days_to_report", "has_police_report", "n_witnesses", "days_in_queue",
    "is_investigated", "days_to_close", TARGET,
]  # fmt: skip
CHANNELS = ("app", "broker", "phone")
CLAIM_TYPES = ("collision", "theft", "glass", "fire")
# Shares of the four claim types among honest and among fraudulent claims.
HONEST_TYPES = (0.6, 0.08, 0.29, 0.03)
FRAUD_TYPES = (0.45, 0.38, 0.02, 0.15)
# Share of the vehicle's value that a claim of each type costs.
TYPE_SEVERITY = {"collision": 0.22, "theft": 0.85, "glass": 0.03, "fire": 0.6}
CLAIMS_PER_DAY = 8.0
N_ADJUSTERS = 6
N_INVESTIGATORS = 2
DAYS_PER_ADJUSTMENT = 0.6
DAYS_PER_INVESTIGATION = 3.0
CUSTOMERS_PER_CLAIM = 0.8


@dataclass(frozen=True)
class Market:
    """What the simulation takes from real claims.

    Attributes
    ----------
    fraud_share : float
        Share of fraudulent claims, 0 to 1.
    vehicle_value : float
        Median, EUR.
    amount_scale : float
        Claims relative to `TYPE_SEVERITY`.
    """

    fraud_share: float = 0.06
    vehicle_value: float = 21_000.0
    amount_scale: float = 1.0

    @classmethod
    def like(cls, reference: pd.DataFrame) -> Market:
        """Learn the market from real claims with the columns of this module.

        Raises
        ------
        BadInput
            If one of the columns that it needs is missing.
        """
        missing = {"claim_type", "claim_amount", "vehicle_value", TARGET} - set(reference.columns)
        if missing:
            raise BadInput(
                f"The claims simulation needs real claims with the columns {', '.join(sorted(missing))}, "
                "which this table lacks: name a simulation of your own table in the card."
            )
        severity = reference["claim_type"].map(TYPE_SEVERITY).astype(float)
        expected = severity * reference["vehicle_value"].astype(float)
        return cls(
            fraud_share=float((reference[TARGET] == "yes").mean()),
            vehicle_value=float(reference["vehicle_value"].astype(float).median()),
            amount_scale=float((reference["claim_amount"].astype(float) / expected).median()),
        )


@dataclass
class Customer:
    """A policyholder; `claims` is the number of claims reported so far."""

    age: int
    policy_start: float
    vehicle_value: float
    is_in_trouble: bool
    claims: int = 0


class Office:
    """The claims office: customers report claims, adjusters decide, investigators check suspicious ones."""

    def __init__(self, env: Any, market: Market, n_customers: int, rng: np.random.Generator) -> None:
        import simpy

        self.env = env
        self.market = market
        self.rng = rng
        self.adjusters = simpy.Resource(env, capacity=N_ADJUSTERS)
        self.investigators = simpy.Resource(env, capacity=N_INVESTIGATORS)
        self.customers = [self._customer() for _ in range(n_customers)]
        self.closed: list[dict[str, Any]] = []

    def _customer(self) -> Customer:
        return Customer(
            age=int(np.clip(self.rng.gamma(9.0, 5.2), 18, 85)),
            policy_start=-30.4 * self.rng.exponential(40.0),
            vehicle_value=self.market.vehicle_value * float(np.exp(self.rng.normal(0, 0.5))),
            is_in_trouble=bool(self.rng.random() < 0.15),
        )

    def arrivals(self) -> Generator[Any, Any, None]:
        """Report claims of random customers at random times, endlessly."""
        troubled = [customer for customer in self.customers if customer.is_in_trouble] or self.customers
        while True:
            yield self.env.timeout(self.rng.exponential(1 / CLAIMS_PER_DAY))
            is_fraud = bool(self.rng.random() < self.market.fraud_share)
            # Three of four frauds come from customers in trouble, the others from anybody.
            claimants = troubled if is_fraud and self.rng.random() < 0.75 else self.customers
            customer = claimants[int(self.rng.integers(len(claimants)))]
            self.env.process(self.handle(customer, self._claim(customer, is_fraud)))
            customer.claims += 1

    def handle(self, customer: Customer, claim: dict[str, Any]) -> Generator[Any, Any, None]:
        """Process one claim."""
        reported = self.env.now
        with self.adjusters.request() as free:
            yield free
            claim["days_in_queue"] = round(self.env.now - reported, 2)
            yield self.env.timeout(self.rng.exponential(DAYS_PER_ADJUSTMENT))
        is_investigated = bool(self.rng.random() < self._suspicion(claim))
        if is_investigated:
            with self.investigators.request() as free:
                yield free
                yield self.env.timeout(self.rng.exponential(DAYS_PER_INVESTIGATION))
        claim["is_investigated"] = "yes" if is_investigated else "no"
        claim["days_to_close"] = round(self.env.now - reported, 2)
        self.closed.append(claim)

    def _claim(self, customer: Customer, is_fraud: bool) -> dict[str, Any]:
        rng = self.rng
        claim_type = str(rng.choice(CLAIM_TYPES, p=FRAUD_TYPES if is_fraud else HONEST_TYPES))
        inflation = 1.35 if is_fraud else 1.0
        share = TYPE_SEVERITY[claim_type] * np.exp(rng.normal(0, 0.45)) * inflation
        amount = customer.vehicle_value * share * self.market.amount_scale
        # Fraud is more likely soon after the policy was bought.
        months = (self.env.now - customer.policy_start) / 30.4 * (rng.beta(1, 3) if is_fraud else 1.0)
        return {
            "customer_age": customer.age,
            "policy_months": int(months),
            "vehicle_value": round(customer.vehicle_value, -2),
            "channel": str(rng.choice(CHANNELS, p=(0.6, 0.1, 0.3) if is_fraud else (0.45, 0.25, 0.3))),
            "claim_type": claim_type,
            "claim_amount": round(float(np.clip(amount, 50, 1.5 * customer.vehicle_value)), -1),
            "prior_claims": customer.claims,
            "days_to_report": int(rng.gamma(1.2, 6.0 if is_fraud else 2.5)),
            "has_police_report": "yes" if rng.random() < self._police(claim_type, is_fraud) else "no",
            "n_witnesses": int(min(rng.poisson(0.15 if is_fraud else 0.7), 3)),
            TARGET: "yes" if is_fraud else "no",
        }

    @staticmethod
    def _police(claim_type: str, is_fraud: bool) -> float:
        share = {"collision": 0.45, "theft": 0.9, "glass": 0.05, "fire": 0.8}[claim_type]
        return share * (0.6 if is_fraud else 1.0)

    @staticmethod
    def _suspicion(claim: dict[str, Any]) -> float:
        """Return the chance that an adjuster passes a claim on: by visible signs, not by the truth."""
        signs = (
            (claim["claim_amount"] > 0.6 * claim["vehicle_value"])
            + (claim["days_to_report"] > 7)
            + (claim["has_police_report"] == "no" and claim["claim_type"] in ("theft", "fire"))
            + (claim["policy_months"] < 6)
        )
        return (0.02, 0.12, 0.45, 0.75, 0.9)[signs]


def simulate(n_rows: int, reference: pd.DataFrame | None, random_state: int) -> pd.DataFrame:
    """Run the office until `n_rows` claims are closed.

    Parameters
    ----------
    n_rows : int
    reference : DataFrame or None
        Real claims with the columns of this module, which set share of fraud, vehicle value
        and amounts; None takes the defaults of :class:`Market`.
    random_state : int

    Returns
    -------
    DataFrame of shape (n_rows, 14)
        In the order in which the claims were closed.

    Examples
    --------
    >>> simulate(100, None, random_state=0).shape
    (100, 14)
    """
    import simpy

    env = simpy.Environment()
    market = Market() if reference is None else Market.like(reference)
    n_customers = max(int(CUSTOMERS_PER_CLAIM * n_rows), 50)
    office = Office(env, market, n_customers, np.random.default_rng(random_state))
    env.process(office.arrivals())
    while len(office.closed) < n_rows:
        env.step()
    claims = pd.DataFrame(office.closed[:n_rows], columns=COLUMNS)
    return claims.astype({"vehicle_value": "int64", "claim_amount": "int64"})
