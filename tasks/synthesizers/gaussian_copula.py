"""Gaussian copula: marginals joined by a correlation matrix; the fastest of SDV's synthesizers."""

from __future__ import annotations

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.synthesizers._sdv import IMPORT_SECONDS, LIBRARIES, SdvSynthesizer

SPEC = SynthesizerSpec(
    name="gaussian-copula",
    build=lambda card: SdvSynthesizer(
        "gaussian-copula", "GaussianCopulaSynthesizer", lambda n_rows, max_steps: {}, rules=card.rules
    ),
    family="copula",
    reference="Patki, Wedge, Veeramachaneni 2016, doi:10.1109/DSAA.2016.49",
    fit_cost=lambda n_rows, n_columns, steps: 0.1 + 0.02 * n_columns + 1.1e-5 * n_rows * n_columns,
    sample_cost=lambda n_rows, n_columns: 0.02 + 0.006 * n_columns + 1.5e-6 * n_rows * n_columns,
    libraries=LIBRARIES,
    import_seconds=IMPORT_SECONDS,
    drop_order=5,
)
