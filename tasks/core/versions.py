"""Versions of the libraries that a study computes with."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

# Distributions of one module: machines with a GPU have the second in place of the first.
STAND_INS = {"xgboost-cpu": "xgboost"}


def installed_version(library: str) -> str:
    """Version of a distribution, or of the one that stands in for it.

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
