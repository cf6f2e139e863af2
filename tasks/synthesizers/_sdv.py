"""Adapter to SDV 2.0: explicit column types, a budget in steps, seeds before every call."""

from __future__ import annotations

import contextlib
import io
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from realmix.tasks.core.table.rule_kinds import Rule
from realmix.tasks.synthesizers._early_stop import INNER_SHARE, MIN_INNER_ROWS, EarlyStop, part_rows
from realmix.tasks.synthesizers._encoding import TableEncoding, is_code
from realmix.tasks.synthesizers._quotas import QuotaSynthesizer

TABLE = "table"
# sdv and torch, on the reference machine.
IMPORT_SECONDS = 2.0
LIBRARIES = ("sdv.single_table", "realmix.tasks.synthesizers._networks")
# Rows per optimiser step; CTGAN needs a multiple of 2 and of its `pac`.
BATCH_SIZE = 200
PAC = 10
DEFAULT_STEPS = 300
# CTGAN's own 2e-4 is meant for tens of thousands of steps; in a few hundred steps this rate learns
# the class far better: of the rows requested for a class of 7 % to 24 %, 53 % to 69 % had it with
# 2e-4, and 96 % to 100 % with this rate.
LEARNING_RATE = 1e-3
# TVAE decodes the likeliest class of a latent point, so rare classes vanish. With classes balanced
# for the fit, and the target repeated this often so that the latent code has to represent it, a
# class of 7 % is drawn after 300 steps; the quotas restore the real class shares.
TARGET_COPIES = 5


class SdvSynthesizer(QuotaSynthesizer):
    """A single-table synthesizer of SDV that takes and returns canonical rows.

    Parameters
    ----------
    name : str
        As in the registry.
    model : str
        Class in ``sdv.single_table``; networks are trained by `realmix.tasks.synthesizers._networks`.
    settings : callable
        ``settings(n_rows, max_steps)`` returns the keyword arguments of the class.
    is_conditional : bool
        True for CTGAN and CopulaGAN, which can draw rows of a given class.
    is_balanced : bool
        True for TVAE, which learns rare classes only if classes are balanced for the fit.
    stops_early : bool
        True for networks: see :class:`realmix.tasks.synthesizers._early_stop.EarlyStop`.
    rules : sequence of Rule
    """

    def __init__(
        self,
        name: str,
        model: str,
        settings: Callable[[int, int | None], Mapping[str, Any]],
        *,
        is_conditional: bool = False,
        is_balanced: bool = False,
        stops_early: bool = False,
        rules: Sequence[Rule] = (),
    ) -> None:
        super().__init__(rules)
        self.name = name
        self.model = model
        self.settings = settings
        self.is_conditional = is_conditional
        self.is_balanced = is_balanced
        self.stops_early = stops_early
        self.on_gpu = False

    def to(self, device: str) -> Self:
        """Train on "cpu" or "cuda"; torch falls back to the CPU if it finds no GPU."""
        self.on_gpu = device == "cuda"
        return self

    def _learn(self, random_state: int, max_steps: int | None) -> None:
        from sdv.metadata import Metadata

        self.encoding_ = TableEncoding(self.real_, self.schema_)
        table = self.encoding_.encode(self.real_)
        # As text, so that SDV cannot take codes for quantities.
        table = table.assign(**{key: table[key].astype(str).astype(object) for key in table if is_code(key)})
        table, early_stop = self._split_inner(table, random_state)
        if self.is_balanced and self.schema_.is_classification:
            table = _balance_classes(table, self.encoding_.target_key, random_state)
        types = {key: {"sdtype": "categorical" if is_code(key) else "numerical"} for key in table}
        metadata = Metadata.load_from_dict({"tables": {TABLE: {"columns": types}}})
        settings = {**self.settings(len(table), max_steps)} | ({"enable_gpu": True} if self.on_gpu else {})
        with _one_quiet_thread(random_state):
            self.model_ = _model_class(self.model)(
                metadata,
                enforce_min_max_values=False,
                enforce_rounding=False,
                **settings,
            )
            if early_stop:
                self.model_.early_stop = early_stop
            self.model_.fit({TABLE: table})
        self.n_steps_ = early_stop.n_steps if early_stop else None

    def _split_inner(self, table: pd.DataFrame, random_state: int) -> tuple[pd.DataFrame, EarlyStop | None]:
        """Split off inner rows for early stopping; a small table is learned from as a whole."""
        if not self.stops_early or INNER_SHARE * len(table) < MIN_INNER_ROWS:
            return table, None
        target = self.encoding_.target_key
        classes = table[target] if self.schema_.is_classification else None
        learnt, inner = part_rows(len(table), classes, random_state)
        shares = None if classes is None else classes.value_counts(normalize=True).sort_index()
        return table.iloc[learnt].reset_index(drop=True), EarlyStop(table.iloc[inner], target, shares)

    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        with _one_quiet_thread(random_state):
            # SDV falls back to one constant seed for all draws unless its state is set here.
            self.model_.reset_sampling()
            self.model_._set_random_state(random_state)
            if self.is_conditional:
                self._condition_on(label)
            drawn = self.model_.sample(n_rows)[TABLE]
        for key in drawn:
            if is_code(key):
                drawn[key] = pd.to_numeric(drawn[key]).astype(int)
        return self.encoding_.decode(drawn, np.random.default_rng(random_state))

    def _condition_on(self, label: str | None) -> None:
        """Condition CTGAN on one class, or on every level by its real frequency."""
        if label is None:
            self.model_._model.condition_on()
        else:
            code = self.encoding_.levels[self.schema_.target].encode(pd.Series([label]))[0]
            self.model_._model.condition_on(self.encoding_.target_key, str(code))


def gan_settings(n_rows: int, max_steps: int | None) -> dict[str, Any]:
    """Choose epochs and batch size for CTGAN that make at most `max_steps` optimiser steps."""
    steps = max_steps or DEFAULT_STEPS
    # An epoch has n_rows // batch_size steps: one epoch must fit into the budget.
    batch_size = max(BATCH_SIZE, -(-n_rows // (steps * 2 * PAC)) * 2 * PAC)
    epochs = max(steps // max(n_rows // batch_size, 1), 1)
    return {
        "epochs": epochs,
        "batch_size": batch_size,
        "generator_lr": LEARNING_RATE,
        "discriminator_lr": LEARNING_RATE,
        "pac": PAC,
        "enable_gpu": False,
        "verbose": False,
    }


def vae_settings(n_rows: int, max_steps: int | None) -> dict[str, Any]:
    """Choose epochs and batch size for TVAE that make at most `max_steps` optimiser steps."""
    steps = max_steps or DEFAULT_STEPS
    batch_size = max(BATCH_SIZE, -(-n_rows // steps))
    epochs = max(steps // -(-n_rows // batch_size), 1)
    return {"epochs": epochs, "batch_size": batch_size, "enable_gpu": False, "verbose": False}


def _model_class(name: str) -> Any:
    """Return a class of ``sdv.single_table``, or ours that trains the same network in less time."""
    import sdv.single_table

    from realmix.tasks.synthesizers._networks import FASTER

    return FASTER.get(name) or getattr(sdv.single_table, name)


def _balance_classes(table: pd.DataFrame, target: str, random_state: int) -> pd.DataFrame:
    """Repeat rows of rare classes until all classes are even, and repeat the target column."""
    rng = np.random.default_rng(random_state)
    counts = table[target].value_counts().sort_index()
    extra = [
        rng.choice(np.flatnonzero(table[target] == label), size=counts.max() - count)
        for label, count in counts.items()
    ]
    rows = np.concatenate([np.arange(len(table)), *extra]).astype(int)
    even = table.iloc[rows].reset_index(drop=True)
    return even.assign(**{f"{target}_{copy}": even[target] for copy in range(1, TARGET_COPIES)})


@contextlib.contextmanager
def _one_quiet_thread(random_state: int) -> Iterator[None]:
    """Seed every global generator, use one torch thread, and print nothing."""
    import torch

    random.seed(random_state)
    np.random.seed(random_state)
    torch.manual_seed(random_state)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        # The inverse of a beta marginal far in its tail; the value is clipped to the real range.
        warnings.filterwarnings("ignore", message="Error in function boost::math", category=RuntimeWarning)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
