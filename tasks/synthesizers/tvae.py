"""TVAE: a variational autoencoder for tables.

Trained by SDV on balanced classes, in `default_steps` optimiser steps or fewer, until its rows stop
improving.
"""

from __future__ import annotations

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.synthesizers._sdv import IMPORT_SECONDS, LIBRARIES, SdvSynthesizer, vae_settings

SPEC = SynthesizerSpec(
    name="tvae",
    build=lambda card: SdvSynthesizer(
        "tvae", "TVAESynthesizer", vae_settings, is_balanced=True, stops_early=True, rules=card.rules
    ),
    family="vae",
    reference="Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, https://arxiv.org/abs/1907.00503",
    fit_cost=lambda n_rows, n_columns, steps: (
        0.005 * n_columns + 8e-6 * n_rows * n_columns + steps * (0.0015 + 8e-5 * n_columns)
    ),
    sample_cost=lambda n_rows, n_columns: 0.02 + 0.003 * n_columns + 2e-6 * n_rows * n_columns,
    default_steps=500,
    gpu_library="torch",
    libraries=LIBRARIES,
    import_seconds=IMPORT_SECONDS,
    drop_order=4,
)
