"""Six to ten small real studies of each null; `make nulls` runs two hundred."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import pytest

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.synthesizers.simulations.claims import simulate
from tests.nulls.parallel import two_at_once
from tests.nulls.planted import DEAD_KINDS, LEAK_KINDS
from tests.nulls.run import BUNDLED, table_rows
from tests.nulls.studies import cannot_help, copies, dead_generators, leaks, permuted_labels
from tests.panel.study import Outcome

SEEDS = range(10)
N_ROWS = 250
# Of whole studies; two of six happen in one of thirty experiments at a true rate of 5 %.
N_STUDIES, MOST = 6, 1


def small_table(seed: int) -> tuple[pd.DataFrame, DataCard]:
    """Calls of a bank, or insurance claims with a target of each kind."""
    target = ("y", "is_fraud", "claim_type", "claim_amount")[seed % 4]
    if target == "y":
        return table_rows(BUNDLED, seed, N_ROWS)[0], DataCard(target=target)
    # Evenly by fraud, so that there are ten of them; the rarest kind of claim is left out.
    claims = simulate(4 * N_ROWS, None, seed)
    claims = claims[claims["claim_type"] != "fire"].sort_values("is_fraud", ascending=False, kind="stable")
    rows = claims.iloc[:: -(-len(claims) // N_ROWS)]
    return rows.sample(frac=1, random_state=seed).reset_index(drop=True), DataCard(target=target)


def shipped(null: Callable[..., Outcome], seed: int) -> str | None:
    """What the verdict of a study says, if it ships a mix that cannot help."""
    verdict = null(*small_table(seed), seed).verdict
    is_false = verdict.is_mix_shipped and cannot_help(null.__name__, verdict.ships.name)
    return verdict.sentence if is_false else None


@pytest.mark.timeout(900)  # a busy machine has taken 24 s for a study
@pytest.mark.parametrize("null", [permuted_labels, copies], ids=lambda null: null.__name__)
def test_a_mix_hardly_ever_ships(null):
    seeds = SEEDS[:N_STUDIES]
    said = two_at_once(partial(shipped, null), seeds)
    wrong = {seed: sentence for seed, sentence in zip(seeds, said, strict=True) if sentence}
    assert len(wrong) <= MOST, wrong


@pytest.mark.parametrize("seed", SEEDS)
def test_generators_that_were_given_validation_rows_are_refused_and_named(seed):
    outcome = leaks(*small_table(seed), seed)
    refused = outcome.comparison.disqualified
    for kind in LEAK_KINDS:
        for rule in ("joint", "teacher"):
            assert "given rows it must not see" in refused[f"{kind}-leak/1/{rule}"]
    assert not any(name.startswith("smote") for name in refused)
    assert outcome.comparison.best_mix.mix.synthesizer in ("smote", "shuffled-marginals")


@pytest.mark.parametrize("seed", SEEDS)
def test_dead_generators_are_disqualified_and_named_and_the_study_goes_on(seed):
    outcome = dead_generators(*small_table(seed), seed)
    failed = outcome.comparison.disqualified
    dead = [kind for kind in DEAD_KINDS if kind != "one-class" or outcome.schema.is_classification]
    for kind in dead:
        assert f"'dead-{kind}' gave" in failed[f"dead-{kind}/1/joint"]
    assert outcome.comparison.best_mix.mix.synthesizer in ("smote", "shuffled-marginals")
    assert outcome.verdict.outcome
