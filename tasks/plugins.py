"""Plug-ins from outside this package, given as ``module:SPEC`` in a card or on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from realmix.tasks.core.contracts.registry import Registry, load_reference
from realmix.tasks.core.errors import BadInput
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.sources import SOURCES
from realmix.tasks.synthesizers import SYNTHESIZERS

REGISTRIES: tuple[Registry[Any], ...] = (SOURCES, SYNTHESIZERS, MODELS, METRICS)


def load_plugins(references: Iterable[str]) -> dict[str, str]:
    """Register plug-ins beside the built-in ones; importing them runs their code.

    Parameters
    ----------
    references : iterable of str
        Each ``module:SPEC``; one that is registered already is no error.

    Returns
    -------
    dict
        The plug-in's name by its reference.

    Raises
    ------
    BadInput
        If one cannot be imported, is no spec, or takes a name that is in use.
    """
    names = {}
    for reference in references:
        origin = f"The plug-in '{reference}'"
        spec = load_reference(reference, origin)
        registry = next((each for each in REGISTRIES if isinstance(spec, each.spec_type)), None)
        if registry is None:
            kinds = ", ".join(each.spec_type.__name__ for each in REGISTRIES)
            raise BadInput(f"{origin} is a {type(spec).__name__}: expected one of {kinds}.")
        registry.add(spec, origin)
        names[reference] = spec.name
    return names
