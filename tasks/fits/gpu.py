"""Check which libraries can use a GPU; called in a worker, so that the caller never loads them."""

from __future__ import annotations

import json

import numpy as np


def usable_libraries() -> list[str]:
    """List the libraries that can train on an NVIDIA GPU of this machine.

    Returns
    -------
    list of str
        Of "torch" and "xgboost": each needs a build with CUDA, and a GPU that it finds.
    """
    import torch

    usable = {"torch": torch.cuda.is_available(), "xgboost": _xgboost_finds_gpu()}
    return [name for name, is_usable in usable.items() if is_usable]


def _xgboost_finds_gpu() -> bool:
    """Train on a GPU: where xgboost finds none it uses the CPU, and only its configuration shows that."""
    import xgboost

    rows = xgboost.DMatrix(np.zeros((2, 1)), label=np.array([0.0, 1.0]))
    with xgboost.config_context(verbosity=0):
        booster = xgboost.train({"device": "cuda"}, rows, num_boost_round=1)
    device: str = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    return device.startswith("cuda")
