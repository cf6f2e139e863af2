"""Building blocks of a training step of CTGAN and TVAE, each for a whole batch at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import Parameter, functional
from torch.optim.adam import adam

from realmix.tasks.synthesizers._layout import Layout

# Of CTGAN: temperature of the soft categories.
TEMPERATURE = 0.2


class Spans:
    """One-hot groups of the columns of a matrix, computed together.

    Parameters
    ----------
    layout : Layout
    device : torch.device
    """

    def __init__(self, layout: Layout, device: torch.device) -> None:
        self.n_numbers = layout.n_numbers
        sizes = torch.tensor(layout.spans)
        owner = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
        self.membership = functional.one_hot(owner, len(sizes)).float().to(device)
        # Short spans repeat their first column, which does not change their largest value.
        steps = torch.arange(max(layout.spans))[:, None]
        starts = torch.tensor(layout.starts) - layout.n_numbers
        self.padded = (starts + steps * (steps < sizes)).to(device)

    def exponentials(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return exponentials of logits less the largest of their span, their sums, and these largest."""
        with torch.no_grad():
            padded = logits.T.index_select(0, self.padded.flatten())
            peaks = padded.view(*self.padded.shape, len(logits)).amax(dim=0).T
        powers = torch.exp(logits - peaks @ self.membership.T)
        return powers, powers @ self.membership, peaks

    def softmax(self, logits: Tensor) -> Tensor:
        """Compute the softmax within every span, in the shape of `logits`."""
        powers, totals, _ = self.exponentials(logits)
        return powers / (totals @ self.membership.T)

    def log_totals(self, logits: Tensor) -> Tensor:
        """Compute the log-sum-exp of every span, of shape (n_rows, n_spans)."""
        _, totals, peaks = self.exponentials(logits)
        return torch.log(totals) + peaks

    def with_noise(self, output: Tensor) -> Tensor:
        """Add Gumbel noise to the logits: the largest of a span is a draw from its softmax."""
        logits = output[:, self.n_numbers :]
        # An exact zero would make the noise infinite and the softmax undefined. Torch's own exponential
        # draws take seven times as long.
        uniform = torch.rand_like(logits).clamp_(min=torch.finfo(logits.dtype).tiny)
        return logits - uniform.log_().neg_().log_()

    def activate(self, output: Tensor) -> Tensor:
        """Activate generator output as CTGAN does: tanh for numbers, soft draws for spans."""
        soft = self.softmax(self.with_noise(output) / TEMPERATURE)
        return torch.cat([torch.tanh(output[:, : self.n_numbers]), soft], dim=1)


class Rows:
    """Training rows on the device, expanded to one-hot matrices on request."""

    def __init__(self, layout: Layout, data: pd.DataFrame, device: torch.device) -> None:
        coded = layout.encode(data, np.random.default_rng(np.random.randint(2**31)))
        self.numbers = torch.from_numpy(coded.numbers).to(device)
        self.positions = torch.from_numpy(coded.positions).to(device)
        self.width = layout.width
        self.device = device

    def __len__(self) -> int:
        return len(self.numbers)

    def matrix(self, rows: Tensor) -> Tensor:
        """Return the one-hot matrix of some rows, of shape (len(rows), width)."""
        matrix = torch.zeros(len(rows), self.width, device=self.device)
        matrix[:, : self.numbers.shape[1]] = self.numbers[rows]
        return matrix.scatter_(1, self.positions[rows], 1.0)


class Conditions:
    """Draws of the levels that CTGAN conditions its generator on, and of real rows that have them.

    A column is drawn evenly, its level by log-frequency, and a row evenly among those that
    have the level.

    Parameters
    ----------
    layout : Layout
    rows : Rows
    log_frequency : bool
        False draws levels by their frequency.
    """

    def __init__(self, layout: Layout, rows: Rows, log_frequency: bool) -> None:
        sizes = layout.spans[layout.n_numbers :]
        self.n_levels = sum(sizes)
        self.n_columns = len(sizes)
        self.device = rows.device
        if not sizes:
            return
        codes = rows.positions[:, layout.n_numbers :] - (layout.width - self.n_levels)
        self.counts = torch.bincount(codes.flatten(), minlength=self.n_levels)
        # Sorted by level, so that the rows of a level are adjacent.
        self.by_level = codes.T.flatten().argsort(stable=True) % len(rows)
        self.starts = self.counts.cumsum(0) - self.counts
        self.firsts = torch.tensor(np.cumsum([0, *sizes])[:-1], device=self.device)
        weights = torch.log(self.counts.double() + 1) if log_frequency else self.counts.double()
        shares = [part / part.sum() for part in weights.split(sizes)]
        # Beyond the last level of a short column nothing is drawn.
        edges = [
            functional.pad(part.cumsum(0)[:-1], (0, max(sizes) - len(part)), value=2.0) for part in shares
        ]
        self.edges = torch.stack(edges).float()

    def draw(self, n_rows: int) -> tuple[Tensor, Tensor]:
        """Draw columns and levels (numbered over all columns), each of shape (n_rows,)."""
        columns = torch.randint(self.n_columns, (n_rows,), device=self.device)
        above = torch.rand(n_rows, 1, device=self.device) >= self.edges[columns]
        return columns, self.firsts[columns] + above.sum(dim=1)

    def rows_of(self, levels: Tensor) -> Tensor:
        """Draw a real row for each level, evenly among those that have it."""
        counts = self.counts[levels]
        places = (torch.rand(len(levels), device=self.device, dtype=torch.float64) * counts).long()
        return self.by_level[self.starts[levels] + places]

    def one_hot(self, levels: Tensor) -> Tensor:
        """Return levels as one-hot vectors over the levels of all columns."""
        return functional.one_hot(levels, self.n_levels).float()


class Adam:
    """torch's fused Adam, called as a function: importing its class loads the compiler for seconds."""

    def __init__(self, parameters: Iterable[Parameter], **settings: Any) -> None:
        self.parameters: list[Tensor] = list(parameters)
        self.settings = settings
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.steps = [torch.zeros((), device=p.device) for p in self.parameters]

    def descend(self, loss: Tensor) -> None:
        """Take a step down the gradient of `loss` with respect to these parameters only."""
        gradients = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            adam(
                self.parameters,
                list(gradients),
                self.means,
                self.squares,
                [],
                self.steps,
                fused=True,
                amsgrad=False,
                maximize=False,
                eps=1e-8,
                **self.settings,
            )
