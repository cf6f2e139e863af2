"""Where a GPU trains, where none can be used, and what a plan keeps of it."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core import versions
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.fits.arms import train_arms
from realmix.tasks.fits.cached import ARMS, arm_keys
from realmix.tasks.fits.final import fit_final, refit_from_training_table
from realmix.tasks.fits.gpu import usable_libraries
from realmix.tasks.fits.pools import on_device
from realmix.tasks.fits.scope import Scope, StudyContext
from realmix.tasks.fits.teacher import fit_teacher
from realmix.tasks.models import MODELS
from realmix.tasks.runtime.workers import as_current
from realmix.tasks.study.plan import on_usable_gpu, trained_on_gpu
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.synthesizers._sdv import SdvSynthesizer
from realmix.tasks.teachers import TEACHERS
from tests.tasks.fits.conftest import rows

BOOSTED = Arm(Mix(), "xgboost")
PARAMS = {
    "xgboost": {"n_estimators": 2, "max_depth": 2},
    "random-forest": {"min_samples_leaf": 3, "max_features": 0.5},
}


class Answers:
    """Workers that can use these libraries on their GPU."""

    n_workers = 1

    def __init__(self, *usable: str) -> None:
        self.usable = list(usable)

    def run(self, function: str, /, *, timeout_seconds: float | None = None, **kwargs: Any) -> Any:
        assert function == "realmix.tasks.fits.gpu:usable_libraries"
        return self.usable

    def everywhere(self, function: str, /) -> list[Any]:
        return [["torch", "xgboost"], self.run(function)]

    def kill(self) -> None:
        """Nothing runs."""


@pytest.fixture
def gpu(request: pytest.FixtureRequest) -> None:
    """Skips where the library cannot use a GPU."""
    library = request.param
    if library not in usable_libraries():
        pytest.skip(f"{library} finds no GPU here")


def learner(name: str, scope: Scope) -> Any:
    return MODELS[name].build(scope.context.schema, PARAMS[name], 0, 1)


def put_on_gpu(scope: Scope, *names: str) -> Scope:
    context = dataclasses.replace(scope.context, on_gpu=names)
    context.write(scope.folder.parent / "context.json")
    return scope


def test_a_gpu_is_for_gans_vaes_boosted_trees_and_pretrained_networks() -> None:
    networks = {"tabicl", "tabpfn"}
    assert set(trained_on_gpu("cuda")) == {
        "ctgan",
        "copulagan",
        "tvae",
        "xgboost",
        "random-forest",
        *networks,
    }
    assert trained_on_gpu("cpu") == ()


def test_what_is_for_a_gpu_can_be_put_there(scope: Scope) -> None:
    for name in set(trained_on_gpu("cuda")) - set(TEACHERS):
        built = learner(name, scope) if name in PARAMS else SYNTHESIZERS[name].build(DataCard(target="y"))
        assert built.to("cuda") is built


@pytest.mark.parametrize(
    ("usable", "kept", "said"),
    [
        (("torch", "xgboost"), ("ctgan", "xgboost"), []),
        (("torch",), ("ctgan",), ["no GPU that xgboost can use here, trained on the processor: xgboost"]),
        ((), (), ["no GPU that torch and xgboost can use here, trained on the processor: ctgan, xgboost"]),
    ],
)
def test_what_no_gpu_can_train_goes_to_the_processor_with_one_sentence(
    usable: tuple[str, ...], kept: tuple[str, ...], said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with as_current(Answers(*usable)), caplog.at_level(logging.WARNING, "realmix"):
        assert on_usable_gpu(("ctgan", "xgboost")) == kept
    assert caplog.messages == said


def test_nobody_asks_for_a_gpu_where_none_is_wanted() -> None:
    assert on_usable_gpu(()) == ()  # without workers: asking would raise


def test_a_result_of_a_gpu_is_not_taken_for_one_of_the_processor(scope: Scope) -> None:
    before = arm_keys(ARMS, scope.folder, [BOOSTED], n_jobs=1)
    after = arm_keys(ARMS, put_on_gpu(scope, "xgboost").folder, [BOOSTED], n_jobs=1)
    assert before[BOOSTED] != after[BOOSTED]


def test_generators_and_learners_are_placed_where_the_plan_says(scope: Scope) -> None:
    context = put_on_gpu(scope, "ctgan", "xgboost").context
    ctgan, tvae = (
        on_device(SYNTHESIZERS[name], context).build(DataCard(target="y")) for name in ("ctgan", "tvae")
    )
    assert isinstance(ctgan, SdvSynthesizer) and isinstance(tvae, SdvSynthesizer)
    assert (ctgan.on_gpu, tvae.on_gpu) == (True, False)
    placed = context.placed("xgboost", learner("xgboost", scope))
    assert placed.params["device"] == "cuda"


def test_all_that_fits_a_learner_places_it(scope: Scope, tmp_path: Path, monkeypatch) -> None:
    placed: list[str] = []

    def watched(context: StudyContext, name: str, built: Any) -> Any:
        placed.append(name)
        return built

    monkeypatch.setattr(StudyContext, "placed", watched)
    fit_teacher(str(scope.folder), [("xgboost", 0)], n_jobs=1)
    assert set(placed) == {"xgboost"} and placed.clear() is None
    train_arms(str(scope.folder), "one", [BOOSTED.to_dict()], n_jobs=1)
    assert placed == ["xgboost"]
    fit_final(str(scope.folder), BOOSTED.to_dict(), str(tmp_path / "model"), None, None, n_jobs=1)
    assert placed == ["xgboost"] * 2


def test_a_plan_of_a_gpu_gives_the_processors_trees_where_none_can_be_used(
    scope: Scope, tmp_path: Path
) -> None:
    if "xgboost" in usable_libraries():
        pytest.skip("a GPU can be used here")
    train_arms(str(scope.folder), "processor", [BOOSTED.to_dict()], n_jobs=1)
    put_on_gpu(scope, "xgboost")
    train_arms(str(scope.folder), "asked", [BOOSTED.to_dict()], n_jobs=1)
    np.testing.assert_array_equal(scope.read_array("processor.npy"), scope.read_array("asked.npy"))


def test_the_training_table_remembers_the_device(scope: Scope, tmp_path: Path) -> None:
    put_on_gpu(scope, "xgboost")
    table = tmp_path / "training.parquet"
    fit_final(str(scope.folder), BOOSTED.to_dict(), str(tmp_path / "model"), str(table), None, n_jobs=1)
    model: Any = refit_from_training_table(table)
    assert model.params["device"] == "cuda"


def test_xgboost_with_cuda_stands_in_for_the_one_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name != "xgboost":
            raise versions.PackageNotFoundError(name)
        return "3.2.0"

    monkeypatch.setattr(versions, "version", version)
    assert versions.installed_version("xgboost-cpu") == "3.2.0"
    with pytest.raises(versions.PackageNotFoundError):
        versions.installed_version("sdv")


@pytest.mark.parametrize("gpu", ["torch"], indirect=True)
@pytest.mark.parametrize("name", ["ctgan", "copulagan", "tvae"])
def test_networks_train_on_a_gpu(gpu: None, scope: Scope, name: str) -> None:
    real, schema = scope.training, scope.context.schema
    synthesizer: Any = SYNTHESIZERS[name].build(DataCard(target="y")).to("cuda")
    synthesizer.fit(real, schema=schema, random_state=0, max_steps=60)
    drawn = synthesizer.sample(100, random_state=0)
    assert next(network_of(synthesizer).parameters()).is_cuda
    assert len(drawn) == 100 and set(drawn["y"]) == set(real["y"])


def network_of(synthesizer: SdvSynthesizer) -> Any:
    model = synthesizer.model_._model
    return model.decoder if hasattr(model, "decoder") else model._generator


@pytest.mark.parametrize("gpu", ["xgboost"], indirect=True)
@pytest.mark.parametrize("name", ["xgboost", "random-forest"])
def test_trees_grow_on_a_gpu(gpu: None, scope: Scope, name: str) -> None:
    real = scope.context.schema.apply(rows(2_000))
    X, y = real[["age", "job"]], np.eye(2)[(real["y"] == "yes").astype(int)]
    predicted = []
    for device in ("cpu", "cuda"):
        model = learner(name, scope)
        model.to(device).fit(X, y, np.ones(len(X)))
        config = json.loads(model.state_["booster"].save_config())
        assert config["learner"]["generic_param"]["device"].startswith(device)
        predicted.append(pd.DataFrame(model.predict(X)))
    # A forest draws its rows with the generator of its device: other trees, as good.
    assert (predicted[0] - predicted[1]).abs().to_numpy().mean() < 0.05
