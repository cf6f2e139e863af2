"""Locations of tables and object stores, in a form without secrets that may be logged and stored."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

# Full locations by the form without secrets; in the memory of this process only.
_full: dict[str, str] = {}


def without_secrets(location: str) -> str:
    """Remove user, password and query from a URL: signed links carry their key there.

    Paths and ``sql:`` or ``bundled:`` locations have no such part and are returned unchanged.

    Examples
    --------
    >>> without_secrets("https://me:secret@example.org/t.csv?signature=abc")
    'https://example.org/t.csv'
    >>> without_secrets("bundled:bank_marketing?rows=2000"), without_secrets("sqlite:////tmp/a.db")
    ('bundled:bank_marketing?rows=2000', 'sqlite:////tmp/a.db')
    """
    if "://" not in location or location.startswith(("sql:", "sqlite:")):
        return location
    try:
        parts = urlsplit(location)
    except ValueError:  # a bracket that never closes: no address, and nobody can say where a password ends
        return f"{location.partition('://')[0]}://..."
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def hide_secrets(location: str) -> str:
    """Return the form without secrets, and remember the full one in this process.

    Flow parameters are stored by Prefect in plain text, so only this form may be one.

    Examples
    --------
    >>> shown = hide_secrets("https://me:secret@example.org/t.csv")
    >>> shown, reveal(shown)
    ('https://example.org/t.csv', 'https://me:secret@example.org/t.csv')
    """
    shown = without_secrets(location)
    _full[shown] = location
    return shown


def reveal(location: str) -> str:
    """Return the full location if this process knows one."""
    return _full.get(location, location)
