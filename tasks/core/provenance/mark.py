"""The mark that every output carries: whether it holds synthetic rows, and what they were made from and by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from realmix.tasks.core.documents import Document
from realmix.tasks.core.versions import installed_version

# Key of the mark in the footer of a Parquet file.
FOOTER = b"realmix_provenance"
LIBRARIES = ("numpy", "pandas", "scikit-learn", "sdv", "torch", "imbalanced-learn")
LIMITS_OF_REAL_ROWS = (
    "It holds real rows as they are, so it is as sensitive as the table itself: it is not anonymous."
)
LIMITS_OF_SYNTHETIC_ROWS = (
    "Synthetic rows are drawn from a model of the real rows: they are no observations, may repeat or reveal real rows, "
    "and repeat the real rows' errors and biases."
)
LIMITS_OF_THE_MARK = "This is a mark of origin, and no statement that a law or a licence is kept."


class Mark(Document):
    """Origin of rows, with the terms of PROV and of Croissant's RAI vocabulary.

    Attributes
    ----------
    has_synthetic_data : bool
    explanation : str
    n_real, n_synthetic : int
        Rows by origin.
    derived_from : tuple of str
        sha256 of the snapshots that the real rows, and the synthesizer, come from.
    synthesizer : str or None
    seed : int or None
        With which it drew.
    versions : mapping of library to version
        realmix first.
    limits : tuple of str
    """

    what: ClassVar[str] = "mark of origin"

    has_synthetic_data: bool
    explanation: str
    n_real: int
    n_synthetic: int
    derived_from: tuple[str, ...]
    synthesizer: str | None
    seed: int | None
    versions: Mapping[str, str]
    limits: tuple[str, ...]


def mark(
    *, snapshot: str | None, synthesizer: str | None, seed: int | None, n_real: int, n_synthetic: int
) -> Mark:
    """Mark a table of real and synthetic rows.

    Parameters
    ----------
    snapshot : str or None
        Digest of the snapshot that the rows come from; None where it must not be told.
    synthesizer : str or None
    seed : int or None
    n_real, n_synthetic : int
        Rows by origin.

    Examples
    --------
    >>> marked = mark(snapshot="0a", synthesizer="ctgan", seed=7, n_real=0, n_synthetic=50)
    >>> marked.has_synthetic_data, marked.explanation
    (True, 'All 50 rows are synthetic: the synthesizer ctgan, fitted on real rows, drew them with seed 7.')
    """
    versions = {name: installed_version(name) for name in ("realmix", *LIBRARIES)}
    limits = (
        *([LIMITS_OF_REAL_ROWS] if n_real else []),
        *([LIMITS_OF_SYNTHETIC_ROWS] if n_synthetic else []),
        LIMITS_OF_THE_MARK,
    )
    fields = {
        "has_synthetic_data": n_synthetic > 0,
        "explanation": _explain(synthesizer, seed, n_real, n_synthetic),
        "n_real": n_real,
        "n_synthetic": n_synthetic,
        "derived_from": () if snapshot is None else (snapshot,),
        "synthesizer": synthesizer if n_synthetic else None,
        "seed": seed if n_synthetic else None,
        "versions": versions,
        "limits": limits,
    }
    return Mark.build(fields)


def _explain(synthesizer: str | None, seed: int | None, n_real: int, n_synthetic: int) -> str:
    if not n_synthetic:
        return f"None of the {n_real:,} rows is synthetic."
    share = (
        f"{n_synthetic:,} of {n_real + n_synthetic:,} rows are" if n_real else f"All {n_synthetic:,} rows are"
    )
    which = "; the column _realmix_origin says which" if n_real else ""
    return f"{share} synthetic: the synthesizer {synthesizer}, fitted on real rows, drew them with seed {seed}{which}."
