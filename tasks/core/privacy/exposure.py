"""What a leak means for persons: needs what attacks measured and what the table's card declares."""

from __future__ import annotations

from pydantic import Field

from realmix.tasks.core.documents import Known, Number, Part
from realmix.tasks.core.privacy.membership import FALSE_POSITIVE_RATE


class Declared(Part):
    """What the card declares, and nobody measured.

    `prior` is how probable an attacker holds it, before the attack, that a person is in the table; `harm` is what
    it costs a person to be recognized, in `currency`.
    """

    prior: float = Field(gt=0, lt=1)
    harm: Known = None
    currency: str = "EUR"


class Combined(Part):
    """What follows from both: persons an attacker recognizes, and how sure the attacker then is."""

    n_persons: int
    persons_exposed: Number
    persons_interval: tuple[Number, Number]
    by_chance: Number
    posterior: Number
    expected_harm: Known
    currency: str
    sentence: str


def combine(declared: Declared, tpr: float, tpr_interval: tuple[float, float], n_persons: int) -> Combined:
    """Combine the attacker's success with the declared prior and harm.

    Parameters
    ----------
    declared : Declared
    tpr : float
        Share of the learned rows that the worst attack recognizes.
    tpr_interval : tuple of float
    n_persons : int
        Rows that were learned, one person each.

    Returns
    -------
    Combined

    Examples
    --------
    >>> found = combine(Declared(prior=0.1, harm=500), 0.11, (0.05, 0.2), 1000)
    >>> found.persons_exposed, round(found.posterior, 2), found.expected_harm
    (110.0, 0.55, 50000.0)
    """
    exposed, by_chance = tpr * n_persons, FALSE_POSITIVE_RATE * n_persons
    right = tpr * declared.prior
    posterior = right / (right + FALSE_POSITIVE_RATE * (1 - declared.prior))
    harm = None if declared.harm is None else declared.harm * max(0.0, exposed - by_chance)
    low, high = (bound * n_persons for bound in tpr_interval)
    cost = "" if harm is None else f" Beyond chance that is {harm:,.0f} {declared.currency} of expected harm."
    return Combined(
        n_persons=n_persons,
        persons_exposed=exposed,
        persons_interval=(low, high),
        by_chance=by_chance,
        posterior=posterior,
        expected_harm=harm,
        currency=declared.currency,
        sentence=(
            f"Of {n_persons:,} persons in the table an attacker recognizes {exposed:,.0f} ({low:,.0f} to {high:,.0f}; "
            f"{by_chance:,.0f} by chance), and is then sure to {100 * posterior:.0f} % instead of "
            f"{100 * declared.prior:.0f} % before.{cost}"
        ),
    )
