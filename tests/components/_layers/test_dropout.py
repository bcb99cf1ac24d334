import math

import pytest
import torch

from seqspec.components._layers.dropout import Dropout, dropout, random_bits

torch.set_num_threads(1)


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_rate_and_mean_are_right(p):
    torch.manual_seed(0)
    x = torch.ones(400_000)

    y = dropout(x, p)

    zeros = (y == 0).double().mean().item()
    assert abs(zeros - p) < 5 * math.sqrt(p * (1 - p) / len(x))
    assert y.unique().tolist() == [0.0, pytest.approx(1 / (1 - p), rel=1e-4)]


def test_masks_repeat_with_the_seed_and_not_without():
    x = torch.ones(64, 64)
    torch.manual_seed(3)
    first, second = dropout(x, 0.4), dropout(x, 0.4)
    torch.manual_seed(3)

    assert torch.equal(dropout(x, 0.4), first)
    assert not torch.equal(first, second)


def test_neighbours_and_successive_masks_are_independent():
    torch.manual_seed(1)
    masks = torch.stack([dropout(torch.ones(200_000), 0.5) > 0 for _ in range(3)]).double() - 0.5
    bound = 5 * 0.25 / math.sqrt(masks.shape[1])

    for lag in (1, 2, 3, 4, 5, 8, 16, 64, 256):
        assert abs((masks[0, lag:] * masks[0, :-lag]).mean().item()) < bound
    for other in (1, 2):
        assert abs((masks[0] * masks[other]).mean().item()) < bound


def test_bits_fill_their_range_evenly():
    torch.manual_seed(2)
    bits = random_bits(400_000).long() + 2**15

    counts = torch.bincount(bits // 4096, minlength=16).double()
    statistic = ((counts - 25_000) ** 2 / 25_000).sum().item()
    assert statistic < 40  # chi-square with 15 degrees of freedom: p about 0.0005


def test_one_word_gives_four_bit_groups_that_do_not_agree():
    torch.manual_seed(4)
    groups = random_bits(400_000).view(-1, 4).double()
    groups = (groups - groups.mean(0)) / groups.std(0)

    off = (groups.T @ groups / len(groups)) - torch.eye(4)
    assert off.abs().max() < 5 / math.sqrt(len(groups))


def test_gradient_goes_through_the_same_mask():
    torch.manual_seed(0)
    x = torch.randn(50, 50, requires_grad=True)
    y = dropout(x, 0.3)
    y.sum().backward()

    torch.testing.assert_close(y.detach(), x.detach() * x.grad)


def test_evaluation_and_rate_zero_leave_everything():
    x = torch.randn(8)

    assert Dropout(0.5).eval()(x) is x
    assert dropout(x, 0.0) is x


def test_odd_sizes_and_half_precision():
    for count in (1, 3, 5, 7):
        assert dropout(torch.ones(count, dtype=torch.bfloat16), 0.5).dtype == torch.bfloat16


def test_added_is_the_sum_in_one_pass_with_the_same_gradients():
    layer = Dropout(0.3)
    given = [torch.randn(5, 7, requires_grad=True) for _ in range(2)]
    torch.manual_seed(6)
    one = layer.added(*given)
    slopes = torch.autograd.grad(one.square().sum(), given)
    torch.manual_seed(6)
    other = given[0] + layer(given[1])

    torch.testing.assert_close(one, other)
    torch.testing.assert_close(slopes, torch.autograd.grad(other.square().sum(), given))
    assert torch.equal(layer.eval().added(*given), given[0] + given[1])


def test_added_takes_a_sum_that_has_to_be_spread():
    x, y = torch.zeros(3, 4, requires_grad=True), torch.ones(4, requires_grad=True)
    total = Dropout(0.5).added(x, y)

    total.sum().backward()

    assert total.shape == x.shape
    assert y.grad is not None
    assert y.grad.shape == y.shape
