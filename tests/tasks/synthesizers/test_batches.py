"""What is done for a whole batch at once, against what ctgan does column by column and row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from ctgan.data_sampler import DataSampler

from realmix.tasks.synthesizers._batches import Adam, Conditions, Rows
from tests.tasks.synthesizers.small_table import CPU, DATA, INFO, LAYOUT, SPANS

pytestmark = pytest.mark.usefixtures("one_thread")


def test_softmax_and_log_sums_are_those_of_each_span_alone() -> None:
    # Differences that overflow unless each span is taken from its own largest value.
    logits = torch.randn(50, sum(LAYOUT.spans)) * 300
    parts = logits.split(LAYOUT.spans, dim=1)
    assert torch.allclose(
        SPANS.softmax(logits), torch.cat([p.softmax(dim=1) for p in parts], dim=1), atol=1e-5
    )
    sums = torch.stack([p.logsumexp(dim=1) for p in parts], dim=1)
    assert torch.allclose(SPANS.log_totals(logits), sums, rtol=1e-5)


def test_noisy_logits_draw_levels_by_their_probability() -> None:
    logits = torch.randn(LAYOUT.width)
    drawn = SPANS.with_noise(logits.expand(40_000, -1))[:, -4 - 2 : -2].argmax(dim=1)
    shares = torch.bincount(drawn, minlength=4) / len(drawn)
    assert torch.allclose(shares, logits[-6:-2].softmax(dim=0), atol=0.02)


def test_levels_are_asked_for_as_often_as_ctgan_asks() -> None:
    rows = Rows(LAYOUT, DATA, CPU)
    sampler = Conditions(LAYOUT, rows, log_frequency=True)
    library = DataSampler(rows.matrix(torch.arange(400)).numpy(), INFO, True)
    theirs = library.sample_condvec(40_000)[0].mean(axis=0)
    columns, levels = sampler.draw(40_000)
    assert sampler.one_hot(levels).mean(dim=0).numpy() == pytest.approx(theirs, abs=0.01)
    assert ((levels >= 4) == (columns == 1)).all()


def test_rows_with_a_level_come_evenly() -> None:
    rows = Rows(LAYOUT, DATA, CPU)
    sampler = Conditions(LAYOUT, rows, log_frequency=True)
    for column, value in [*(("town", v) for v in LAYOUT.levels["town"]), ("flag", "1")]:
        level = LAYOUT.level_position(column, value)
        holders = np.flatnonzero(DATA[column] == value)
        drawn = sampler.rows_of(torch.full((200 * len(holders),), level)).numpy()
        counts = pd.Series(drawn).value_counts()
        assert sorted(counts.index) == list(holders)
        assert counts.min() > 100 and counts.max() < 300


def test_the_optimiser_is_adam() -> None:
    ours, theirs = (torch.nn.Parameter(torch.linspace(-1, 1, 6)) for _ in range(2))
    learn = Adam([ours], lr=0.1, beta1=0.5, beta2=0.9, weight_decay=0.01)
    library = torch.optim.Adam([theirs], lr=0.1, betas=(0.5, 0.9), weight_decay=0.01)
    for _ in range(5):
        learn.descend((ours**3).sum())
        library.zero_grad()
        (theirs**3).sum().backward()
        library.step()
    assert torch.allclose(ours, theirs, atol=1e-6)
