"""Seconds of CTGAN and TVAE, fit and draw, ours beside SDV's own class with its own defaults.

Steps are equal: nothing stops early. SDV's class runs as people call it: batches of 500, its own threads and
processes. `same_batch` is SDV's class with our batch size, which says how much of the ratio
the smaller batch gives. Both are warm: libraries are imported and one fit is done before.
"""

from __future__ import annotations

import math
import statistics
import time
import warnings
from typing import Any

import pandas as pd

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.sources.bundled import BundledSource
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.synthesizers._sdv import SdvSynthesizer

TABLE, TARGET = "bank_marketing", "y"
SIZES = (1_000, 10_000)
STEPS = 300
WARM_UP_STEPS = 5
LIBRARY = {"ctgan": "CTGANSynthesizer", "tvae": "TVAESynthesizer"}
LIBRARY_BATCH = 500


def measure(n_repeats: int, *, sizes: tuple[int, ...] = SIZES, steps: int = STEPS) -> pd.DataFrame:
    """Time fit and draw of as many rows as were fitted, interleaved; medians over repeats.

    Parameters
    ----------
    n_repeats : int
    sizes : tuple of int
        Real rows.
    steps : int
        Optimiser steps of one fit.

    Returns
    -------
    DataFrame
        One row per synthesizer and size: ``synthesizer``, ``n_rows``, ``steps``,
        ``ours_seconds``, ``library_seconds``, ``ratio`` (theirs over ours),
        ``same_batch_seconds``, ``same_batch_ratio``.
    """
    rows = []
    for name in LIBRARY:
        for n_rows in sizes:
            raw = BundledSource(f"bundled:{TABLE}?rows={n_rows}").load()
            schema = infer_schema(raw, TARGET)
            real = schema.apply(raw)
            fit_and_draw(name, real, schema, WARM_UP_STEPS)
            _theirs(name, raw, LIBRARY_BATCH, WARM_UP_STEPS)
            times = [_once(name, raw, real, schema, steps) for _ in range(n_repeats)]
            rows.append({"synthesizer": name, "n_rows": n_rows, **_medians(times)})
    return pd.DataFrame(rows)


def _once(name: str, raw: pd.DataFrame, real: pd.DataFrame, schema: Schema, steps: int) -> tuple[float, ...]:
    """Steps that ours took, its seconds, and those of SDV's class with each batch size."""
    taken, batch_size, ours = fit_and_draw(name, real, schema, steps)
    library = _theirs(name, raw, LIBRARY_BATCH, taken)
    return taken, ours, library, _theirs(name, raw, batch_size, taken)


def _medians(times: list[tuple[float, ...]]) -> dict[str, float]:
    steps, ours, library, same_batch = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "steps": steps,
        "ours_seconds": ours,
        "library_seconds": library,
        "ratio": library / ours,
        "same_batch_seconds": same_batch,
        "same_batch_ratio": same_batch / ours,
    }


def fit_and_draw(name: str, real: pd.DataFrame, schema: Schema, steps: int) -> tuple[int, int, float]:
    """Steps that ours took, rows in each, and seconds; no steps where there is no network to train."""
    synthesizer = SYNTHESIZERS[name].build(DataCard(target=TARGET))
    assert isinstance(synthesizer, SdvSynthesizer)
    synthesizer.stops_early = False
    started = time.perf_counter()
    synthesizer.fit(real, schema=schema, random_state=0, max_steps=steps)
    synthesizer.sample(len(real), random_state=0)
    seconds = time.perf_counter() - started
    if name not in LIBRARY:
        return 0, 0, seconds
    model = synthesizer.model_
    n_fitted = len(real) if name == "ctgan" else int(real[TARGET].value_counts().max()) * 2
    return model.epochs * steps_of_epoch(name, n_fitted, model.batch_size), model.batch_size, seconds


def _theirs(name: str, raw: pd.DataFrame, batch_size: int, steps: int) -> float:
    import sdv.single_table
    from sdv.metadata import Metadata

    metadata = Metadata.detect_from_dataframes({"table": raw})
    epochs = max(steps // steps_of_epoch(name, len(raw), batch_size), 1)
    settings: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size}
    synthesizer = getattr(sdv.single_table, LIBRARY[name])(metadata, **settings)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        synthesizer.fit({"table": raw})
        synthesizer.sample(len(raw))
    return time.perf_counter() - started


def steps_of_epoch(name: str, n_rows: int, batch_size: int) -> int:
    """Steps of an epoch: CTGAN leaves out an unfinished batch, TVAE takes it."""
    return max(n_rows // batch_size, 1) if name == "ctgan" else math.ceil(n_rows / batch_size)


if __name__ == "__main__":
    print(measure(1).round(2).to_string(index=False))
