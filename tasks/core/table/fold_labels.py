"""Labels that differ only by blanks or by upper and lower case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from realmix.tasks.core.table.served_rows import label_key


def fold_labels(
    written: Sequence[str], counts: Sequence[int] | np.ndarray, *, merge: bool
) -> tuple[list[str], int]:
    """Trim labels, and merge the spellings of one label into the most frequent.

    Parameters
    ----------
    written : sequence of str
        Distinct labels.
    counts : sequence of int
        Cells of each.
    merge : bool
        False to change no label that another one would become equal to.

    Returns
    -------
    labels : list of str
        One for each of `written`.
    n_folded : int
        Spellings that were merged into another.

    Examples
    --------
    >>> fold_labels(["Male", "male", "MALE ", "other"], [5, 2, 1, 1], merge=True)
    (['Male', 'Male', 'Male', 'other'], 2)
    >>> fold_labels(["yes ", "no"], [5, 2], merge=False), fold_labels(["yes ", "yes"], [5, 2], merge=False)
    ((['yes', 'no'], 0), (['yes ', 'yes'], 0))
    """
    trimmed = [text.strip() for text in written]
    if not merge:
        return (trimmed if len(set(trimmed)) == len(trimmed) else list(written)), 0
    best: dict[str, tuple[int, str]] = {}
    for text, n in sorted(zip(trimmed, counts, strict=True)):
        key = label_key(text)
        if key not in best or n > best[key][0]:
            best[key] = (int(n), text)
    return [best[label_key(text)][1] for text in trimmed], len(trimmed) - len(best)


def spellings(labels: Sequence[str]) -> Mapping[str, list[str]]:
    """Return the labels that have several spellings, by what these have in common.

    Examples
    --------
    >>> dict(spellings(["yes", "Yes ", "no"]))
    {'yes': ['Yes ', 'yes']}
    """
    by_key: dict[str, list[str]] = {}
    for label in sorted(labels):
        by_key.setdefault(label_key(label), []).append(label)
    return {key: each for key, each in by_key.items() if len(each) > 1}
