"""What a GPU can be used for here; asked in a worker, so that the caller never loads the libraries."""

from __future__ import annotations

import json

import numpy as np


def usable_libraries() -> list[str]:
    """Libraries that can train on an NVIDIA GPU of this machine.

    Returns
    -------
    list of str
        Of "torch" and "xgboost": each needs a build with CUDA, and a GPU that it finds.
    """
    return [name for name, is_usable in (("torch", _torch()), ("xgboost", _xgboost())) if is_usable]


def _torch() -> bool:
    import torch

    return torch.cuda.is_available()


def _xgboost() -> bool:
    """Where xgboost finds no GPU it goes on without one, and only its configuration says so."""
    import xgboost

    rows = xgboost.DMatrix(np.zeros((2, 1)), label=np.array([0.0, 1.0]))
    with xgboost.config_context(verbosity=0):
        booster = xgboost.train({"device": "cuda"}, rows, num_boost_round=1)
    device: str = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    return device.startswith("cuda")
