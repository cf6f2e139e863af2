"""Deal the rows of folds into members, non-members and reference rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sides:
    """Positions of the rows with which the pool of one fold is attacked."""

    members: np.ndarray
    non_members: np.ndarray
    reference: np.ndarray


def deal_sides(fold_of: np.ndarray, groups: np.ndarray, *, seed: int) -> dict[int, Sides]:
    """Deal rows so that each is a member in one fold and unseen in another.

    Parameters
    ----------
    fold_of : ndarray of int, shape (n_rows,)
        Fold in which a row is validated, -1 for none: synthesizers of all other folds learned it.
    groups : ndarray of int, shape (n_rows,)
        Rows with one number are of one person, or equal: one of them is drawn, because an attacker who recognizes
        one has recognized all.
    seed : int

    Returns
    -------
    dict of fold to Sides
        Members are the validation rows of the next fold; non-members and reference are halves of the fold's own.

    Examples
    --------
    >>> found = deal_sides(np.repeat([0, 1], 4), np.arange(8), seed=0)
    >>> sorted(found[0].members.tolist()), sorted([*found[0].non_members.tolist(), *found[0].reference.tolist()])
    ([4, 5, 6, 7], [0, 1, 2, 3])
    """
    order = np.random.default_rng(seed).permutation(len(fold_of))
    _, first = np.unique(groups[order], return_index=True)
    drawn = order[np.sort(first)]
    numbers = [int(number) for number in np.unique(fold_of[fold_of >= 0])]
    of_fold = {number: drawn[fold_of[drawn] == number] for number in numbers}
    following = dict(zip(numbers, [*numbers[1:], numbers[0]], strict=True))
    return {
        number: Sides(of_fold[following[number]], *np.array_split(of_fold[number], 2)) for number in numbers
    }
