"""Mamba-2: chunks give what the recurrence gives, and state can be carried over a cut."""

from __future__ import annotations

import torch
from torch.nn import functional

from tests.components.self_attention.attention_parts import made, real, states

KEYS = {"state_dim": 6, "head_dim": 8}
CLOSE = {"atol": 1e-5, "rtol": 1e-4}
"""Sums of a few hundred products in float32, in another order."""


def test_chunks_are_the_recurrence():
    scan = made("mamba2", causal=True, **KEYS).ahead
    x_BTD = states(150)
    gate, mixed, steps = scan._inputs(x_BTD)
    padded = functional.pad(mixed, (0, 0, 3, 0))
    weight = scan.convolution.weight[:, 0]
    convolved = torch.stack([(padded[:, t : t + 4] * weight.T).sum(1) for t in range(150)], 1)
    x, keys, queries = scan._parts(functional.silu(convolved + scan.convolution.bias))
    state, given = torch.zeros(2, 4, 8, 6), []
    for t in range(150):
        decay = (-scan.log_decay_H.exp() * steps[:, t]).exp()
        added = torch.einsum("bh,bhp,bs->bhps", steps[:, t], x[:, t], keys[:, t])
        state = state * decay[..., None, None] + added
        y = torch.einsum("bhps,bs->bhp", state, queries[:, t]) + scan.skip_H[:, None] * x[:, t]
        given.append(y.flatten(1))

    torch.testing.assert_close(scan(x_BTD), scan._given(torch.stack(given, 1), gate), **CLOSE)


def test_an_encoder_reads_each_row_backwards_from_its_own_end():
    module = made("mamba2", **KEYS)
    x_BTD = states(90)
    backwards = module.back(x_BTD[1:, :50].flip(1)).flip(1)

    found = module(x_BTD, real_BT=real(90, 50))[1:, :50]

    torch.testing.assert_close(found, module.ahead(x_BTD[1:, :50]) + backwards, **CLOSE)


def test_decays_that_are_very_fast_give_numbers():
    module = made("mamba2", causal=True, **KEYS)
    with torch.no_grad():
        module.ahead.log_decay_H.fill_(9.0)
    x_BTD = states(200).requires_grad_()

    module(x_BTD).sum().backward()

    assert all(p.grad.isfinite().all() for p in module.parameters())
