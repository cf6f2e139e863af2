from __future__ import annotations

import numpy as np

from realmix.tasks.models import MODELS


def test_an_unseen_category_is_a_missing_one(rows_of):
    rows = rows_of("binary")
    model = rows.fit("xgboost")
    unseen, missing = rows.X_new.assign(job="astronaut"), rows.X_new.assign(job=None)
    assert np.array_equal(model.predict(unseen), model.predict(missing))


def test_hard_labels_are_exactly_the_plain_fit(rows_of):
    import xgboost

    from realmix.tasks.models import _serving

    rows = rows_of("binary")
    model = rows.fit("xgboost")
    plain = xgboost.train(
        model.params | {"objective": "binary:logistic"},
        xgboost.QuantileDMatrix(
            _serving.encode_codes(rows.X, model.spec_),
            label=rows.y_proba[:, 1],
            feature_types=_serving.feature_types(model.spec_),
            enable_categorical=True,
            max_bin=model.params["max_bin"],
        ),
        num_boost_round=model.n_estimators,
    )
    new = xgboost.DMatrix(
        _serving.encode_codes(rows.X_new, model.spec_),
        feature_types=_serving.feature_types(model.spec_),
        enable_categorical=True,
    )
    assert np.allclose(plain.predict(new), model.predict(rows.X_new)[:, 1], atol=1e-6)


def test_a_large_target_is_predicted_in_its_own_unit(rows_of):
    rows = rows_of("regression")
    model = rows.fit("xgboost")
    assert abs(model.predict(rows.X).mean() / rows.y_proba.mean() - 1) < 0.02


def test_a_quantity_costs_boosted_trees_more_than_two_classes_do():
    """Its trees are deeper: the plan of a regression must not be made with the seconds of two classes."""
    of_quantity, of_two, of_three = (
        MODELS["xgboost"].fit_cost(2_000, 20, n_classes) for n_classes in (1, 2, 3)
    )
    assert of_two < of_three and of_quantity > 2 * of_two
