import pytest
import torch
from torch import nn
from torch.nn import functional

from seqspec.components._layers.linear import Linear, affine, affine_together, prepacked


@pytest.fixture
def layers():
    torch.manual_seed(0)
    return Linear(6, 4), Linear(6, 3)


@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer_is_torchs(bias):
    torch.manual_seed(0)
    layer, x = Linear(6, 4, bias=bias), torch.randn(2, 5, 6)

    torch.testing.assert_close(layer(x), functional.linear(x, layer.weight, layer.bias))


def test_several_layers_in_one_product_give_what_each_gives(layers):
    x = torch.randn(5, 6)

    for given, layer in zip(affine_together(x, *layers), layers, strict=True):
        torch.testing.assert_close(given, layer(x))


def test_prepacked_products_are_the_same_products(layers):
    x = torch.randn(2, 5, 6)
    with torch.no_grad():
        expected = layers[0](x), *affine_together(x, *layers)
        with prepacked():
            for _ in range(2):
                for given, wanted in zip((layers[0](x), *affine_together(x, *layers)), expected, strict=True):
                    torch.testing.assert_close(given, wanted)


def test_a_weight_that_changes_after_the_block_is_seen(layers):
    layer, x = layers[0], torch.randn(5, 6)
    with torch.no_grad():
        with prepacked():
            layer(x)
        layer.weight.zero_()
        layer.bias.zero_()
        assert not layer(x).any()
        with prepacked():
            assert not layer(x).any()


def test_gradients_flow_in_a_prepacked_block(layers):
    with prepacked():
        layers[0](torch.randn(5, 6)).sum().backward()

    assert layers[0].weight.grad is not None


def test_only_parameters_are_kept():
    x, table = torch.randn(5, 6), nn.Parameter(torch.randn(4, 6))
    with torch.no_grad(), prepacked():
        for part in (table[:2], table[2:]):
            torch.testing.assert_close(affine(x, part, None), x @ part.t())
        table.mul_(2)
        torch.testing.assert_close(affine(x, table[:2], None), x @ table[:2].t())


@pytest.mark.parametrize("shape", [(1, 256), (5, 256), (2, 40, 256), (0, 256), (1, 1, 256)])
@pytest.mark.parametrize("bias", [True, False])
def test_large_weights_laid_out_for_onednn_give_the_same_products(shape, bias):
    torch.manual_seed(0)
    layer, other, x = Linear(256, 4200, bias=bias), Linear(256, 100, bias=bias), torch.randn(shape)
    with torch.inference_mode(), prepacked():
        given = layer(x), *affine_together(x, layer, other), affine(x, layer.weight, layer.bias)

    for found, made_by in zip(given, (layer, layer, other, layer), strict=True):
        torch.testing.assert_close(found, functional.linear(x, made_by.weight, made_by.bias))


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")
def test_what_onednn_does_not_take_goes_to_torch():
    layer = Linear(256, 1100).to(torch.float64)
    x = torch.randn(5, 256, dtype=torch.float64)
    with torch.no_grad(), prepacked():
        torch.testing.assert_close(layer(x), functional.linear(x, layer.weight, layer.bias))
    layer = layer.float()
    with torch.no_grad(), torch.autocast("cpu"), prepacked():
        given = layer(x.float())

    assert given.dtype == torch.bfloat16
