"""Linformer; keys and values of padding are zero before they are mixed, which the paper's code leaves out."""

# B batch, T time, S slots, D width, H heads, E width of a head

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.attention import KeysValues, attend
from seqspec.components._layers.input_limits import InputTooLong
from seqspec.components._layers.projections import merge, project, projections
from seqspec.schema.self_attention.linformer import LinformerConfig
from seqspec.schema.types import States


class Linformer(nn.Module):
    """The names of the linear layers are those of full attention."""

    def __init__(self, config: LinformerConfig, source: States) -> None:
        super().__init__()
        assert config.num_heads is not None
        self.num_heads, self.rotary = config.num_heads, config.rotary
        self.dropout = config.dropout or 0.0
        self.query, self.key, self.value, self.output = projections(source.dim, bias=bool(config.bias))
        shape = (config.num_slots, config.max_length)
        self.mix_keys_ST = nn.Parameter(torch.randn(shape) * config.num_slots**-0.5)
        self.mix_values_ST: Tensor = self.mix_keys_ST
        if config.sharing == "heads":
            self.mix_values_ST = nn.Parameter(torch.randn(shape) * config.num_slots**-0.5)

    def forward(self, x_BTD: Tensor, *, real_BT: Tensor | None = None, segments_BT: None = None) -> Tensor:
        """``[B, T, D]``; what is not real changes nothing that is.  Raises ``InputTooLong``."""
        size, most = x_BTD.shape[1], self.mix_keys_ST.shape[1]
        if size > most:
            raise InputTooLong(size, most, field="max_length")
        queries, keys, values = project(self, x_BTD)
        if real_BT is not None:
            real = real_BT[:, None, :, None].to(keys.dtype)
            keys, values = keys.masked_fill(real == 0, 0.0), values.masked_fill(real == 0, 0.0)
        memory = KeysValues(self.mix_keys_ST[:, :size] @ keys, self.mix_values_ST[:, :size] @ values)
        drop = self.dropout if self.training else 0.0
        return self.output(merge(attend(queries, memory, mask=None, drop=drop)))
