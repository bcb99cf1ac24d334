import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from seqspec.components._layers.weight_norm import weight_norm


@pytest.mark.parametrize("kind", [nn.Conv1d, nn.ConvTranspose1d])
def test_weight_norm_is_torchs_to_the_bit_and_by_name(kind):
    torch.manual_seed(0)
    plain = kind(6, 4, 3)
    ours, theirs = weight_norm(copy.deepcopy(plain)), parametrizations.weight_norm(copy.deepcopy(plain))
    x = torch.randn(2, 6, 20)

    for layer in (ours, theirs):
        layer(x).square().sum().backward()

    assert torch.equal(ours.weight, theirs.weight)
    pairs = zip(ours.named_parameters(), theirs.named_parameters(), strict=True)
    assert all(a == b and torch.equal(one.grad, other.grad) for (a, one), (b, other) in pairs)


def test_layers_and_their_copies_have_weights_of_their_own():
    first, second = weight_norm(nn.Conv1d(2, 2, 3)), weight_norm(nn.Conv1d(2, 2, 3))
    third = copy.deepcopy(first)
    before = first.weight.clone()

    with torch.no_grad():
        second.weight, third.weight = torch.zeros(2, 2, 3) + 2, torch.zeros(2, 2, 3) + 3

    assert torch.equal(first.weight, before)
    assert torch.allclose(second.weight, torch.full((2, 2, 3), 2.0))
    assert torch.allclose(third.weight, torch.full((2, 2, 3), 3.0))
