"""The mixture of normals with which CTGAN and TVAE model a number, fitted on distinct values."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, digamma, gammaln

# As in CTGAN: components to start with, the prior that empties most of them, and the weight below
# which one is dropped.
MAX_COMPONENTS = 10
CONCENTRATION = 0.001
MIN_WEIGHT = 0.005
# The seed that rdt uses for every column.
SEED = 42
# A value lies within so many deviations of its component with 99.99 % probability.
DEVIATIONS = 4.0
# As in scikit-learn's BayesianGaussianMixture, which CTGAN uses.
TOLERANCE = 1e-3
MAX_ITERATIONS = 100
REGULARISATION = 1e-6


@dataclass(frozen=True)
class Posterior:
    """Variational posterior of a one-dimensional mixture, each of shape (n_components,).

    Attributes
    ----------
    concentration : tuple of ndarray
        Both parameters of the stick-breaking beta distributions.
    counts : ndarray
        Rows per component; also what the prior adds to precision and degrees of freedom.
    means, variances : ndarray
    """

    concentration: tuple[np.ndarray, np.ndarray]
    counts: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        """Precision of the means; the prior counts as one row, as it does in the degrees of freedom."""
        return 1.0 + self.counts

    @property
    def weights(self) -> np.ndarray:
        """Expected weight of each component; they sum to 1."""
        a, b = self.concentration
        weights = a / (a + b) * np.hstack((1.0, np.cumprod((b / (a + b))[:-1])))
        return np.asarray(weights / weights.sum())

    def log_densities(self, values: np.ndarray) -> np.ndarray:
        """Compute the expected log of weight times density, of shape (n_components, n_values)."""
        a, b = self.concentration
        both = digamma(a + b)
        log_weights = digamma(a) - both + np.hstack((0.0, np.cumsum(digamma(b) - both)[:-1]))
        log_lambda = np.log(2.0) + digamma(0.5 * self.precision) - 1.0 / self.precision
        constant = log_weights + 0.5 * (
            log_lambda - np.log(2 * np.pi) - np.log(self.variances) - np.log(self.precision)
        )
        scaled = (values - self.means[:, None]) * np.sqrt(0.5 / self.variances)[:, None]
        return np.asarray(constant[:, None] - np.square(scaled, out=scaled))

    def lower_bound(self, entropy: float) -> float:
        """Compute the evidence lower bound without its constant terms."""
        freedom = self.precision
        log_root = -0.5 * np.log(self.variances) - 0.5 * np.log(freedom)
        log_wishart = -(freedom * log_root + freedom * 0.5 * np.log(2.0) + gammaln(0.5 * freedom))
        return float(
            entropy - log_wishart.sum() + betaln(*self.concentration).sum() - 0.5 * np.log(freedom).sum()
        )


@dataclass(frozen=True)
class Mixture:
    """Components that a number may belong to, without those of negligible weight.

    Attributes
    ----------
    posterior : Posterior
        Of all components, kept or not.
    is_kept : ndarray of bool, shape (n_components,)
    """

    posterior: Posterior
    is_kept: np.ndarray

    @property
    def n_kept(self) -> int:
        """Number of components that are not negligible."""
        return int(self.is_kept.sum())

    def encode(self, values: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw the component of each value by its probability and scale the value within it.

        Parameters
        ----------
        values : ndarray of shape (n_rows,)
        rng : Generator

        Returns
        -------
        scaled : ndarray of shape (n_rows,)
            Distance from the component's mean over four deviations, within ±0.99.
        component : ndarray of int, shape (n_rows,)
            Position among the kept components.
        """
        distinct, where = np.unique(values, return_inverse=True)
        responsibilities, _ = _responsibilities(self.posterior.log_densities(distinct))
        kept = responsibilities[self.is_kept] + 1e-6
        edges = np.cumsum(kept / kept.sum(axis=0), axis=0)[:-1]
        component = (rng.random(len(values)) > edges[:, where]).sum(axis=0)
        means, spreads = self._scales()
        return np.clip((values - means[component]) / spreads[component], -0.99, 0.99), component

    def decode(self, scaled: np.ndarray, component: np.ndarray) -> np.ndarray:
        """Return the values at scaled positions within components."""
        means, spreads = self._scales()
        return np.asarray(np.clip(scaled, -1.0, 1.0) * spreads[component] + means[component])

    def _scales(self) -> tuple[np.ndarray, np.ndarray]:
        kept = self.is_kept
        return self.posterior.means[kept], DEVIATIONS * np.sqrt(self.posterior.variances[kept])


def fit_mixture(values: np.ndarray) -> Mixture:
    """Fit scikit-learn's ``BayesianGaussianMixture`` as CTGAN does, in a fraction of the time.

    The same start, updates and stopping rule in one dimension and on distinct values with
    their counts, so that parameters agree to rounding: a column of ages costs as many
    operations as there are ages.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Complete; two rows at least.

    Returns
    -------
    Mixture

    References
    ----------
    Blei and Jordan 2006, doi:10.1214/06-BA104; Xu et al. 2019, https://arxiv.org/abs/1907.00503

    Examples
    --------
    >>> two = fit_mixture(np.hstack([np.linspace(-1, 1, 99), np.linspace(99, 101, 99)]))
    >>> bool(two.posterior.means.min() < 5 and two.posterior.means.max() > 95)
    True
    """
    values = np.asarray(values, dtype=float)
    n_components = min(len(values), MAX_COMPONENTS)
    distinct, first, counts = np.unique(values, return_index=True, return_counts=True)
    responsibilities = np.zeros((n_components, len(distinct)))
    responsibilities[_nearest_centres(values, n_components)[first], np.arange(len(distinct))] = 1.0
    prior = (values.mean(), values.var(ddof=1))
    posterior = _update(distinct, counts, responsibilities, prior)
    bound = -np.inf
    for _ in range(MAX_ITERATIONS):
        responsibilities, log_responsibilities = _responsibilities(posterior.log_densities(distinct))
        entropy = -float(np.einsum("kn,kn,n->", responsibilities, log_responsibilities, counts))
        posterior = _update(distinct, counts, responsibilities, prior)
        previous, bound = bound, posterior.lower_bound(entropy)
        if abs(bound - previous) < TOLERANCE:
            break
    return Mixture(posterior, posterior.weights > MIN_WEIGHT)


def _nearest_centres(values: np.ndarray, n_components: int) -> np.ndarray:
    """Cluster the values by k-means, as scikit-learn initialises a mixture, with the seed of rdt."""
    from sklearn.cluster import KMeans

    with warnings.catch_warnings():
        # Fewer distinct values than components: the others stay empty and are dropped.
        warnings.simplefilter("ignore")
        means = KMeans(n_clusters=n_components, n_init=1, random_state=np.random.RandomState(SEED))
        return np.asarray(means.fit(values.reshape(-1, 1)).labels_)


def _responsibilities(log_densities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of each component for each value, and its logarithm."""
    log_densities = log_densities - log_densities.max(axis=0)
    densities = np.exp(log_densities)
    total = densities.sum(axis=0)
    return densities / total, log_densities - np.log(total)


def _update(
    distinct: np.ndarray, counts: np.ndarray, responsibilities: np.ndarray, prior: tuple[float, float]
) -> Posterior:
    """Update the posterior from the responsibilities; `prior` is mean and variance of all values."""
    rows = responsibilities @ counts + 10 * np.finfo(float).eps
    means = responsibilities @ (counts * distinct) / rows
    spread = np.square(distinct - means[:, None]) * responsibilities @ counts / rows + REGULARISATION
    later = np.hstack((np.cumsum(rows[::-1])[-2::-1], 0.0))
    pulled = rows / (1.0 + rows) * np.square(means - prior[0])
    return Posterior(
        concentration=(1.0 + rows, CONCENTRATION + later),
        counts=rows,
        means=(prior[0] + rows * means) / (1.0 + rows),
        variances=(prior[1] + rows * spread + pulled) / (1.0 + rows),
    )
