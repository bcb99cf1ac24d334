"""The layers of Whisper's two stacks: a Transformer's, whose keys have no offsets."""

from __future__ import annotations

import torch
from torch import nn

from seqspec.components._layers.attention import Attention
from seqspec.components._layers.transformer_layer import TransformerLayer
from seqspec.schema.layers.whisper import WhisperLayers


def whisper_layers(config: WhisperLayers, *, causal: bool, memory_dim: int | None = None) -> nn.ModuleList:
    """All layers of one stack.  An offset of the keys would add one number to all scores of a query, which
    a softmax does not see.
    """
    assert config.dim is not None
    assert config.num_layers is not None
    stack = config.stack()
    layers = nn.ModuleList(
        TransformerLayer(stack, dim=config.dim, causal=causal, memory_dim=memory_dim)
        for _ in range(config.num_layers)
    )
    for module in layers.modules():
        if isinstance(module, Attention):
            size = len(module.key.weight)
            del module.key.bias
            # Zeros that are neither learned nor kept, so that the three products of a layer stay one.
            module.key.register_buffer("bias", torch.zeros(size), persistent=False)
    return layers
