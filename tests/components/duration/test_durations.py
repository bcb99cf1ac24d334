"""Models of durations: a distribution over whole numbers, or one number."""

import pytest
import torch

from seqspec.components.duration.stochastic import Stochastic
from seqspec.schema.config import Mismatch
from seqspec.schema.duration.stochastic import StochasticConfig
from seqspec.schema.types import Frames, Nothing, States, Vector

SMALL = {"num_layers": 2, "num_flows": 2, "num_bins": 4, "dropout": 0.0}
TAKES = {"states": States(6), "speaker": Nothing()}


def made(*, kernel=3, **takes):
    torch.manual_seed(1)
    module = Stochastic(StochasticConfig(kernel=kernel, **SMALL), {**TAKES, **takes})
    for name, parameter in module.named_parameters():
        if "exit" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return module.double()


def test_the_probabilities_of_all_durations_add_up_to_one():
    """exp(-bound) is an unbiased estimate of a probability, whatever the posterior is; over a grid of even
    shares of the noise it is an integral, to about 0.01.
    """
    module, side, longest = made(kernel=1).float(), 16, 20
    torch.nn.init.constant_(module.posterior_flows[0].log_scale_C1, 0.55)  # so that u is spread evenly
    shares = torch.special.ndtri((torch.arange(side) + 0.5) / side)
    noise = torch.cartesian_prod(shares, shares)[:, :, None]
    states = torch.randn(1, 1, 6).expand(len(noise), -1, -1)
    mask = torch.ones(len(noise), 1, 1)

    def bounds(duration):
        return module(states, mask, torch.full((len(noise), 1), duration), noise)

    with torch.no_grad():
        each = [bounds(duration) for duration in range(1, longest + 1)]

    total = sum((-nll).exp().mean() for nll in each)
    torch.testing.assert_close(total, torch.ones_like(total), atol=0.03, rtol=0)
    assert all(nll.mean() > -(-nll).exp().mean().log() for nll in each)


def test_noise_becomes_durations_and_they_become_that_noise_again():
    module = made()
    states, mask, noise = torch.randn(2, 5, 6).double(), torch.ones(2, 5, 1), torch.randn(2, 2, 5).double()
    told = module._told(states, mask.transpose(1, 2).double(), None)

    x = noise
    for flow in reversed(module.flows):
        x = flow.inverse(x, mask.transpose(1, 2), told)
    for flow in module.flows:
        x, _ = flow(x, mask.transpose(1, 2), told)

    torch.testing.assert_close(x, noise, atol=1e-8, rtol=0)
    assert module.log_durations(states, mask, noise).shape == (2, 5)


def test_the_text_encoder_learns_nothing_of_durations():
    module = made()
    states = torch.randn(2, 5, 6).double().requires_grad_()

    module(states, torch.ones(2, 5, 1), torch.ones(2, 5), torch.randn(2, 2, 5).double()).sum().backward()

    assert states.grad is None
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_a_voice_has_a_pace_of_its_own():
    module = made(speaker=Vector(3))
    states, mask, noise = torch.randn(1, 5, 6).double(), torch.ones(1, 5, 1), torch.randn(1, 2, 5).double()

    one, other = (
        module.log_durations(states, mask, noise, torch.full((1, 3), x).double()) for x in (1.0, -1.0)
    )

    assert not torch.allclose(one, other)


@pytest.mark.parametrize(
    ("settings", "states", "words"),
    [({"kernel": 4}, States(6), "no middle"), ({}, Frames(6), "states of tokens")],
)
def test_what_does_not_fit_is_refused(settings, states, words):
    with pytest.raises(Mismatch, match=words):
        StochasticConfig(**settings).output({"states": states, "speaker": Nothing()})
