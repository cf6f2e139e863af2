"""Plug-ins from outside this package, given as ``module:SPEC`` in a card or on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from realmix.tasks.core.contracts.registry import Registry, Spec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.runtime.user_modules import lies_in_current_folder, load_reference
from realmix.tasks.sources import SOURCES
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.teachers import TEACHERS

S = TypeVar("S", bound=Spec)
# Where plug-ins of this process come from that a card or a command named, by kind and name.
_reference_of: dict[tuple[str, str], str] = {}
REGISTRIES: tuple[Registry[Any], ...] = (SOURCES, SYNTHESIZERS, MODELS, TEACHERS, METRICS)


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
    for registry in REGISTRIES:
        # What entry points offer decides keys and plans, too, whichever process asks first.
        len(registry)
    names = {}
    for reference in references:
        origin = f"The plug-in '{reference}'"
        spec = load_reference(reference, origin)
        home = next((each for each in REGISTRIES if isinstance(spec, each.spec_type)), None)
        if home is None:
            kinds = ", ".join(each.spec_type.__name__ for each in REGISTRIES)
            raise BadInput(f"{origin} is a {type(spec).__name__}: expected one of {kinds}.")
        if spec.name not in home:
            # One that is installed as an entry point, too, is there for every study.
            _reference_of[home.kind, spec.name] = reference
        home.add(spec, origin)
        names[reference] = spec.name
    if both := sorted(MODELS.keys() & TEACHERS.keys()):
        raise BadInput(
            f"A learner and a teacher are both called '{both[0]}', and each may be a member of the teacher: rename one."
        )
    return names


def check_trusted(card: DataCard, *, is_trusted: bool) -> None:
    """Refuse to run code that a card names and that lies beside it, until a person has said that it may.

    What is installed was chosen by whoever installed it; a folder may have come with its card from anywhere.

    Raises
    ------
    BadInput
    """
    named = (*card.plugins, *((card.simulate,) if card.simulate else ()))
    here = [reference for reference in named if lies_in_current_folder(reference.partition(":")[0])]
    if here and not is_trusted:
        raise BadInput(
            f"The card names code of this folder ({', '.join(here)}), which would run with all your rights: read it, then "
            "repeat the command with --trust-card."
        )


def specs_for(registry: Registry[S], card: DataCard) -> dict[str, S]:
    """Return the specs that a card's study may use: all but plug-ins that another study of this process named."""
    return {
        name: spec
        for name, spec in registry.items()
        if _reference_of.get((registry.kind, name)) in (None, *card.plugins)
    }
