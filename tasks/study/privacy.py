"""Assess the privacy of the pools that could ship, on the folds of the first repeat."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.plan import Block, Layout
from realmix.tasks.core.privacy.assessment import assess_trials, check_sizes
from realmix.tasks.core.privacy.controls import ControlPool, measure_controls
from realmix.tasks.core.privacy.exposure import Declared
from realmix.tasks.core.privacy.sides import Sides, deal_sides
from realmix.tasks.core.privacy.study_privacy import PoolPrivacy, judge_pool
from realmix.tasks.core.privacy.trial import MAX_CANDIDATES, Trial
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.scope import TRAINING, Scope
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.development import Development
from realmix.tasks.synthesizers import SYNTHESIZERS

# Columns whose cells are guessed, at most.
MAX_SECRETS = 5
UNKNOWN = "The card limits what synthetic rows may leak, and this leak cannot be measured"
BY_TIME = (
    "the folds are cut by time, and rows of another time differ from the learned ones without any leak: "
    "the synthetic rows must not be shared on the evidence of this study."
)


def could_ship(comparison: Comparison) -> list[str]:
    """List the synthesizers of the best mix and of the other finalists, each once."""
    if comparison.best_mix is None:
        return []
    of_arm = {row.name: row.synthesizer for row in comparison.arms}
    names = [comparison.best_mix.mix.synthesizer, *(of_arm.get(name) for name in comparison.finalists)]
    return [name for name in dict.fromkeys(names) if name]


@dataclass
class StudyPools:
    """The pools of a study, each assessed once when it is first asked for.

    Each row is a member in one fold and unseen in another, so that all rows of the table are attacked.
    """

    folder: StudyFolder
    layout: Layout
    development: Development
    _assessed: dict[str, PoolPrivacy] = field(default_factory=dict)

    def describe(self, synthesizers: Sequence[str]) -> dict[str, Any]:
        """Describe the privacy of some synthesizers' pools, for the verdict document."""
        if not synthesizers:
            return {"pools": [], "reason": "no mix could ship."}
        if self.layout.plan.forward:
            return {"pools": [], "reason": BY_TIME}
        try:
            return {"pools": [self.assess(name).to_dict() for name in synthesizers], "reason": None}
        except BadInput as err:
            return {"pools": [], "reason": str(err)}

    def vetoes(self, best: Arm | None) -> list[str]:
        """Return the reason why a mix must not ship, if the card limits the leak of its synthetic rows."""
        limited = self.development.context.card.privacy.max_tpr is not None
        if best is None or best.mix.synthesizer is None or not limited:
            return []
        if self.layout.plan.forward:
            return [f"{UNKNOWN}: {BY_TIME}"]
        try:
            veto = self.assess(best.mix.synthesizer).veto
        except BadInput as err:
            veto = f"{UNKNOWN}: {err}"
        return [veto] if veto else []

    def assess(self, synthesizer: str) -> PoolPrivacy:
        """Attack the pools of a synthesizer and judge what its rows may be used for."""
        if synthesizer not in self._assessed:
            context = self.development.context
            trials = self._trials(synthesizer)
            check_sizes(trials)  # before the controls, which take longer
            assessment = assess_trials(
                trials,
                self._controls,
                seed=derive_seed(self._seed, synthesizer),
                n_persons=len(Scope(self.folder.scope("shipped")).base_weight),
                secrets=secrets_of(context.card, context.schema),
                declared=declared(context.card),
            )
            self._assessed[synthesizer] = judge_pool(
                synthesizer,
                assessment,
                releasable=SYNTHESIZERS[synthesizer].releasable,
                max_tpr=context.card.privacy.max_tpr,
            )
        return self._assessed[synthesizer]

    @cached_property
    def _controls(self) -> tuple[ControlPool, ...]:
        real = self._rows.iloc[np.concatenate([side.members for side in self._sides.values()])]
        return measure_controls(real, self.development.context.schema, seed=self._seed)

    def _trials(self, synthesizer: str) -> list[Trial]:
        """Return a trial for each fold in which the synthesizer drew a pool."""
        names = list(self._rows.columns)
        pools = {block: self.folder.scope(block.scope) / f"{synthesizer}.parquet" for block in self._blocks}
        return [
            self._trial(block, pd.read_parquet(pool, columns=names))
            for block, pool in pools.items()
            if pool.exists()
        ]

    def _trial(self, block: Block, pool: pd.DataFrame) -> Trial:
        rows, sides = self._rows, self._sides[block.fold]
        return Trial(
            synthetic=pool,
            members=rows.iloc[sides.members],
            non_members=rows.iloc[sides.non_members],
            reference=rows.iloc[sides.reference],
            schema=self.development.context.schema,
            seed=derive_seed(self._seed, block.fold),
            max_candidates=MAX_CANDIDATES // len(self._blocks),
        )

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """Development rows, labelled by their number in the studied table."""
        positions = Scope(self.folder.scope("shipped")).read_array(TRAINING)
        numbers = np.argsort(positions, kind="stable")[self.development.sampled]
        return self.development.rows.set_axis(numbers)

    @cached_property
    def _sides(self) -> dict[int, Sides]:
        return deal_sides(self.development.folds[0], self.development.groups, seed=self._seed)

    @property
    def _blocks(self) -> list[Block]:
        return [block for block in self.layout.blocks if block.repeat == 0]

    @property
    def _seed(self) -> int:
        context = self.development.context
        return derive_seed(context.snapshot, context.seed, "privacy")


@task(task_run_name="write-privacy", cache_policy=NO_CACHE)
def write_privacy(folder: StudyFolder, attacks: Future[dict[str, Any]]) -> None:
    """Wait for what :meth:`StudyPools.describe` found, and write it for the verdict document."""
    folder.write_json("work/privacy.json", attacks.result())


def declared(card: DataCard) -> Declared | None:
    """Return what the card declares of attackers; None where it names no prior."""
    said = card.privacy
    if said.prior is None:
        return None
    return Declared(prior=said.prior, harm=said.harm, currency=card.currency)


def secrets_of(card: DataCard, schema: Schema) -> tuple[str, ...]:
    """Return the columns whose cells are guessed: the sensitive ones that are modelled, else the target."""
    modelled = {column.name for column in schema.modelled}
    found = [name for name in card.sensitive if name in modelled]
    return tuple(found[:MAX_SECRETS]) or (schema.target,)
