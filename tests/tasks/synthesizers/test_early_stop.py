"""A network stops when its rows teach no more about real rows that it did not see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import Linear

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.synthesizers._early_stop import (
    CHECKPOINT_STEPS,
    MAX_INNER_ROWS,
    MIN_INNER_ROWS,
    N_DRAWN,
    EarlyStop,
    part_rows,
)
from realmix.tasks.synthesizers._networks import FastCtgan, FastTvae
from realmix.tasks.synthesizers._sdv import SdvSynthesizer

NETWORKS = ("copulagan", "ctgan", "tvae")


def table(n_rows: int, seed: int = 0, *, is_informative: bool = True) -> pd.DataFrame:
    """One feature that tells the class, where it is informative."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n_rows) < 0.2).astype(int)
    x = rng.normal(size=n_rows) + 3 * y * is_informative
    return pd.DataFrame({"k0": y.astype(str).astype(object), "x1": x})


def stopper(**changes: object) -> EarlyStop:
    shares = pd.Series({"0": 0.8, "1": 0.2})
    return EarlyStop(**({"inner": table(200, 1), "target": "k0", "class_shares": shares} | changes))  # type: ignore[arg-type]


def test_rows_that_teach_more_have_a_lower_loss() -> None:
    good, useless = (stopper().loss(table(N_DRAWN, 2, is_informative=is_good)) for is_good in (True, False))
    assert good < 0.7 * useless


def test_numbers_are_judged_by_squared_error() -> None:
    def numbers(n_rows: int, noise: float) -> pd.DataFrame:
        rng = np.random.default_rng(n_rows)
        x = rng.normal(size=n_rows)
        return pd.DataFrame({"x0": 5 * x + noise * rng.normal(size=n_rows), "x1": x})

    stop = stopper(inner=numbers(200, 0.1), target="x0", class_shares=None)
    assert stop.loss(numbers(600, 0.1)) < 0.5 * stop.loss(numbers(601, 9.0))


def test_classes_drawn_more_evenly_than_they_are_count_as_they_are() -> None:
    """TVAE is shown classes evenly; a learner of even classes would be wrong about each real row."""
    rare = table(3_000, 3, is_informative=False)
    even = pd.concat([rare[rare["k0"] == "1"][:300], rare[rare["k0"] == "0"][:300]], ignore_index=True)
    entropy = -(0.2 * np.log(0.2) + 0.8 * np.log(0.8))
    assert stopper(inner=table(2_000, 4, is_informative=False)).loss(even) < 1.25 * entropy


def test_a_class_that_is_no_longer_drawn_costs_much() -> None:
    drawn = table(N_DRAWN, 2)
    assert stopper().loss(drawn[drawn["k0"] == "0"]) > 2 * stopper().loss(drawn)


def run(losses: list[float], n_steps: int, monkeypatch: pytest.MonkeyPatch) -> tuple[EarlyStop, Linear]:
    """Train a network whose weight is its step, judged by these losses in turn."""
    stop, network, left = stopper(), Linear(1, 1, bias=False), iter(losses)
    monkeypatch.setattr(stop, "loss", lambda drawn: next(left))
    draw: Callable[[int], pd.DataFrame] = table
    for step in range(1, n_steps + 1):
        with torch.no_grad():
            network.weight.fill_(step)
        if stop.ends(step, n_steps, network, draw):
            break
    assert list(left) == []
    return stop, network


@pytest.mark.parametrize(
    ("losses", "n_steps", "stopped", "kept"),
    [
        ([3.0, 4.0], 5 * CHECKPOINT_STEPS, 2 * CHECKPOINT_STEPS, CHECKPOINT_STEPS),
        ([3.0, 3.0], 5 * CHECKPOINT_STEPS, 2 * CHECKPOINT_STEPS, CHECKPOINT_STEPS),
        ([3.0, 2.0, 1.0], 3 * CHECKPOINT_STEPS, 3 * CHECKPOINT_STEPS, 3 * CHECKPOINT_STEPS),
        ([3.0, 2.0, 2.5], 2 * CHECKPOINT_STEPS + 50, 2 * CHECKPOINT_STEPS + 50, 2 * CHECKPOINT_STEPS),
        ([], CHECKPOINT_STEPS, CHECKPOINT_STEPS, CHECKPOINT_STEPS),
        ([], 30, 30, 30),
        ([np.inf, 3.0, 4.0], 5 * CHECKPOINT_STEPS, 3 * CHECKPOINT_STEPS, 2 * CHECKPOINT_STEPS),
    ],
)
def test_the_first_look_that_is_no_better_ends_it_and_the_best_weights_stay(
    losses: list[float], n_steps: int, stopped: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, network = run(losses, n_steps, monkeypatch)
    assert stop.n_steps == stopped
    assert float(network.weight.detach()) == kept


@pytest.mark.parametrize("n_rows", [10, 500, 20_000])
def test_each_class_gives_its_share_of_inner_rows(n_rows: int) -> None:
    classes = pd.Series(["a"] * (n_rows - n_rows // 5) + ["b"] * (n_rows // 5))
    learnt, inner = part_rows(n_rows, classes, 0)
    assert sorted([*learnt, *inner]) == list(range(n_rows))
    assert abs(len(inner) - min(0.2 * n_rows, MAX_INNER_ROWS)) <= 2
    assert set(classes[learnt]) == {"a", "b"}
    assert abs((classes[inner] == "b").mean() - 0.2) < 0.01 if n_rows > 10 else True


def synthesizer_of(name: str, n_rows: int) -> tuple[SdvSynthesizer, pd.DataFrame]:
    raw = table(n_rows).assign(z=np.arange(n_rows) % 7).rename(columns={"k0": "y"})
    schema = infer_schema(raw, "y")
    synthesizer = SYNTHESIZERS[name].build(DataCard(target="y"))
    assert isinstance(synthesizer, SdvSynthesizer)
    synthesizer.fit(schema.apply(raw), schema=schema, random_state=0, max_steps=3 * CHECKPOINT_STEPS)
    return synthesizer, synthesizer.sample(300, random_state=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_ours_looks_at_inner_rows_that_it_did_not_learn(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(EarlyStop, "loss", lambda stop, drawn: seen.append(drawn) or len(seen))
    synthesizer, drawn = synthesizer_of(name, 300)
    stop = synthesizer.model_.early_stop
    assert stop.n_steps == 2 * CHECKPOINT_STEPS and len(seen) == 2
    assert all(len(rows) == N_DRAWN and set(stop.inner) <= set(rows) for rows in seen)
    assert len(stop.inner) in (59, 60)  # of 300, class by class
    assert len(drawn) == 300 and set(drawn["y"]) == {"0", "1"}


@pytest.mark.parametrize("name", NETWORKS)
def test_inner_rows_are_coded_as_those_that_are_learnt(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CopulaGAN's network sees numbers made normal: it draws such, and is judged by such."""
    pairs = []
    for network in (FastCtgan, FastTvae):

        def fit(
            self: object, learnt: pd.DataFrame, discrete: object, stop: EarlyStop, run=network.fit
        ) -> None:
            pairs.append((learnt, stop.inner))
            run(self, learnt, discrete, stop)

        monkeypatch.setattr(network, "fit", fit)
    synthesizer_of(name, 300)
    [(learnt, inner)] = pairs
    z = learnt.select_dtypes("number").columns[-1]  # 0 to 6, alike in both classes
    assert abs(learnt[z].mean() - inner[z].mean()) < 0.5 * learnt[z].std()
    assert 0.7 < inner[z].std() / learnt[z].std() < 1.4


@pytest.mark.parametrize("name", NETWORKS)
def test_few_rows_are_all_learnt(name: str) -> None:
    synthesizer, _ = synthesizer_of(name, 5 * MIN_INNER_ROWS - 5)
    assert synthesizer.model_.early_stop is None


def test_the_same_seed_stops_at_the_same_step_with_the_same_rows() -> None:
    (_, first), (_, second) = (synthesizer_of("ctgan", 300) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_a_copula_has_no_steps_to_stop_at() -> None:
    built = SYNTHESIZERS["gaussian-copula"].build(DataCard(target="y"))
    assert isinstance(built, SdvSynthesizer) and not built.stops_early
