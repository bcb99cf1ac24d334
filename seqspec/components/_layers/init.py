"""Initial values.  Embeddings of N(0, 1/sqrt(dim)) that are scaled by sqrt(dim) when read reach unit size at
once and, tied to the softmax, give logits of unit size; Glorot & Bengio (2010), "Understanding the difficulty
of training deep feedforward neural networks", for every other matrix.
"""

from __future__ import annotations

from torch import nn

from seqspec.components._layers.linear import Linear


def linear(inputs: int, outputs: int, *, bias: bool = True, gain: float = 1.0) -> Linear:
    """A linear layer with Glorot's uniform values and a bias of zero."""
    layer = Linear(inputs, outputs, bias=bias)
    nn.init.xavier_uniform_(layer.weight, gain=gain)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
