"""What a simulated study says about collecting rows."""

from __future__ import annotations

from typing import Any


def step(n_more: int, gain: float, **changes: Any) -> dict[str, Any]:
    known = {
        "interval": [gain / 2, 2 * gain],
        "chance_below": 0.7,
        "money": 3.0 * n_more,
        "days": None,
        "is_guess": False,
    }
    return {"n_more": n_more, "gain": gain, **known, **changes}


SLICE = {
    "name": "segment: B",
    "metric": "log_loss",
    "margin_is_relative": True,
    "n_rows": 250,
    "overall_gain": 0.012,
}
COLLECTING = {
    "metric": "roc_auc",
    "arm": "real-only/linear",
    "n_rows": 2000,
    "measured_to": 1280,
    "worthwhile": 0.006,
    "currency": "EUR",
    "measured": [{"n_rows": n, "score": s} for n, s in ((320, 0.7), (640, 0.74), (1280, 0.76))],
    "curve": [
        {"n_rows": n, "score": s, "low": s - 0.01, "high": s + 0.01} for n, s in ((320, 0.7), (4000, 0.79))
    ],
    "steps": [step(500, 0.002), step(1000, 0.004), step(2000, 0.007, is_guess=True)],
    "slices": [step(100, 0.03) | SLICE],
}
