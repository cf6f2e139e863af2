"""Texts as categories: encoded once, however many models read them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def code_texts(frames: Sequence[pd.DataFrame], names: Sequence[str] | None = None) -> list[pd.DataFrame]:
    """Convert text columns to categoricals with the same categories in every frame.

    Parameters
    ----------
    frames : sequence of DataFrame
        Canonical: texts are objects, None where missing.
    names : sequence of str, optional
        Columns to convert, by default all.

    Returns
    -------
    list of DataFrame
        Rows, order and all other columns as before.

    Examples
    --------
    >>> real, pool = code_texts([pd.DataFrame({"job": ["nurse", None]}), pd.DataFrame({"job": ["cook"]})])
    >>> real["job"].cat.categories.tolist(), real["job"].cat.codes.tolist(), pool["job"].cat.codes.tolist()
    (['cook', 'nurse'], [1, -1], [0])
    """
    first = frames[0]
    texts = [name for name in names or first.columns if first[name].dtype == object]
    every = pd.concat([frame[texts] for frame in frames], ignore_index=True)
    types = {name: pd.CategoricalDtype(sorted(every[name].dropna().unique())) for name in texts}
    return [frame.astype(types) for frame in frames]
