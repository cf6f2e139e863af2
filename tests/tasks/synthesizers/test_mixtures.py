"""Our mixture against scikit-learn's, with which CTGAN fits its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rdt.transformers import ClusterBasedNormalizer
from sklearn.mixture import BayesianGaussianMixture

from realmix.tasks.synthesizers._mixtures import SEED, Mixture, fit_mixture

RNG = np.random.default_rng(0)
COLUMNS = {
    "skewed": RNG.lognormal(3, 1, 800),
    "two humps": np.hstack([RNG.normal(0, 1, 500), RNG.normal(30, 4, 300)]),
    "few values": RNG.integers(17, 60, 800).astype(float),
    "nearly constant": np.where(np.arange(800) == 0, 1.5, 0.0),
    "seven rows": np.arange(7.0),
    "large numbers": RNG.normal(1e9, 1e3, 800),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", list(COLUMNS))
def test_the_mixture_is_the_one_that_scikit_learn_fits(name: str) -> None:
    values = COLUMNS[name]
    theirs = BayesianGaussianMixture(
        n_components=min(len(values), 10),
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=0.001,
        random_state=SEED,
    ).fit(values.reshape(-1, 1))
    ours = fit_mixture(values)
    assert ours.posterior.weights == pytest.approx(theirs.weights_, abs=1e-6)
    spreads = np.sqrt(theirs.covariances_[:, 0, 0])
    assert ours.posterior.means / spreads == pytest.approx(theirs.means_[:, 0] / spreads, rel=1e-6, abs=1e-6)
    assert np.sqrt(ours.posterior.variances) == pytest.approx(spreads, rel=1e-6)
    assert list(ours.is_kept) == list(theirs.weights_ > 0.005)


def test_values_go_to_components_as_often_as_rdt_sends_them() -> None:
    values = pd.DataFrame({"x": np.repeat(COLUMNS["two humps"][::4], 50)})
    theirs = ClusterBasedNormalizer(missing_value_generation="from_column")
    theirs.fit(values, "x")
    ours = fit_mixture(values["x"].to_numpy())
    assert list(ours.is_kept) == list(theirs.valid_component_indicator)
    np.random.seed(0)
    expected = theirs.transform(values)["x.component"].astype(int).value_counts(normalize=True)
    _, component = ours.encode(values["x"].to_numpy(), np.random.default_rng(0))
    shares = pd.Series(component).value_counts(normalize=True)
    assert shares.sub(expected, fill_value=0).abs().max() < 0.01


@pytest.mark.parametrize("name", ["skewed", "few values", "nearly constant"])
def test_values_come_back_from_their_components(name: str) -> None:
    mixture: Mixture = fit_mixture(COLUMNS[name])
    scaled, component = mixture.encode(COLUMNS[name], np.random.default_rng(0))
    inside = np.abs(scaled) < 0.99
    assert inside.mean() > 0.95
    assert mixture.decode(scaled, component)[inside] == pytest.approx(COLUMNS[name][inside], abs=1e-6)
