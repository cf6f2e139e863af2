"""What people do today: one generator at library defaults, ratio 1, joint labels, no selection."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.synthesizers._encoding import TableEncoding, is_code

TABLE = "table"


def sdv_rows(model: str, real: pd.DataFrame, schema: Schema, seed: int) -> pd.DataFrame:
    """As many rows as there are real ones, from an SDV class at its defaults.

    Parameters
    ----------
    model : {"CTGANSynthesizer", "TVAESynthesizer", "GaussianCopulaSynthesizer"}
    real : DataFrame of shape (n_rows, n_modelled)
        Canonical.

    Returns
    -------
    DataFrame of shape (n_rows, n_modelled)
    """
    import sdv.single_table
    import torch
    from sdv.metadata import Metadata

    encoding = TableEncoding(real, schema)
    encoded = encoding.encode(real)
    table = encoded.assign(
        **{key: encoded[key].astype(str).astype(object) for key in encoded if is_code(key)}
    )
    types = {key: {"sdtype": "categorical" if is_code(key) else "numerical"} for key in table}
    metadata = Metadata.load_from_dict({"tables": {TABLE: {"columns": types}}})
    settings: dict[str, Any] = {} if model.startswith("Gaussian") else {"enable_gpu": False}
    torch.manual_seed(seed)
    np.random.seed(seed)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        synthesizer = getattr(sdv.single_table, model)(metadata, **settings)
        synthesizer.fit({TABLE: table})
        drawn = synthesizer.sample(len(real))[TABLE]
    for key in drawn:
        if is_code(key):
            drawn[key] = pd.to_numeric(drawn[key]).astype(int)
    return encoding.decode(drawn, np.random.default_rng(seed))


def smote_rows(real: pd.DataFrame, schema: Schema, seed: int) -> pd.DataFrame:
    """SMOTE as it is used: every class raised to the largest; for regression, ratio 1."""
    smote = SYNTHESIZERS["smote"].build(DataCard(target=schema.target))
    smote.fit(real, schema=schema, random_state=seed, max_steps=None)
    if not schema.is_classification:
        return smote.sample(len(real), class_counts=None, random_state=seed)
    counts = np.bincount(schema.encode_target(real), minlength=len(schema.classes))
    wanted = {label: int(counts.max() - n) for label, n in zip(schema.classes, counts, strict=True) if n}
    return smote.sample(sum(wanted.values()), class_counts=wanted, random_state=seed)


RIVALS: dict[str, Callable[[pd.DataFrame, Schema, int], pd.DataFrame]] = {
    "sdv-ctgan": lambda real, schema, seed: sdv_rows("CTGANSynthesizer", real, schema, seed),
    "sdv-tvae": lambda real, schema, seed: sdv_rows("TVAESynthesizer", real, schema, seed),
    "sdv-copula": lambda real, schema, seed: sdv_rows("GaussianCopulaSynthesizer", real, schema, seed),
    "smote": smote_rows,
}
# Minutes of optimiser steps: fitted for one seed of a cell only.
ONCE_PER_CELL = ("sdv-ctgan", "sdv-tvae")
