"""What is computed faster is what ctgan computes: each piece against the library's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from ctgan import CTGAN, TVAE
from ctgan.data_transformer import DataTransformer
from ctgan.synthesizers.base import BaseSynthesizer
from ctgan.synthesizers.ctgan import Discriminator
from ctgan.synthesizers.tvae import _loss_function
from sdmetrics.reports import QualityReport

from realmix.tasks.synthesizers._batches import Rows
from realmix.tasks.synthesizers._networks import (
    FastCtgan,
    FastTvae,
    input_gradients,
    reconstruction_loss,
    scores_and_slopes,
)
from realmix.tasks.synthesizers.simulations.claims import simulate
from tests.tasks.synthesizers.small_table import CPU, DATA, DISCRETE, INFO, LAYOUT, SPANS

pytestmark = pytest.mark.usefixtures("one_thread")


def test_gradients_in_closed_form_are_those_of_differentiation() -> None:
    critic = Discriminator(7, (32, 16), pac=5).eval()
    packs = torch.randn(12, 35, requires_grad=True)
    scores, slopes = scores_and_slopes(critic, packs)
    assert torch.allclose(scores, critic(packs.view(-1, 7)), atol=1e-6)
    (expected,) = torch.autograd.grad(scores.sum(), packs, create_graph=True)
    found = input_gradients(critic, slopes)
    assert torch.allclose(found, expected, atol=1e-6)
    weights = [p for name, p in critic.named_parameters() if name.endswith("weight")]
    ours = torch.autograd.grad(found.norm(2, dim=1).sum(), weights)
    theirs = torch.autograd.grad(expected.norm(2, dim=1).sum(), weights)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ours, theirs, strict=True))


def test_one_step_of_the_critic_is_one_step_of_ctgan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without dropout, and mixed evenly: the same packs give the same loss."""
    critic = Discriminator(LAYOUT.width + 6, (32, 32), pac=10).eval()
    gan = small_gan()
    real, made = torch.randn(4, critic.pacdim), torch.randn(4, critic.pacdim)
    monkeypatch.setattr(gan, "_real_and_made", lambda rows: (real, made))
    monkeypatch.setattr(torch, "rand", lambda *shape, device: torch.full(shape, 0.5))
    flat_real, flat_made = real.view(40, -1), made.view(40, -1).requires_grad_()
    theirs = critic(flat_made).mean() - critic(flat_real).mean()
    theirs = theirs + critic.calc_gradient_penalty(flat_real, flat_made, CPU, 10)
    assert float(gan._critic_loss(critic, None).detach()) == pytest.approx(float(theirs.detach()), rel=1e-5)


def test_missed_levels_cost_what_they_cost_in_ctgan() -> None:
    gan = small_gan()
    output = torch.randn(200, LAYOUT.width)
    columns, levels = gan._data_sampler.draw(200)
    library = CTGAN(enable_gpu=False)
    library._transformer = DataTransformer()
    library._transformer.output_info_list = INFO
    condition = gan._data_sampler.one_hot(levels)
    theirs = library._cond_loss(output, condition, torch.nn.functional.one_hot(columns, 2))
    assert float(gan._miss(output, columns, levels)) == pytest.approx(float(theirs), rel=1e-5)


def test_the_loss_of_tvae_is_that_of_ctgan() -> None:
    rows = Rows(LAYOUT, DATA, CPU)
    batch = torch.arange(200)
    output, noise = torch.randn(200, LAYOUT.width), torch.rand(LAYOUT.width) + 0.1
    mean, log_variance = torch.zeros(200, 4), torch.zeros(200, 4)
    theirs, _ = _loss_function(output, rows.matrix(batch), noise, mean, log_variance, INFO, 2)
    ours = reconstruction_loss(output, noise, rows.numbers[batch], rows.positions[batch], SPANS)
    assert float(ours) * 2 / 200 == pytest.approx(float(theirs), rel=1e-5)


def test_a_fit_imports_no_compiler_and_starts_no_process() -> None:
    code = (
        "import sys, numpy as np, pandas as pd, multiprocessing, psutil\n"
        "from realmix.tasks.synthesizers._networks import FastCtgan\n"
        "data = pd.DataFrame({'x': np.arange(600.0), 'k': ['a', 'b'] * 300})\n"
        "FastCtgan(epochs=1, batch_size=200, enable_gpu=False).fit(data, ['k'])\n"
        "assert 'torch._dynamo' not in sys.modules\n"
        "assert not psutil.Process().children()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("ours", "library"), [(FastCtgan, CTGAN), (FastTvae, TVAE)])
def test_rows_are_as_good_as_those_of_the_library(
    ours: type[BaseSynthesizer], library: type[BaseSynthesizer]
) -> None:
    """SDMetrics' quality of claims: within what two seeds of one network differ by."""
    data = simulate(400, None, 3)[["claim_type", "channel", "claim_amount", "n_witnesses", "is_fraud"]]
    data = data.dropna().astype({"n_witnesses": float})
    discrete = ["claim_type", "channel", "is_fraud"]
    columns = {c: {"sdtype": "categorical" if c in discrete else "numerical"} for c in data}
    quality = []
    for network in (ours, library):
        model = network(epochs=60, batch_size=200, enable_gpu=False)
        model.fit(data, discrete)
        report = QualityReport()
        report.generate(
            {"t": data}, {"t": model.sample(400)}, {"tables": {"t": {"columns": columns}}}, verbose=False
        )
        quality.append(report.get_score())
    assert quality[0] > quality[1] - 0.05


def small_gan() -> FastCtgan:
    gan = FastCtgan(epochs=0, batch_size=40, enable_gpu=False)
    gan.fit(DATA, DISCRETE)
    return gan
