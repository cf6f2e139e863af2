"""A table of one number and two categories, in our layout and as ctgan describes its columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from ctgan.data_transformer import SpanInfo

from realmix.tasks.synthesizers._batches import Spans
from realmix.tasks.synthesizers._layout import Layout

CPU = torch.device("cpu")
_RNG = np.random.default_rng(0)
# One number, which both layouts place first.
DATA = pd.DataFrame(
    {
        "x": _RNG.lognormal(3, 1, 400),
        "town": _RNG.choice(["a", "b", "c", "d"], 400, p=[0.6, 0.3, 0.08, 0.02]),
        "flag": _RNG.choice(["0", "1"], 400, p=[0.9, 0.1]),
    }
)
DISCRETE = ["town", "flag"]
LAYOUT = Layout(DATA, DISCRETE)
SPANS = Spans(LAYOUT, CPU)
INFO = [
    [SpanInfo(1, "tanh"), SpanInfo(LAYOUT.spans[0], "softmax")],
    [SpanInfo(4, "softmax")],
    [SpanInfo(2, "softmax")],
]
