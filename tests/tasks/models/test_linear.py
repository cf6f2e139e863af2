from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.models import _serving


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_probabilities_are_scikit_learn_s_own(rows_of, task):
    from sklearn.linear_model import LogisticRegression

    rows = rows_of(task)
    model = rows.fit("linear")
    plain = LogisticRegression(C=model.C, max_iter=2000)
    plain.fit(_serving.encode_dense(rows.X, model.spec_), rows.y_proba.argmax(axis=1))
    expected = plain.predict_proba(_serving.encode_dense(rows.X_new, model.spec_))
    assert np.allclose(model.predict(rows.X_new), expected, atol=2e-6)
