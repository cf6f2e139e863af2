"""CTGAN and TVAE of SDV with the same losses in fewer operations.

The networks, losses, optimiser and settings are ctgan's own. What differs is how a step is
computed: all spans of a batch in one operation instead of one per column, no gradients that are
discarded (through the generator while the discriminator learns, and the reverse), the gradient
penalty from its closed form instead of a second differentiation, rows drawn for a whole batch
instead of one by one, and an optimiser call that does not import torch's compiler. A *critic* is
what ctgan calls the discriminator.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pandas as pd
import torch
from ctgan import CTGAN, TVAE
from ctgan.synthesizers.base import random_state
from ctgan.synthesizers.ctgan import Discriminator, Generator
from ctgan.synthesizers.tvae import Decoder, Encoder
from sdv.single_table import CopulaGANSynthesizer, CTGANSynthesizer, TVAESynthesizer
from sdv.single_table.utils import detect_discrete_columns
from torch import Tensor
from torch.nn import Linear

from realmix.tasks.synthesizers._batches import Adam, Conditions, Rows, Spans
from realmix.tasks.synthesizers._early_stop import EarlyStop
from realmix.tasks.synthesizers._layout import Layout

# As in CTGAN: slope and dropout of the discriminator, and weight of its gradient penalty.
SLOPE = 0.2
DROPOUT = 0.5
PENALTY = 10.0
# Rows per forward pass when drawing: some tens of megabytes.
DRAW_ROWS = 10_000


class FastCtgan(CTGAN):
    """ctgan's CTGAN with the same losses in fewer operations; samples levels by their real frequency."""

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Collection[str] = (),
        early_stop: EarlyStop | None = None,
    ) -> None:
        """Train on complete numbers and categories for the epochs of the settings, or until stopped."""
        layout = self._transformer = Layout(train_data, discrete_columns)
        rows = Rows(layout, train_data, self._device)
        self._data_sampler = Conditions(layout, rows, self._log_frequency)
        self._generator = Generator(
            self._embedding_dim + self._data_sampler.n_levels, self._generator_dim, layout.width
        ).to(self._device)
        self._spans = Spans(layout, self._device)
        self._level_shares: Tensor | None = None
        critic = Discriminator(
            layout.width + self._data_sampler.n_levels, self._discriminator_dim, pac=self.pac
        ).to(self._device)
        betas = {"beta1": 0.5, "beta2": 0.9}
        learn = Adam(
            self._generator.parameters(), lr=self._generator_lr, weight_decay=self._generator_decay, **betas
        )
        judge = Adam(
            critic.parameters(), lr=self._discriminator_lr, weight_decay=self._discriminator_decay, **betas
        )
        n_steps = self._epochs * max(len(rows) // self._batch_size, 1)
        for step in range(1, n_steps + 1):
            for _ in range(self._discriminator_steps):
                judge.descend(self._critic_loss(critic, rows))
            learn.descend(self._generator_loss(critic))
            if early_stop and early_stop.ends(step, n_steps, self._generator, self.sample):
                return

    def condition_on(self, column: str | None = None, level: object = None) -> None:
        """Condition `sample` on one level or, without arguments, on each by its real frequency."""
        if column is None or not self._transformer.levels:
            self._level_shares = None
        else:
            position = torch.tensor(self._transformer.level_position(column, level), device=self._device)
            self._level_shares = self._data_sampler.one_hot(position)

    @random_state
    def sample(self, n: int) -> pd.DataFrame:
        """Draw `n` rows.

        In evaluation mode: in training mode batch normalisation would remove what all rows of a
        batch share, such as the level that they are conditioned on.
        """
        self._generator.eval()
        with torch.no_grad():
            drawn = [self._draw(min(DRAW_ROWS, n - done)).cpu() for done in range(0, n, DRAW_ROWS)]
        return self._transformer.decode(torch.cat(drawn).numpy())

    def _draw(self, n_rows: int) -> Tensor:
        output = self._generator(self._noise(n_rows, self._draw_levels(n_rows)))
        n_numbers = self._spans.n_numbers
        return torch.cat([torch.tanh(output[:, :n_numbers]), self._spans.with_noise(output)], dim=1)

    def _draw_levels(self, n_rows: int) -> Tensor | None:
        """Draw the levels to condition rows on; None where the table has no category."""
        sampler = self._data_sampler
        if not sampler.n_columns:
            return None
        shares = sampler.counts.float() if self._level_shares is None else self._level_shares
        return torch.multinomial(shares, n_rows, replacement=True)

    def _noise(self, n_rows: int, levels: Tensor | None) -> Tensor:
        noise = torch.randn(n_rows, self._embedding_dim, device=self._device)
        return self._beside(noise, levels)

    def _beside(self, matrix: Tensor, levels: Tensor | None) -> Tensor:
        return matrix if levels is None else torch.cat([matrix, self._data_sampler.one_hot(levels)], dim=1)

    def _critic_loss(self, critic: Discriminator, rows: Rows) -> Tensor:
        """Compute the Wasserstein loss of real and synthetic rows, with the penalty on gradients."""
        with torch.no_grad():
            real, made = self._real_and_made(rows)
            mix = torch.rand(len(real), 1, device=self._device)
            _, slopes = scores_and_slopes(critic, mix * real + (1 - mix) * made)
        scores, _ = scores_and_slopes(critic, torch.cat([made, real]))
        made_scores, real_scores = scores.split(len(made))
        penalty = (input_gradients(critic, slopes).norm(2, dim=1) - 1).square().mean() * PENALTY
        return made_scores.mean() - real_scores.mean() + penalty

    def _real_and_made(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Return packs of real and of synthetic rows that have the same levels in different order."""
        n_rows, sampler = self._batch_size, self._data_sampler
        if not sampler.n_columns:
            real = rows.matrix(torch.randint(len(rows), (n_rows,), device=self._device))
            made = self._spans.activate(self._generator(self._noise(n_rows, None)))
        else:
            _, levels = sampler.draw(n_rows)
            shuffled = levels[torch.randperm(n_rows, device=self._device)]
            real = self._beside(rows.matrix(sampler.rows_of(shuffled)), shuffled)
            made = self._spans.activate(self._generator(self._noise(n_rows, levels)))
            made = self._beside(made, levels)
        return real.view(n_rows // self.pac, -1), made.view(n_rows // self.pac, -1)

    def _generator_loss(self, critic: Discriminator) -> Tensor:
        """Compute the loss of synthetic rows: minus the critic's score, plus the miss of their levels."""
        n_rows, sampler = self._batch_size, self._data_sampler
        if not sampler.n_columns:
            output = self._generator(self._noise(n_rows, None))
            return -self._scores(critic, self._spans.activate(output)).mean()
        columns, levels = sampler.draw(n_rows)
        output = self._generator(self._noise(n_rows, levels))
        scores = self._scores(critic, self._beside(self._spans.activate(output), levels))
        return self._miss(output, columns, levels) - scores.mean()

    def _scores(self, critic: Discriminator, made: Tensor) -> Tensor:
        return scores_and_slopes(critic, made.view(len(made) // self.pac, -1))[0]

    def _miss(self, output: Tensor, columns: Tensor, levels: Tensor) -> Tensor:
        """Compute the cross entropy of each row's level within the column it was drawn from."""
        first_level = output.shape[1] - self._data_sampler.n_levels
        n_mixtures = self._spans.n_numbers
        totals = self._spans.log_totals(output[:, n_mixtures:])[:, n_mixtures:]
        chosen = output[:, first_level:].gather(1, levels[:, None])
        return (totals.gather(1, columns[:, None]) - chosen).mean()


def scores_and_slopes(critic: Discriminator, packs: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Score packs; return also the factors of leaky unit and dropout in each hidden layer.

    Parameters
    ----------
    critic : Discriminator
        Linear layers, each but the last followed by a leaky unit and dropout.
    packs : Tensor of shape (n_packs, pac * width)

    Returns
    -------
    scores : Tensor of shape (n_packs, 1)
    slopes : list of Tensor of shape (n_packs, n_units)
    """
    *hidden, last = _linears(critic)
    slopes = []
    for linear in hidden:
        before = linear(packs)
        slope = torch.where(before.detach() > 0, 1.0, SLOPE)
        if critic.training:  # uniform numbers cost a fifth of what torch's dropout draws
            slope = torch.where(torch.rand_like(slope) < DROPOUT, 0.0, slope / (1 - DROPOUT))
        slopes.append(slope)
        packs = before * slopes[-1]
    return last(packs), slopes


def input_gradients(critic: Discriminator, slopes: list[Tensor]) -> Tensor:
    """Compute the gradients of the scores with respect to the packs, of shape (n_packs, pac * width).

    The critic is piecewise linear, so they are a product of its weights and slopes, which can
    itself be differentiated with respect to the weights.
    """
    *hidden, last = _linears(critic)
    gradients = last.weight
    for linear, slope in zip(reversed(hidden), reversed(slopes), strict=True):
        gradients = (gradients * slope) @ linear.weight
    return gradients


def _linears(critic: Discriminator) -> list[Linear]:
    return [layer for layer in critic.seq if isinstance(layer, Linear)]


class FastTvae(TVAE):
    """ctgan's TVAE with the same loss in fewer operations."""

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Collection[str] = (),
        early_stop: EarlyStop | None = None,
    ) -> None:
        """Train on complete numbers and categories for the epochs of the settings, or until stopped."""
        layout = self.transformer = Layout(train_data, discrete_columns)
        rows = Rows(layout, train_data, self._device)
        spans = Spans(layout, self._device)
        encoder = Encoder(layout.width, self.compress_dims, self.embedding_dim).to(self._device)
        self.decoder = Decoder(self.embedding_dim, self.decompress_dims, layout.width).to(self._device)
        learn = Adam(
            [*encoder.parameters(), *self.decoder.parameters()],
            lr=1e-3,
            weight_decay=self.l2scale,
            beta1=0.9,
            beta2=0.999,
        )
        n_steps = self.epochs * -(-len(rows) // self.batch_size)
        for step, batch in enumerate(self._shuffled_batches(len(rows)), start=1):
            mean, spread, log_variance = encoder(rows.matrix(batch))
            output, noise = self.decoder(torch.randn_like(spread) * spread + mean)
            miss = reconstruction_loss(output, noise, rows.numbers[batch], rows.positions[batch], spans)
            divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
            learn.descend((miss * self.loss_factor + divergence) / len(batch))
            self.decoder.sigma.data.clamp_(0.01, 1.0)
            if early_stop and early_stop.ends(step, n_steps, self.decoder, self.sample):
                return

    def _shuffled_batches(self, n_rows: int) -> Iterator[Tensor]:
        for _ in range(self.epochs):
            yield from torch.randperm(n_rows, device=self._device).split(self.batch_size)

    @random_state
    def sample(self, samples: int) -> pd.DataFrame:
        """Draw `samples` rows."""
        with torch.no_grad():
            chunks = [min(DRAW_ROWS, samples - done) for done in range(0, samples, DRAW_ROWS)]
            drawn = [self._draw(n_rows).cpu() for n_rows in chunks]
        return self.transformer.decode(torch.cat(drawn).numpy())

    def _draw(self, n_rows: int) -> Tensor:
        output, noise = self.decoder(torch.randn(n_rows, self.embedding_dim, device=self._device))
        n_numbers = self.transformer.n_numbers
        numbers = torch.tanh(output[:, :n_numbers])
        numbers = numbers + torch.randn_like(numbers) * noise[:n_numbers]
        return torch.cat([numbers, output[:, n_numbers:]], dim=1)


def reconstruction_loss(
    output: Tensor, noise: Tensor, numbers: Tensor, positions: Tensor, spans: Spans
) -> Tensor:
    """Compute the negative log-likelihood of a batch under the decoder, summed over rows.

    Parameters
    ----------
    output : Tensor of shape (n_rows, width)
        Output of the decoder.
    noise : Tensor of shape (width,)
        Its standard deviations, used for the numbers.
    numbers : Tensor of shape (n_rows, n_numbers)
    positions : Tensor of shape (n_rows, n_spans)
        As in :class:`realmix.tasks.synthesizers._layout.Coded`.
    spans : Spans
    """
    n_numbers = spans.n_numbers
    spread = noise[:n_numbers]
    errors = (numbers - torch.tanh(output[:, :n_numbers])) / spread
    loss = errors.square().sum() / 2 + spread.log().sum() * len(numbers)
    missed = spans.log_totals(output[:, n_numbers:]).sum() - output.gather(1, positions).sum()
    return loss + missed


class FastCTGANSynthesizer(CTGANSynthesizer):
    """SDV's CTGAN around `FastCtgan`."""

    early_stop: EarlyStop | None = None

    def _fit(self, processed_data: pd.DataFrame) -> None:
        self._model = FastCtgan(**self._model_kwargs)
        _train(self, processed_data)


class FastCopulaGANSynthesizer(CopulaGANSynthesizer, FastCTGANSynthesizer):
    """SDV's CopulaGAN around `FastCtgan`; its own step makes numbers normal first."""


class FastTVAESynthesizer(TVAESynthesizer):
    """SDV's TVAE around `FastTvae`."""

    early_stop: EarlyStop | None = None

    def _fit(self, processed_data: pd.DataFrame) -> None:
        self._model = FastTvae(**self._model_kwargs)
        _train(self, processed_data)


# By the name of the SDV class that each replaces.
FASTER: dict[str, type] = {
    "CTGANSynthesizer": FastCTGANSynthesizer,
    "CopulaGANSynthesizer": FastCopulaGANSynthesizer,
    "TVAESynthesizer": FastTVAESynthesizer,
}


def _train(synthesizer: Any, processed_data: pd.DataFrame) -> None:
    """Train the network of an SDV synthesizer; inner rows pass through the same transformers."""
    processor = synthesizer._data_processor
    transformers = processor._hyper_transformer.field_transformers
    discrete = list(detect_discrete_columns(synthesizer.metadata, processed_data, transformers))
    if synthesizer.early_stop:
        inner = processor.transform(synthesizer.early_stop.inner)
        if isinstance(synthesizer, CopulaGANSynthesizer):  # its network learns numbers made normal
            inner = synthesizer._gaussian_normalizer_hyper_transformer.transform(inner)
        synthesizer.early_stop.inner = inner
    synthesizer._model.fit(processed_data, discrete, synthesizer.early_stop)
