"""CopulaGAN: CTGAN on numbers that a Gaussian copula's marginals have made normal."""

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
    name="copulagan",
    build=lambda card: SdvSynthesizer(
        "copulagan",
        "CopulaGANSynthesizer",
        gan_settings,
        is_conditional=True,
        stops_early=True,
        rules=card.rules,
    ),
    family="gan",
    reference="https://docs.sdv.dev/sdv/single-table-data/modeling/synthesizers/copulagansynthesizer",
    fit_cost=lambda n_rows, n_columns, steps: (
        0.025 * n_columns + 1.6e-5 * n_rows * n_columns + steps * (0.008 + 2.5e-4 * n_columns)
    ),
    sample_cost=lambda n_rows, n_columns: 0.02 + 0.01 * n_columns + 2e-6 * n_rows * n_columns,
    default_steps=DEFAULT_STEPS,
    gpu_library="torch",
    libraries=LIBRARIES,
    import_seconds=IMPORT_SECONDS,
)
