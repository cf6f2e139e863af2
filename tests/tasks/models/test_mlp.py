from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.models.mlp import SPEC


def fitted(rows, X, soft, weight):
    return SPEC.build(rows.schema, SPEC.search_space(0, rows.schema), 0, 1).fit(X, soft, weight)


def test_its_weights_are_numbers_in_a_file_that_is_read_without_pickle(rows_of, tmp_path):
    model = rows_of("binary").fit("mlp")
    model.export(tmp_path)
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as weights:
        assert set(weights) == {"weights_0", "weights_1", "biases_0", "biases_1"}
        assert all(weights[name].dtype == float for name in weights)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_predictions_are_scikit_learn_s_own(rows_of):
    from sklearn.neural_network import MLPClassifier

    from realmix.tasks.models._serving import encode_dense

    rows = rows_of("binary")
    model = rows.fit("mlp")
    plain = MLPClassifier(
        (32,), alpha=1.0, learning_rate_init=3e-3, batch_size=64, max_iter=400, n_iter_no_change=400,
        random_state=0,
    )  # fmt: skip
    plain.fit(encode_dense(rows.X, model.spec_), rows.y_proba.argmax(axis=1))
    expected = plain.predict_proba(encode_dense(rows.X_new, model.spec_))
    np.testing.assert_allclose(model.predict(rows.X_new), expected, atol=2e-6)


def test_weights_of_rows_count_by_their_ratios_alone(rows_of):
    rows = rows_of("regression")
    weight = 1.0 + np.arange(len(rows.raw)) % 3
    once, tenfold = (fitted(rows, rows.X, rows.y_proba, factor * weight) for factor in (1, 10))
    assert once.predict(rows.X_new) == pytest.approx(tenfold.predict(rows.X_new), rel=1e-6)
