import pytest
import torch
from torch.nn import functional

from seqspec.components._layers.feed_forward import ACTIVATIONS, GATED, FeedForward
from seqspec.components._layers.linear import Linear

torch.set_num_threads(1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_linear_layer_is_torchs(dtype):
    torch.manual_seed(0)
    layer = Linear(6, 5).to(dtype)
    x = torch.randn(3, 4, 6, dtype=dtype, requires_grad=True)
    inputs = [x, *layer.parameters()]
    expected = functional.linear(x, layer.weight, layer.bias)

    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(
        torch.autograd.grad(layer(x).square().sum(), inputs),
        torch.autograd.grad(expected.square().sum(), inputs),
    )


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_relu_in_place_has_relus_gradients(kernel, dropout):
    torch.manual_seed(1)
    network = FeedForward(8, inner=12, activation="relu", dropout=dropout, kernel=kernel)
    x = torch.randn(2, 6, 8, requires_grad=True)
    inputs = [x, *network.parameters()]
    torch.manual_seed(2)
    given = network(x)
    slopes = torch.autograd.grad(given.square().sum(), inputs)
    torch.manual_seed(2)
    inner = network.expand(x) if kernel == 1 else network._convolve(x, None)
    expected = network.contract(network.dropout(inner.relu()))

    torch.testing.assert_close(given, expected)
    torch.testing.assert_close(slopes, torch.autograd.grad(expected.square().sum(), inputs))


def test_relu_in_place_under_a_lower_precision():
    network = FeedForward(8, inner=12, activation="relu", dropout=0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        given = network(torch.randn(2, 6, 8))

    given.float().sum().backward()

    assert given.dtype == torch.bfloat16
    assert all(weight.grad.isfinite().all() for weight in network.parameters())


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_is_its_formula(activation):
    network = FeedForward(8, inner=12, activation=activation, dropout=0.0)
    x = torch.randn(2, 6, 8)
    inner = functional.linear(x, network.expand.weight, network.expand.bias)
    function = ACTIVATIONS[activation]
    gated = activation in GATED
    expected = function(inner[..., :12]) * inner[..., 12:] if gated else function(inner)

    torch.testing.assert_close(network(x), network.contract(expected))
