"""TabPFN with a tiny network of random weights; runs where the library is installed."""

from __future__ import annotations

import dataclasses

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.teachers import TEACHERS
from tests.tasks.teachers.test_teachers import SCHEMA

pytest.importorskip("tabpfn")
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """TabPFN's cache, with nothing in it, and the version of weights that is smallest."""
    from tabpfn.settings import settings

    monkeypatch.setattr(settings.tabpfn, "model_cache_dir", tmp_path)
    monkeypatch.setattr(settings.tabpfn, "model_version", "v2")
    return tmp_path


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_it_labels_with_the_weights_in_the_cache_without_a_network(cache, labels_of, task):
    import torch
    from tabpfn.architectures import tabpfn_v2
    from tabpfn.model_loading import resolve_model_path

    which = "regressor" if task == "regression" else "classifier"
    heads = (
        {"max_num_classes": 0, "num_buckets": 50}
        if task == "regression"
        else {"max_num_classes": 10, "num_buckets": 0}
    )
    config = tabpfn_v2.TabPFNV2Config(emsize=48, nlayers=2, nhead=2, **heads)
    torch.manual_seed(0)
    state = tabpfn_v2.get_architecture(config).state_dict()
    if task == "regression":
        state |= {
            "criterion.borders": torch.linspace(-4, 4, 51),
            "criterion.losses_per_bucket": torch.zeros(50),
        }
    (path,), *_ = resolve_model_path(None, which, "v2")
    torch.save({"state_dict": state, "config": dataclasses.asdict(config)}, path)
    first, again = labels_of("tabpfn", task)
    assert first.shape == {"binary": (20, 2), "multiclass": (20, 3), "regression": (20,)}[task]
    assert (first == again).all()


def test_without_weights_it_names_the_file_and_where_it_belongs(cache, no_network):
    with pytest.raises(
        BadInput, match=rf"expected {cache}/tabpfn-v2-classifier.*\.ckpt\. Fetch them yourself"
    ):
        TEACHERS["tabpfn"].weights(SCHEMA)
