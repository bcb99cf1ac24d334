"""Linformer mixes keys and values, and says how long an input may be."""

from __future__ import annotations

import pytest
import torch

from seqspec.components._layers.input_limits import InputTooLong
from tests.components.self_attention.attention_parts import EXACT, dense, made, real, states


def test_mixtures_that_pick_each_position_are_full_attention():
    module = made("linformer", max_length=20, num_slots=20)
    with torch.no_grad():
        module.mix_keys_ST.copy_(torch.eye(20))
        module.mix_values_ST.copy_(torch.eye(20))
    x_BTD = states(20)

    torch.testing.assert_close(module(x_BTD), dense(module, x_BTD, lambda q, k: q == q + 0 * k), **EXACT)


def test_padding_that_is_not_finite_does_not_leak():
    module = made("linformer", max_length=30, num_slots=5)
    x_BTD = states(30)
    x_BTD[1, 12:] = torch.inf

    found = module(x_BTD, real_BT=real(30, 12))[1, :12]

    torch.testing.assert_close(found, module(x_BTD[1:, :12])[0], **EXACT)


def test_keys_and_values_can_share_their_mixtures():
    shared, own = (made("linformer", max_length=30, sharing=s) for s in ("keys_values", "heads"))

    assert sum(p.numel() for p in own.parameters()) - sum(p.numel() for p in shared.parameters()) == 30 * 256


def test_an_input_that_is_too_long_is_refused_by_name():
    with pytest.raises(InputTooLong, match="`max_length`"):
        made("linformer", max_length=8)(states(9))
