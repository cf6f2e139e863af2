"""One seed per purpose, derived by hashing: same key, same rows; two keys, different rows."""

from __future__ import annotations

import hashlib


def derive_seed(*key: object) -> int:
    """Hash a key of plain values into a seed that numpy, torch and scikit-learn take.

    Parameters
    ----------
    *key : str, int or float
        For example ``(snapshot, study_seed, "fold", 3, "ctgan", "fit")``.

    Returns
    -------
    int
        In [0, 2**31).

    Examples
    --------
    >>> derive_seed("a", 1) == derive_seed("a", 1), derive_seed("a", 1) == derive_seed("a", 2)
    (True, False)
    """
    text = "\x1f".join(str(part) for part in key)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
