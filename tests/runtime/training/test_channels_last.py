"""``train.channels_last``: another layout in memory while training, the same mathematics."""

import torch
from torch import nn
from torch.nn import functional

from seqspec.runtime.training.channels_last import hold_channels_last


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.ConvTranspose2d(8, 4, 3))


def test_convolutions_read_channels_last_while_training_alone():
    model, plain, x = network(), network(), torch.randn(2, 3, 9, 9)
    hold_channels_last(model)

    evaluated, expected = model.eval()(x), plain.eval()(x)
    trained = model.train()(x)

    assert trained.is_contiguous(memory_format=torch.channels_last)
    assert not trained.is_contiguous()
    assert evaluated.is_contiguous()
    torch.testing.assert_close(trained, plain.train()(x), atol=1e-5, rtol=1e-5)
    assert torch.equal(evaluated, expected)


def test_gradients_and_weights_keep_their_place_in_memory():
    model, plain, x = network(), network(), torch.randn(2, 3, 9, 9)
    hold_channels_last(model)
    for one in (model, plain):
        functional.silu(one(x)).sum().backward()

    for own, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert own.is_contiguous()
        assert own.grad.is_contiguous()
        torch.testing.assert_close(own.grad, other.grad, atol=1e-4, rtol=1e-4)
