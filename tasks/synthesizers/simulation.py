"""Simulation: rows from a function of the user, named in the card."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import pandas as pd

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.core.errors import BadInput, SynthesizerFailed
from realmix.tasks.core.table.rule_kinds import Rule
from realmix.tasks.runtime.user_modules import import_users_module
from realmix.tasks.synthesizers._quotas import QuotaSynthesizer

Simulate = Callable[[int, pd.DataFrame, int], pd.DataFrame]
PARAMETERS = ["n_rows", "reference", "random_state"]


class Simulation(QuotaSynthesizer):
    """Rows of ``simulate(n_rows, reference, random_state)``, called until every class has its rows.

    `reference` holds the real training rows in the columns and types of the source; the
    function returns raw rows with at least the modelled columns.

    Parameters
    ----------
    location : str or None
        ``module:function``.
    rules : sequence of Rule
    """

    name = "simulation"

    def __init__(self, location: str | None, rules: Sequence[Rule] = ()) -> None:
        super().__init__(rules)
        self.simulate = load_simulation(location)

    def _learn(self, random_state: int, max_steps: int | None) -> None:
        self.reference_ = self.schema_.restore(self.real_)

    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        rows = self.simulate(n_rows, self.reference_.copy(), random_state)
        if not isinstance(rows, pd.DataFrame):
            raise SynthesizerFailed(
                f"The simulation returned a {type(rows).__name__}, a DataFrame was expected: correct the function."
            )
        missing = [column.name for column in self.schema_.modelled if column.name not in rows.columns]
        if missing:
            raise SynthesizerFailed(
                f"The simulation returned no columns {missing}: correct the function, or ignore them in the card."
            )
        return self.schema_.apply(rows)


def load_simulation(location: str | None) -> Simulate:
    """Import the function that a card names.

    Raises
    ------
    BadInput
        If the card names no function, or it cannot be imported or called.
    """
    module, _, function = (location or "").partition(":")
    if not module or not function:
        raise BadInput(
            f"`simulate` is {location!r}, expected `module:function`, for example "
            "`realmix.tasks.synthesizers.simulations.claims:simulate`. Correct it in the card."
        )
    try:
        simulate = getattr(import_users_module(module), function)
    # The module is the user's: it may hold any fault, and may even end the program.
    except (Exception, SystemExit) as err:
        raise BadInput(
            f"`simulate` names {location!r}, which cannot be imported ({type(err).__name__}: {err}). Correct it in the card, "
            "or start where Python finds the module."
        ) from err
    if not callable(simulate) or _parameters(simulate)[:3] != PARAMETERS:
        raise BadInput(
            f"`simulate` names {location!r}, which is no function of ({', '.join(PARAMETERS)}). Correct it in the card."
        )
    return simulate


def _parameters(simulate: Simulate) -> list[str]:
    """List the names of a function's parameters: a function of a library, which was not written for this, has others."""
    try:
        return list(inspect.signature(simulate).parameters)
    except (TypeError, ValueError):  # some built-in functions do not say
        return []


SPEC = SynthesizerSpec(
    name="simulation",
    build=lambda card: Simulation(card.simulate, card.rules),
    family="simulation",
    reference="https://simpy.readthedocs.io",
    fit_cost=lambda n_rows, n_columns, steps: 0.01,
    sample_cost=lambda n_rows, n_columns: 0.05 + 1e-4 * n_rows,
    needs="simulate",
    drop_order=None,
)
