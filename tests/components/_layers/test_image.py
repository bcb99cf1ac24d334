import pytest
import torch
from torch.nn import functional

from seqspec.components._layers.image import ImageConvolution, _pool_in_order, pad_same, pool_same

torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("size", "stride", "sides"), [(6, 2, (0, 1)), (5, 2, (1, 1)), (5, 1, (1, 1)), (1, 2, (1, 1))]
)
def test_what_does_not_divide_evenly_stands_below_and_right(size, stride, sides):
    padded = pad_same(torch.ones(1, 1, size, size), kernel=3, stride=stride)

    assert padded.shape == (1, 1, size + sum(sides), size + sum(sides))
    assert torch.equal(padded, functional.pad(torch.ones(1, 1, size, size), (*sides, *sides)))


@pytest.mark.parametrize("size", [(6, 4), (5, 4), (5, 7), (1, 1), (2, 3)])
def test_both_ways_to_pool_agree(size):
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0)).requires_grad_()
    pooled = pool_same(x)
    ordered = _pool_in_order(pad_same(x, kernel=3, stride=2, value=-torch.inf))

    gradients = [torch.autograd.grad(given.square().sum(), x)[0] for given in (pooled, ordered)]
    assert pooled.shape == (2, 3, -(-size[0] // 2), -(-size[1] // 2))
    torch.testing.assert_close(ordered, pooled)
    torch.testing.assert_close(gradients[1], gradients[0])


def test_separable_equals_a_whole_kernel_of_rank_one():
    torch.manual_seed(0)
    layer = ImageConvolution(3, 4, kernel=3, separable=True, relu=False)
    each, mix = layer.convolutions
    x = torch.randn(2, 3, 5, 6)

    whole = mix.weight * each.weight.transpose(0, 1)
    expected = functional.conv2d(x, whole, padding=1).permute(0, 2, 3, 1)
    expected = functional.layer_norm(expected, (4,), eps=1e-6).permute(0, 3, 1, 2)

    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)
