"""The window is exact: what it gives is dense attention under its mask."""

from __future__ import annotations

import pytest
import torch

from tests.components.self_attention.attention_parts import EXACT, dense, made, real, states

SIZES = (7, 33, 150)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("window", "dilation"), [(2, 1), (8, 1), (40, 1), (6, 3), (4, 50)])
def test_a_window_is_dense_attention_under_its_mask(size, window, dilation):
    for causal in (False, True):
        module = made("sliding_window", causal=causal, window=window, dilations=[dilation], rotary=True)
        x_BTD = states(size)
        before, after = (window, 0) if causal else (window // 2, window // 2)

        def seen(q, k, before=before, after=after):
            near = (q - k <= before * dilation) & (k - q <= after * dilation)
            return near & ((q - k) % dilation == 0)

        torch.testing.assert_close(module(x_BTD), dense(module, x_BTD, seen), **EXACT)


def test_heads_have_their_own_dilations():
    module = made("sliding_window", window=4, dilations=[1, 1, 2, 5])
    x_BTD = states(40)

    def seen(q, k):
        each = [((q - k).abs() <= 2 * d) & ((q - k) % d == 0) for d in (1, 1, 2, 5)]
        return torch.stack(each)

    torch.testing.assert_close(module(x_BTD), dense(module, x_BTD, seen), **EXACT)


@pytest.mark.parametrize("dilation", [1, 3])
def test_global_tokens_count_once(dilation):
    module = made("sliding_window", window=4, dilations=[dilation], global_tokens=3)
    x_BTD, real_BT = states(40), real(40, 2)  # the second row has fewer tokens than are global

    def seen(q, k):
        near = ((q - k).abs() <= 2 * dilation) & ((q - k) % dilation == 0)
        return near | (k < 3)

    found, expected = module(x_BTD, real_BT=real_BT), dense(module, x_BTD, seen, real_BT=real_BT)
    torch.testing.assert_close(found[0, 3:], expected[0, 3:], **EXACT)
    # Their own projections begin as copies, so at first a global token is one that sees everything.
    everything = dense(module, x_BTD, lambda q, k: q == q + 0 * k, real_BT=real_BT)
    torch.testing.assert_close(found[0, :3], everything[0, :3], **EXACT)
    torch.testing.assert_close(found[1, :2], everything[1, :2], **EXACT)


def test_global_tokens_of_a_decoder_do_not_look_ahead():
    module = made("sliding_window", causal=True, window=5, global_tokens=4)
    x_BTD = states(60)

    expected = dense(module, x_BTD, lambda q, k: (k <= q) & ((q - k <= 5) | (k < 4)))

    torch.testing.assert_close(module(x_BTD), expected, **EXACT)


def test_documents_of_a_row_do_not_see_each_other():
    module = made("sliding_window", causal=True, window=8, global_tokens=2, dilations=[1, 1, 2, 2])
    x_BTD = states(50)
    segments_BT = torch.tensor([[0] * 20 + [1] * 30, [0] * 50])

    found = module(x_BTD, segments_BT=segments_BT)

    torch.testing.assert_close(found[0, :20], module(x_BTD[:, :20])[0], **EXACT)
    x_BTD[0, :20] = 9.0
    torch.testing.assert_close(module(x_BTD, segments_BT=segments_BT)[0, 20:], found[0, 20:], **EXACT)


def test_what_is_outside_the_window_has_no_gradient():
    module = made("sliding_window", window=6, global_tokens=1)
    x_BTD = states(80).requires_grad_()

    module(x_BTD)[:, 40].sum().backward()

    reached = x_BTD.grad.abs().sum((0, 2)) > 0
    assert reached.nonzero().flatten().tolist() == [0, *range(37, 44)]


def test_dropped_probabilities_come_from_the_generator():
    module = made("sliding_window", window=6, dropout=0.5).train()
    x_BTD = states(30)
    torch.manual_seed(4)
    one = module(x_BTD)
    torch.manual_seed(4)

    torch.testing.assert_close(module(x_BTD), one, atol=0, rtol=0)
    assert not torch.allclose(module(x_BTD), one)
