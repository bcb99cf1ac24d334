import pytest
import torch
from torch import nn

from seqspec.components._layers.attention import Attention, attend_by_sums
from seqspec.components._layers.masks import attention_mask, document_mask, with_ends
from seqspec.components._layers.positions import RelativeBias, linear_bias, rotate, sinusoids

torch.set_num_threads(1)


def copied(attention: Attention, dim: int, heads: int) -> nn.MultiheadAttention:
    theirs = nn.MultiheadAttention(dim, heads, batch_first=True).eval()
    parts = (attention.query, attention.key, attention.value)
    with torch.no_grad():
        for part in parts:
            part.bias.normal_()
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        theirs.out_proj.weight.copy_(attention.output.weight)
        theirs.out_proj.bias.copy_(attention.output.bias)
    return theirs


def test_equals_torch_multihead_attention_within_1e5():
    torch.manual_seed(0)
    mine = Attention(12, num_heads=3).eval()
    theirs = copied(mine, 12, 3)
    x, lengths = torch.randn(2, 5, 12), torch.tensor([5, 3])
    real = torch.arange(5) < lengths[:, None]
    expected, weights = theirs(x, x, x, key_padding_mask=~real)

    torch.testing.assert_close(mine(x, mask=attention_mask(lengths, 5)), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        mine.weights(x, x, mask=attention_mask(lengths, 5)), weights, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("causal", [False, True])
def test_cheap_dropout_path_agrees_with_the_kernel_where_nothing_is_dropped(causal):
    torch.manual_seed(0)
    attention = Attention(8, num_heads=2, dropout=1e-9)
    x = torch.randn(2, 4, 8)
    mask = None if causal else attention_mask(torch.tensor([4, 2]), 4)

    torch.testing.assert_close(
        attention(x, mask=mask, causal=causal), attention.eval()(x, mask=mask, causal=causal)
    )


@pytest.mark.parametrize("kind", ["none", "seen", "bias"])
def test_sums_are_what_the_kernel_gives(kind):
    generator = torch.Generator().manual_seed(2)
    queries, keys, values = (torch.randn(2, 3, size, 8, generator=generator) for size in (2, 7, 7))
    mask = {
        "none": None,
        "seen": torch.arange(7) < torch.tensor([4, 7])[:, None, None, None],
        "bias": torch.randn(3, 2, 7, generator=generator),
    }[kind]

    found = attend_by_sums(queries, keys, values, mask, scale=0.2)

    expected = nn.functional.scaled_dot_product_attention(queries, keys, values, mask, scale=0.2)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("rotary", [False, True])
def test_a_step_at_a_time_equals_all_at_once(rotary):
    torch.manual_seed(0)
    attention = Attention(8, num_heads=2, rotary=rotary).eval()
    x = torch.randn(3, 5, 8)
    whole = attention(x, causal=True)
    past = attention.no_past(examples=3)
    for at in range(5):
        y, past = attention.step(x[:, at], past, position=at)
        torch.testing.assert_close(y, whole[:, at])


def test_hypotheses_share_the_memory_of_their_example():
    torch.manual_seed(0)
    attention = Attention(8, num_heads=2, memory_dim=6).eval()
    memory, queries = torch.randn(2, 4, 6), torch.randn(2, 3, 8)
    expected = attention(queries, memory)

    got = attention.look(queries.flatten(0, 1), attention.remember(memory))
    torch.testing.assert_close(got, expected.flatten(0, 1))


def test_rotations_depend_on_distance_alone():
    q, k = torch.randn(1, 1, 1, 6), torch.randn(1, 1, 1, 6)
    near = (rotate(q, start=7) * rotate(k, start=4)).sum()

    torch.testing.assert_close(
        (rotate(q, start=103) * rotate(k, start=100)).sum(), near, atol=1e-4, rtol=1e-4
    )


def test_sinusoids_go_on_where_they_stopped():
    whole = sinusoids(0, 9, dim=6, device=torch.device("cpu"))

    torch.testing.assert_close(sinusoids(4, 5, dim=6, device=torch.device("cpu")), whole[4:])
    assert sinusoids(0, 2, dim=5, device=torch.device("cpu")).shape == (2, 5)


@pytest.mark.parametrize("causal", [False, True])
def test_relative_buckets_tell_near_places_apart_and_merge_far_ones(causal):
    bias = RelativeBias(2, causal=causal)
    distance = torch.arange(-300, 1 if causal else 301)
    buckets = bias.bucket(distance)

    assert buckets.min() >= 0
    assert buckets.max() < 32
    near = buckets[(distance <= 0) & (distance > -8)]
    assert len(near.unique()) == 8
    assert len(buckets[distance < -200].unique()) == 1
    assert bias(2, 5).shape == (1, 2, 2, 5)


def test_last_query_stands_at_the_last_key():
    bias = RelativeBias(2, causal=True)
    nn.init.normal_(bias.weight)

    torch.testing.assert_close(bias(1, 6), bias(6, 6)[:, :, 5:])
    flat = linear_bias(1, 6, num_heads=2, device=torch.device("cpu"))
    torch.testing.assert_close(flat, linear_bias(6, 6, num_heads=2, device=torch.device("cpu"))[:, :, 5:])


def test_documents_do_not_see_one_another():
    mask = document_mask(torch.tensor([[1, 1, 2, 2, 0]]))[0, 0].int().tolist()

    assert mask == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]


def test_ends_are_added_at_each_length():
    inputs, labels = with_ends(torch.tensor([[7, 8], [9, 0]]), torch.tensor([2, 1]), begin=2, end=3)

    assert inputs.tolist() == [[2, 7, 8], [2, 9, 0]]
    assert labels.tolist() == [[7, 8, 3], [9, 3, 0]]
