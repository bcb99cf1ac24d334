"""Relative positions inside a window, against a loop over pairs."""

import pytest
import torch

from seqspec.components.encoder.relative_transformer import RelativeTransformer
from seqspec.schema.config import Mismatch
from seqspec.schema.encoder.relative_transformer import RelativeTransformerConfig
from seqspec.schema.types import Frames, Tokens

SETTINGS = {"dim": 6, "num_layers": 1, "num_heads": 2, "feed_forward_dim": 8, "window": 2, "dropout": 0.0}


def test_distances_enter_keys_and_values_inside_the_window():
    torch.manual_seed(1)
    attention = RelativeTransformer(RelativeTransformerConfig(**SETTINGS), Frames(6)).layers[0].attention
    x, size, heads = torch.randn(1, 7, 6), 7, 2
    query, key, value = (
        one.view(size, heads, 3) for one in attention.queries_keys_values(x)[0].chunk(3, dim=1)
    )
    expected = torch.zeros(size, heads, 3)
    for head in range(heads):
        for i in range(size):
            near = {j: attention.near_keys_WE[j - i + 2] for j in range(size) if abs(j - i) <= 2}
            scores = torch.stack([query[i, head] @ (key[j, head] + near.get(j, 0)) for j in range(size)])
            share = (scores * 3**-0.5).softmax(0)
            for j in range(size):
                beside = attention.near_values_WE[j - i + 2] if j in near else 0
                expected[i, head] += share[j] * (value[j, head] + beside)

    found = attention(x, torch.ones(1, 1, 1, size, dtype=torch.bool))

    torch.testing.assert_close(found[0], attention.output(expected.flatten(1)))


@pytest.mark.parametrize(
    ("settings", "source", "words"),
    [
        ({"num_heads": 4}, Frames(6), "4 heads do not divide a width of 6"),
        ({"kernel": 2}, Frames(6), "no middle"),
        ({}, Tokens(5), "sequence of vectors"),
    ],
)
def test_what_does_not_fit_is_refused(settings, source, words):
    with pytest.raises(Mismatch, match=words):
        RelativeTransformerConfig(**SETTINGS | settings).output(source)
