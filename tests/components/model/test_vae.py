"""Bounds of the likelihood against quadrature, and what a posterior costs."""

import math

import pytest
import torch

from seqspec.components._layers.image_likelihood import discretised_logistic
from seqspec.components.loss.kl_divergence import KlDivergence
from seqspec.components.metric.active_units import ActiveUnits
from seqspec.components.metric.elbo import Elbo
from seqspec.components.metric.importance_bound import ImportanceBound
from seqspec.data.batching.batch import Batch
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Mismatch
from seqspec.schema.metric.elbo import ElboConfig
from seqspec.schema.metric.importance_bound import ImportanceBoundConfig
from seqspec.schema.types import Classes, Gaussian, Image, Likelihood, Logits
from tests.components.building import build, count, faults

CORPUS = {"source": Image(1, 4, 4), "target": Classes(3)}
SMALL = {"type": "vae", "latent": 1, "likelihood": "bernoulli", "binarize": "threshold",
         "encoder": {"type": "mlp", "dims": [6]}, "decoder": {"type": "mlp", "dims": [6]}}  # fmt: skip


def batch(rows=3):
    x = torch.rand(rows, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    return Batch.pair(x, None, torch.zeros(rows, dtype=torch.int64), None, torch.arange(rows))


@pytest.mark.parametrize(
    ("dims", "activation", "latent", "expected"),
    [([400], "relu", 20, 652_824), ([200, 200], "tanh", 50, 425_284)],
)
def test_models_of_the_literature_have_their_number_of_parameters(dims, activation, latent, expected):
    layers = {"type": "mlp", "dims": dims, "activation": activation}
    data = {"type": "vae", "latent": latent, "likelihood": "bernoulli", "encoder": layers, "decoder": layers}

    assert count(build(data, {"source": Image(1, 28, 28)}, device="meta").model) == expected


def test_bounds_lie_below_the_likelihood_and_rise_to_it():
    model = build(SMALL, CORPUS, seed=3).model.eval()
    grid = torch.linspace(-8, 8, 4001)[:, None]
    with torch.no_grad():
        for layer in (model.mean, model.log_variance):  # near the prior, so that few samples suffice
            layer.weight.mul_(0.1)
        wanted = model.likelihood.target(batch().source * 2 - 1)
        nll = torch.stack(
            [model.likelihood.nll(model.decoder(grid), one.expand(4001, 1, 4, 4)) for one in wanted]
        )
        prior = -0.5 * (grid[:, 0].square() + math.log(2 * math.pi))
        exact = (prior - nll).logsumexp(1) + math.log(16 / 4000)
        torch.manual_seed(0)
        often = batch().map(lambda x: x.repeat(400, *[1] * (x.dim() - 1)))
        one = model.bound(often, samples=1).view(400, 3)
        elbo = model.score(often).view(400, 3).mean(0)
        many = model.bound(often, samples=20).view(400, 3).logsumexp(0) - math.log(400)

    assert (one.mean(0) < exact).all()
    torch.testing.assert_close(one.mean(0), elbo, atol=0.1, rtol=0)
    torch.testing.assert_close(many, exact, atol=0.02, rtol=0)


def test_divergence_is_that_of_torch_and_free_bits_are_a_floor():
    mean, log_variance = torch.randn(4, 3), torch.randn(4, 3)
    theirs = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (0.5 * log_variance).exp()), torch.distributions.Normal(0.0, 1.0)
    )
    config = Catalogue().config("loss", "kl_divergence")

    plain = KlDivergence(config(), Gaussian(3))(mean, log_variance)
    free = KlDivergence(config(free_bits=0.7), Gaussian(3))(mean, log_variance)

    torch.testing.assert_close(plain.total, theirs.sum())
    torch.testing.assert_close(free.total, 4 * theirs.mean(0).clamp_min(0.7).sum())
    torch.testing.assert_close(free.terms["kl"], theirs.sum())


@pytest.mark.parametrize("log_scale", [-7.0, -3.0, 1.0])
def test_probabilities_of_the_values_of_a_pixel_add_up_to_one(log_scale):
    values = torch.arange(256) / 127.5 - 1
    means = torch.tensor([-1.0, -0.3, 0.0, 0.99])[:, None]

    total = discretised_logistic(values, means, torch.tensor(log_scale)).exp().sum(1)

    torch.testing.assert_close(total, torch.ones(4), atol=2e-3, rtol=0)


def test_every_likelihood_teaches_all_of_the_model():
    for kind in ("bernoulli", "logistic", "gaussian"):
        data = {key: value for key, value in SMALL.items() if key != "binarize"} | {"likelihood": kind}
        built = build(data, CORPUS)
        outputs = built.model.outputs(batch())
        loss = outputs["reconstruction"].total + outputs["posterior"].mean_BZ.square().sum()
        loss.backward()

        assert all(p.grad is not None and p.grad.isfinite().all() for p in built.model.parameters())
        assert built.gives == Likelihood(16, discrete=kind != "gaussian")


def test_metrics_tell_nats_and_bits_and_who_is_asleep():
    model, takes = build(SMALL, CORPUS).model.eval(), {"given": Likelihood(16)}
    with torch.no_grad():
        model.mean.weight.zero_()
        for metric in (Elbo(ElboConfig(), takes), ImportanceBound(ImportanceBoundConfig(samples=2), takes)):
            for one in metric.examine(model, batch()):
                metric.update(*one)
            found = list(metric.compute().items())
            assert found[0][1] == pytest.approx(-found[-1][1] * 16 * math.log(2))
        active = ActiveUnits(Catalogue().config("metric", "active_units")(), takes)
        for one in active.examine(model, batch()):
            active.update(*one)

    assert active.compute() == {"active_units": 0.0, "active_share": 0.0}
    assert Elbo(ElboConfig(), {"given": Likelihood(16, discrete=False)}).compute().keys() == {
        "elbo", "reconstruction", "kl"
    }  # fmt: skip


def test_models_and_metrics_refuse_what_does_not_fit():
    assert "one vector an image" in faults({**SMALL, "encoder": "strided_residual"}, CORPUS)[0]
    with pytest.raises(Mismatch, match="with a latent vector"):
        ElboConfig().output({"target": Classes(3), "given": Logits(3)})
    with pytest.raises(Mismatch, match="reads a posterior"):
        Catalogue().config("loss", "kl_divergence")().output(Likelihood(4))


def test_annealing_rises_in_every_cycle():
    cyclical = Catalogue().config("schedule", "cyclical_annealing")(total_steps=100, cycles=4, ramp=0.5)
    logistic = Catalogue().config("schedule", "logistic")()

    assert [cyclical.rate(step) for step in (1, 7, 13, 14, 25, 26, 101)] == pytest.approx(
        [0, 6 / 12.5, 12 / 12.5, 1, 1, 0, 1]
    )
    assert logistic.rate(2500) == 0.5
    assert logistic.rate(1) == pytest.approx(1 / (1 + math.exp(0.0025 * 2499)))


def test_what_is_shown_has_a_line_between_each_pair():
    shown = build(SMALL, CORPUS).model.show(batch(4))

    assert {name: len(values) for name, values in shown.items()} == {
        "samples": 64, "originals": 4, "reconstructions": 4, "interpolations": 16
    }  # fmt: skip
