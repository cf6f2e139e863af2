"""Versions of the installed libraries."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

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
