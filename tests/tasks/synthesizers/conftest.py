from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One thread and fixed seeds for torch and numpy."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    np.random.seed(0)
    yield
    torch.set_num_threads(threads)
