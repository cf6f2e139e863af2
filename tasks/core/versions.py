"""Versions of the installed libraries."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from realmix.tasks.core.errors import BadInput

# Two distributions of one module: machines with a GPU have the second instead of the first.
STAND_INS = {"xgboost-cpu": "xgboost"}


def installed_version(library: str) -> str:
    """Return the version of a distribution, or of its stand-in.

    Raises
    ------
    PackageNotFoundError
        If neither is installed.

    Examples
    --------
    >>> installed_version("pandas").count(".")
    2
    """
    try:
        return version(library)
    except PackageNotFoundError:
        if library not in STAND_INS:
            raise
        return version(STAND_INS[library])


def require(module: str, extra: str, purpose: str) -> None:
    """Refuse what needs an optional library that is not installed.

    Parameters
    ----------
    module : str
        Name by which it is imported.
    extra : str
        Of this package.
    purpose : str
        What needs it, as the subject of a sentence.

    Raises
    ------
    BadInput

    Examples
    --------
    >>> require("json", "none", "This")
    >>> require("no_such_library", "examples", "This simulation")
    Traceback (most recent call last):
    realmix.tasks.core.errors.BadInput: This simulation needs no_such_library, which is not installed. Run pip install -e '.[examples]' in the folder of the realmix repository.
    """
    if find_spec(module) is None:
        raise BadInput(
            f"{purpose} needs {module}, which is not installed. Run pip install -e '.[{extra}]' in the folder "
            "of the realmix repository."
        )
