from __future__ import annotations

import numpy as np
import pytest

from realmix import AugmentedClassifier, AugmentedRegressor, RealmixSampler
from realmix.tasks.estimators import table
from realmix.tasks.estimators.recipe import check_parameters

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(80, 2)), np.repeat(["no", "yes"], 40)
WRONG = [
    ({"synthesizers": ["smoote"]}, r"'smoote'; did you mean 'smote'\? Known: .*smote"),
    (
        {"synthesizers": "smote"},
        r"^synthesizers is 'smote'; expected a list\. Write synthesizers=\['smote'\]",
    ),
    ({"synthesizers": []}, r"^synthesizers is empty; expected at least one"),
    ({"synthesizers": ["duplicates"]}, r"'duplicates' is a control\. Choose from .*smote"),
    ({"synthesizers": ["rules"]}, r"'rules' needs `rules` of a data card\. Choose from .*smote"),
    ({"ratios": [0.0]}, r"^ratios .* above 0 and at most 100; got 0\.0\. .* leave it out"),
    ({"ratios": [float("nan")]}, r"^ratios .* above 0 and at most 100; got nan"),
    ({"ratios": ["1"]}, r"^ratios .* above 0 and at most 100; got '1'"),
    ({"ratios": 1.0}, r"^ratios is 1\.0; expected a list\. Write ratios=\[1\.0\]"),
    ({"n_folds": 1}, r"^n_folds is 1; expected a whole number of at least 2"),
    ({"n_folds": 2.5}, r"^n_folds is 2\.5; expected a whole number of at least 2"),
]


@pytest.mark.parametrize(("wrong", "sentence"), WRONG)
@pytest.mark.parametrize("kind", [AugmentedClassifier, AugmentedRegressor, RealmixSampler])
def test_a_wrong_parameter_is_refused_in_a_sentence_before_anything_is_computed(
    kind, wrong, sentence, monkeypatch
):
    monkeypatch.setattr(table, "check_study_input", lambda *_: pytest.fail("rows were read"))
    estimator = kind(**wrong)
    fit = getattr(estimator, "fit_resample", estimator.fit)
    with pytest.raises(ValueError, match=sentence):
        fit(X, RNG.normal(size=80) if kind is AugmentedRegressor else LABELS)


def test_a_wrong_parameter_is_refused_even_where_the_rows_are_too_few_to_compare():
    with pytest.raises(ValueError, match="n_folds is 1"):
        AugmentedClassifier(n_folds=1).fit([[0], [1], [2], [3]], ["no", "no", "yes", "yes"])


def test_right_parameters_pass_as_lists_tuples_and_arrays():
    for ratios in ([0.5, 100], (1,), np.array([1.0, 5.0])):
        check_parameters(("smote", "gaussian-copula"), ratios, np.int64(2), "multiclass")
