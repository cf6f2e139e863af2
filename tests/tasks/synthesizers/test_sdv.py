"""What the adapter has to mend in SDV and CTGAN, checked on the libraries themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.synthesizers._sdv import SdvSynthesizer, gan_settings, vae_settings

RNG = np.random.default_rng(0)
N = 300
RAW = pd.DataFrame(
    {
        "first": RNG.choice(["p", "q", "r"], N),
        "x": RNG.normal(size=N),
        "flag": RNG.choice([0, 1], N),
        "y": np.where(np.arange(N) % 15 == 0, 1, 0),
    }
)
SCHEMA = infer_schema(RAW, "y")
REAL = SCHEMA.apply(RAW)


def fitted(name: str, steps: int) -> SdvSynthesizer:
    synthesizer = SYNTHESIZERS[name].build(DataCard(target="y"))
    assert isinstance(synthesizer, SdvSynthesizer)
    return synthesizer.fit(REAL, schema=SCHEMA, random_state=0, max_steps=steps)


@pytest.mark.parametrize("n_rows", [10, 199, 200, 2_000, 40_000])
@pytest.mark.parametrize("max_steps", [1, 20, 300])
def test_a_fit_never_takes_more_steps_than_allowed(n_rows: int, max_steps: int) -> None:
    gan = gan_settings(n_rows, max_steps)
    steps = gan["epochs"] * max(n_rows // gan["batch_size"], 1)
    assert max_steps / 2 <= steps <= max_steps
    assert gan["batch_size"] % gan["pac"] == gan["batch_size"] % 2 == 0
    vae = vae_settings(n_rows, max_steps)
    assert max_steps / 2 <= vae["epochs"] * -(-n_rows // vae["batch_size"]) <= max_steps


@pytest.mark.parametrize("name", ["ctgan", "copulagan"])
def test_a_gan_asked_for_a_class_of_seven_percent_gives_mostly_that_class(name: str) -> None:
    synthesizer = fitted(name, 120)
    assert (synthesizer._draw(500, "1", 1)["y"] == "1").mean() > 0.6
    assert (synthesizer._draw(500, "0", 1)["y"] == "0").mean() > 0.6


def test_tvae_does_not_lose_a_class_of_seven_percent() -> None:
    assert fitted("tvae", 300)._draw(2000, None, 1)["y"].value_counts(normalize=True)["1"] > 0.02


def test_without_a_class_levels_are_drawn_by_their_real_frequency() -> None:
    synthesizer = fitted("ctgan", 1)
    synthesizer._condition_on("1")
    synthesizer._condition_on(None)
    gan = synthesizer.model_._model
    shares = gan._data_sampler.one_hot(gan._draw_levels(30_000)).mean(dim=0).numpy()
    # Three discrete columns; the target comes first, 1 of 15 of its rows is positive.
    assert sorted(shares[:2]) == pytest.approx([1 / 45, 14 / 45], abs=0.01)


def test_zero_one_columns_are_declared_categorical() -> None:
    table = fitted("gaussian-copula", 1).model_.metadata.tables["table"]
    assert {name: column["sdtype"] for name, column in table.columns.items()} == {
        "k0": "categorical",
        "k1": "categorical",
        "x2": "numerical",
        "k3": "categorical",
    }


def test_nothing_is_printed_and_no_log_file_is_left(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fitted("copulagan", 2).sample(20, random_state=0)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
