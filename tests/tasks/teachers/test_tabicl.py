"""TabICL with a tiny network of random weights; runs where the library is installed."""

from __future__ import annotations

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.teachers import TEACHERS
from tests.tasks.teachers.test_teachers import SCHEMA

pytest.importorskip("tabicl")
pytestmark = pytest.mark.filterwarnings("default")
TINY = {
    "embed_dim": 16, "col_num_blocks": 1, "col_nhead": 2, "col_num_inds": 4, "row_num_blocks": 1, "row_nhead": 2,
    "row_num_cls": 2, "icl_num_blocks": 1, "icl_nhead": 2,
}  # fmt: skip


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Hugging Face's cache, with nothing in it."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_it_labels_with_the_weights_in_the_cache_without_a_network(cache, labels_of, task):
    import torch
    from tabicl import TabICLClassifier, TabICLRegressor
    from tabicl._model.tabicl import TabICL

    repository, commit = cache / "models--jingang--TabICL", "0" * 40
    (repository / "snapshots" / commit).mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    kind, max_classes = (TabICLRegressor, 0) if task == "regression" else (TabICLClassifier, 10)
    config = {**TINY, "max_classes": max_classes}
    torch.manual_seed(0)
    network = {"config": config, "state_dict": TabICL(**config).state_dict()}
    torch.save(network, repository / "snapshots" / commit / kind().checkpoint_version)
    first, again = labels_of("tabicl", task)
    assert first.shape == {"binary": (20, 2), "multiclass": (20, 3), "regression": (20,)}[task]
    assert (first == again).all()


def test_without_weights_it_names_the_file_and_where_it_belongs(cache, no_network):
    with pytest.raises(BadInput, match=rf"expected tabicl-classifier.*ckpt of jingang/TabICL in {cache}"):
        TEACHERS["tabicl"].weights(SCHEMA)
