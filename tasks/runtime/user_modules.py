"""Code that a user names as ``module:NAME``: plug-ins, simulations."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from realmix.tasks.core.contracts.registry import note_outside
from realmix.tasks.core.errors import BadInput


def import_users_module(name: str) -> ModuleType:
    """Import a module that a user names; it may lie in the folder in which the command was started.

    That folder comes last, so that no file in it takes the place of a library, and only once code
    in it is asked for.
    """
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def lies_in_current_folder(name: str) -> bool:
    """Return whether a module is a file of the folder in which the command was started, and not installed."""
    top, folder = name.partition(".")[0], Path.cwd().resolve()
    elsewhere = [path for path in sys.path if Path(path).resolve() != folder]
    found = (PathFinder.find_spec(top, places) for places in ([str(folder)], elsewhere))
    return top not in sys.stdlib_module_names and [spec is not None for spec in found] == [True, False]


def load_reference(reference: str, origin: str) -> Any:
    """Import the object that ``module:NAME`` names, and record its module as code from outside.

    Parameters
    ----------
    reference : str
    origin : str
        Where the reference is written, for messages.

    Raises
    ------
    BadInput
        If the module cannot be imported or holds no such name.
    """
    module, _, name = reference.partition(":")
    try:
        found = getattr(import_users_module(module), name)
    except Exception as err:  # whatever a module raises that is not ours
        raise BadInput(
            f"{origin} ({reference}) cannot be imported ({type(err).__name__}: {err}). Expected module:NAME of a "
            f"module that is installed or lies in {Path.cwd()}: correct the name, or install or repair that module."
        ) from err
    note_outside(module)
    return found
