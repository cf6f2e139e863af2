from __future__ import annotations

import pytest

from tests.tasks.core.report.documents import build


@pytest.fixture(scope="module")
def study(simulate_ranking, roc_auc):
    return simulate_ranking(0, strength=2.0), roc_auc


@pytest.fixture(scope="module")
def document(study):
    return build(*study)
