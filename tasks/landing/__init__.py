"""Places where new rows of a registered table appear: one file per kind of place."""

from __future__ import annotations

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import LandingSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.urls import without_secrets

LANDINGS: Registry[LandingSpec] = Registry("realmix.tasks.landing", "landing place", LandingSpec)


def find_landing(location: str) -> LandingSpec:
    """Choose the kind of landing place by its location; nothing is read yet.

    Parameters
    ----------
    location : str
        A folder, ``s3://bucket/prefix`` or ``sql:TABLE``.

    Raises
    ------
    BadInput
        If the location is of no known kind.

    Examples
    --------
    >>> find_landing("incoming/").name, find_landing("sql:customers").name
    ('folder', 'sql')
    """
    for spec in LANDINGS.values():
        if spec.matches(location):
            return spec
    raise BadInput(
        f"Got the landing place '{without_secrets(location)}', expected a folder, s3://bucket/prefix or "
        "sql:TABLE. Correct `operation.landing` in the card."
    )
