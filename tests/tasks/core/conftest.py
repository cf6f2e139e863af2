"""Simulated studies: score matrices whose truth is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.metrics.roc_auc import roc_auc_draws

N_SPLITS = 5


@pytest.fixture(scope="session")
def squared_error() -> MetricSpec:
    """Mean squared error: a mean over rows, with a relative margin."""
    return MetricSpec(
        name="squared_error",
        compute=lambda y, predicted, weight: float(np.average((y - predicted) ** 2, weights=weight)),
        greater_is_better=False,
        bounds=(0.0, float("inf")),
        tasks=("regression",),
        margin=0.005,
        margin_is_relative=True,
        row_loss=lambda y, predicted: (y - predicted) ** 2,
    )


@pytest.fixture(scope="session")
def roc_auc() -> MetricSpec:
    """Binary AUC, which is no mean over rows."""
    from sklearn.metrics import roc_auc_score

    return MetricSpec(
        name="roc_auc",
        compute=lambda y, proba, weight: float(roc_auc_score(y, proba[:, 1], sample_weight=weight)),
        greater_is_better=True,
        bounds=(0.0, 1.0),
        tasks=("binary",),
        margin=0.003,
        margin_is_relative=False,
        compute_draws=roc_auc_draws,
    )


@pytest.fixture(scope="session")
def simulate_study() -> Callable[..., OutOfFold]:
    return simulate


@pytest.fixture(scope="session")
def simulate_ranking() -> Callable[..., OutOfFold]:
    return rank


def named_arms(n_candidates: int, label_rule: str = "joint") -> tuple[Arm, ...]:
    """Real only, distillation, the controls of one label rule, then candidates."""
    real_only = [Arm(Mix(), "linear"), Arm(Mix(), "xgboost"), Arm(Mix(), "class-prior")]
    real_only.append(Arm(Mix(label_rule="teacher"), "xgboost"))
    names = ["duplicates", "shuffled-marginals", *(f"synthesizer-{i}" for i in range(n_candidates))]
    mixes = [Mix(name, 1.0, 1.0, label_rule) for name in names]  # type: ignore[arg-type]
    return (*real_only, *(Arm(mix, "xgboost") for mix in mixes))


def random_folds(rng: np.random.Generator, n_rows: int, n_repeats: int) -> np.ndarray:
    return np.array([rng.permutation(np.arange(n_rows) % N_SPLITS) for _ in range(n_repeats)])


def simulate(
    seed: int,
    *,
    n_rows: int = 200,
    n_repeats: int = 3,
    n_candidates: int = 14,
    noise: float = 0.1,
    offsets: Mapping[int, float] | None = None,
    label_rule: str = "joint",
) -> OutOfFold:
    """Arms whose losses differ by noise, and by `offsets` (arm index to shift of the mean loss of 1).

    Losses are made through predictions: the truth is 0 and a prediction the loss's square root.
    """
    rng = np.random.default_rng(seed)
    arms = named_arms(n_candidates, label_rule)
    base = rng.gamma(2.0, 0.5, size=n_rows)
    of_rows = rng.normal(size=(len(arms), 1, n_rows)) * noise
    of_repeats = rng.normal(size=(len(arms), n_repeats, n_rows)) * noise / 2
    losses = base * np.exp(of_rows + of_repeats - 0.625 * noise**2)
    for arm, offset in (offsets or {}).items():
        losses[arm] *= 1 + offset
    folds = random_folds(rng, n_rows, n_repeats)
    return OutOfFold(arms, np.zeros(n_rows), folds, np.sqrt(losses), 0.8 * n_rows)


def rank(
    seed: int, *, n_rows: int = 300, n_repeats: int = 2, strength: float = 1.0, n_candidates: int = 6
) -> OutOfFold:
    """A binary study: every arm sees the class through noise, the first candidate through less."""
    rng = np.random.default_rng(seed)
    arms = named_arms(n_candidates)
    y = (rng.random(n_rows) < 0.3).astype(int)
    common = rng.normal(size=n_rows)
    own = rng.normal(size=(len(arms), 1, n_rows)) * 0.2
    signal = np.full((len(arms), 1, 1), 1.0)
    signal[6] = strength
    positive = 1 / (1 + np.exp(-(signal * (2 * y - 1) + common + own)))
    positive = np.repeat(positive, n_repeats, axis=1)
    predictions = np.stack([1 - positive, positive], axis=-1)
    return OutOfFold(arms, y, random_folds(rng, n_rows, n_repeats), predictions, 0.8 * n_rows)


def constant_truth_in(oof: OutOfFold, folds) -> OutOfFold:
    """Truth that varies except in some folds of the first repeat (in all repeats for all folds)."""
    y = np.random.default_rng(0).normal(size=len(oof.y))
    y[np.isin(oof.folds[0], list(folds))] = 0.0
    return dataclasses.replace(oof, y=y, predictions=oof.predictions + y)
