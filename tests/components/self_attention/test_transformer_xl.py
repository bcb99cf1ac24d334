"""Transformer-XL equals the same rule over the matrix of all pairs, and stops gradients at its memory."""

from __future__ import annotations

import pytest
import torch

from seqspec.components._layers.positions import sinusoids
from seqspec.components._layers.projections import merge, project
from tests.components.self_attention.attention_parts import EXACT, HEADS, WIDTH, made, states


@pytest.mark.parametrize(("size", "segment", "memory"), [(5, 8, 12), (30, 8, 12), (32, 8, 3), (33, 4, 16)])
def test_it_is_the_matrix_of_pairs_with_distances(size, segment, memory):
    module = made("transformer_xl", causal=True, segment=segment, memory=memory)
    torch.nn.init.normal_(module.scores.content_bias_HE)
    torch.nn.init.normal_(module.scores.distance_bias_HE)
    x_BTD = states(size)
    queries, keys, values = project(module, x_BTD)
    place = torch.arange(size)
    distance = place[:, None] - place
    table = module.scores.distance(sinusoids(0, size, dim=WIDTH, device=x_BTD.device))
    relative = table.unflatten(1, (HEADS, -1))[distance.clamp(min=0)]
    scores = (queries + module.scores.content_bias_HE[:, None]) @ keys.transpose(-1, -2)
    scores = scores + torch.einsum(
        "bhqe,qkhe->bhqk", queries + module.scores.distance_bias_HE[:, None], relative
    )
    start = place // segment * segment
    open_ = (distance >= 0) & (place >= start[:, None] - memory)
    weights = (scores * queries.shape[-1] ** -0.5).masked_fill(~open_, -torch.inf).softmax(-1)

    torch.testing.assert_close(module(x_BTD), module.output(merge(weights @ values)), **EXACT)


def test_no_gradient_goes_into_the_memory():
    module = made("transformer_xl", causal=True, segment=8, memory=8)
    x_BTD = states(24).requires_grad_()

    module(x_BTD)[:, 20].sum().backward()

    reached = x_BTD.grad.abs().sum((0, 2)) > 0
    assert reached.nonzero().flatten().tolist() == list(range(16, 21))
