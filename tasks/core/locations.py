"""Where tables and stores lie, in a form that may be written down."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def without_secrets(location: str) -> str:
    """Leave out user, password and query of a URL: signed links carry their key there.

    Paths and ``sql:`` or ``bundled:`` locations have no such part and stay as they are.

    Examples
    --------
    >>> without_secrets("https://me:secret@example.org/t.csv?signature=abc")
    'https://example.org/t.csv'
    >>> without_secrets("bundled:bank_marketing?rows=2000"), without_secrets("sqlite:////tmp/a.db")
    ('bundled:bank_marketing?rows=2000', 'sqlite:////tmp/a.db')
    """
    if "://" not in location or location.startswith(("sql:", "sqlite:")):
        return location
    parts = urlsplit(location)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
