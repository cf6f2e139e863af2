"""Read arrays from files, from any thread."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import numpy as np

# numpy parses the header of a file as Python. Where a garbage collection lets another thread parse meanwhile, CPython
# 3.11 miscounts and fails: "AST constructor recursion depth mismatch" (https://github.com/python/cpython/issues/106905).
_ONE_AT_A_TIME = Lock()


def read_array(path: Path) -> np.ndarray:
    """Read an array from a file of `numpy.save`, without pickle.

    Parameters
    ----------
    path : Path

    Returns
    -------
    ndarray

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If the file holds no array, or Python objects.
    """
    with _ONE_AT_A_TIME:
        values: np.ndarray = np.load(path, allow_pickle=False)
    return values
