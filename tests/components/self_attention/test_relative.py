import torch
from torch.testing import assert_close

from seqspec.components._layers.projections import merge, project
from tests.components.self_attention.attention_parts import EXACT, WIDTH, made, states


def test_the_skewing_is_a_vector_for_every_distance():
    attention = made("relative", causal=True, max_distance=4)
    x_BTD = states(9)
    queries, keys, values = project(attention, x_BTD)
    expected = torch.zeros_like(queries)
    for at in range(9):
        distance = (at - torch.arange(at + 1)).clamp(max=3)
        scores = torch.einsum("bhe,bhke->bhk", queries[:, :, at], keys[:, :, : at + 1])
        scores = scores + torch.einsum("bhe,hke->bhk", queries[:, :, at], attention.distance_HRE[:, distance])
        weights = (scores * queries.shape[-1] ** -0.5).softmax(-1)
        expected[:, :, at] = torch.einsum("bhk,bhke->bhe", weights, values[:, :, : at + 1])

    assert_close(attention(x_BTD), attention.output(merge(expected)), **EXACT)


def test_packed_documents_are_read_apart():
    attention = made("relative", causal=True, max_distance=8)
    x_BTD = states(10)
    segments = torch.tensor([0] * 4 + [1] * 6).expand(2, -1)

    both = attention(x_BTD, segments_BT=segments)

    assert_close(both[:, 4:], attention(x_BTD[:, 4:]), **EXACT)
    assert both.shape == (2, 10, WIDTH)
