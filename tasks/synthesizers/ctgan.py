"""CTGAN: a conditional generative adversarial network for tables.

Trained by SDV in `default_steps` optimiser steps or fewer, until its rows stop improving. Costs are
seconds on the reference machine; the planner adds them up to fit a study into its budget.
"""

from __future__ import annotations

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.synthesizers._sdv import (
    DEFAULT_STEPS,
    IMPORT_SECONDS,
    LIBRARIES,
    SdvSynthesizer,
    gan_settings,
)

SPEC = SynthesizerSpec(
    name="ctgan",
    build=lambda card: SdvSynthesizer(
        "ctgan", "CTGANSynthesizer", gan_settings, is_conditional=True, stops_early=True, rules=card.rules
    ),
    family="gan",
    reference="Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, https://arxiv.org/abs/1907.00503",
    fit_cost=lambda n_rows, n_columns, steps: (
        0.005 * n_columns + 5e-6 * n_rows * n_columns + steps * (0.008 + 2.5e-4 * n_columns)
    ),
    sample_cost=lambda n_rows, n_columns: 0.02 + 0.005 * n_columns + 1.5e-6 * n_rows * n_columns,
    default_steps=DEFAULT_STEPS,
    gpu_library="torch",
    libraries=LIBRARIES,
    import_seconds=IMPORT_SECONDS,
    drop_order=2,
)
