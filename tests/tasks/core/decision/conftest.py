from __future__ import annotations

import pytest

from realmix.tasks.core.decision.comparison import Comparison, compare


@pytest.fixture(scope="module")
def planted(simulate_study, squared_error) -> Comparison:
    """A candidate better by 10 %, controls worse by 2 %."""
    oof = simulate_study(0, noise=0.05, offsets={4: 0.02, 5: 0.02, 6: -0.1})
    return compare(oof, squared_error, seed=0, n_bootstrap=300)
