import pytest
import torch
from torch.nn import functional

from seqspec.components.encoder.lenet import Lenet, pool, pool_in_order
from seqspec.schema.config import Mismatch
from seqspec.schema.encoder.lenet import LenetConfig
from seqspec.schema.types import Image, Tokens, Vector

torch.set_num_threads(1)

TINY = LenetConfig(channels=[2, 3], kernel=3, dim=4)


@pytest.mark.parametrize("image", [Image(1, 28, 28), Image(3, 9, 6), Image(1, 1, 1), Image(2, 5, 1)])
def test_declared_type_and_parameters_are_what_is_built(image):
    with torch.device("meta"):
        encoder = Lenet(TINY, image)
        given, lengths = encoder(torch.empty(2, image.channels, image.height, image.width))

    assert TINY.output(image) == Vector(4)
    assert given.shape == (2, 4)
    assert lengths is None
    assert sum(p.numel() for p in encoder.parameters()) == TINY.parameters({"source": image})


def test_lingvo_sizes_are_the_defaults():
    with torch.device("meta"):
        encoder = Lenet(LenetConfig(), Image(1, 28, 28))

    shapes = [tuple(p.shape) for p in encoder.parameters()]
    assert shapes == [(20, 1, 5, 5), (50, 20, 5, 5), (300, 2450), (300,)]


def test_equals_lingvos_order_of_relu_and_pooling():
    torch.manual_seed(0)
    encoder = Lenet(TINY, Image(1, 8, 8)).eval()
    x = torch.randn(2, 1, 8, 8)

    expected = x
    for convolution in encoder.convolutions:
        expected = functional.max_pool2d(convolution(expected).relu(), 2)
    expected = encoder.linear(expected.flatten(1)).relu()

    torch.testing.assert_close(encoder(x)[0], expected)


@pytest.mark.parametrize("size", [(6, 4), (5, 4), (5, 7), (1, 1)])
def test_both_ways_to_pool_agree(size):
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0)).requires_grad_()

    (given,) = torch.autograd.grad(pool(x).square().sum(), x)
    (ordered,) = torch.autograd.grad(pool_in_order(x).square().sum(), x)

    torch.testing.assert_close(pool_in_order(x), pool(x))
    torch.testing.assert_close(ordered, given)


def test_dropout_acts_while_training_only():
    torch.manual_seed(0)
    encoder = Lenet(TINY.model_copy(update={"dropout": 0.5}), Image(1, 8, 8))
    x = torch.randn(1, 1, 8, 8)

    assert not torch.equal(encoder(x)[0], encoder(x)[0])
    encoder.eval()
    assert torch.equal(encoder(x)[0], encoder(x)[0])


def test_what_does_not_fit_is_said():
    with pytest.raises(Mismatch, match="reads images"):
        TINY.output(Tokens(5))
    with pytest.raises(Mismatch, match="no middle") as caught:
        LenetConfig(kernel=4).output(Image(1, 28, 28))
    assert caught.value.at == ("kernel",)
    assert caught.value.help == "the nearest sizes are 3 and 5"
