"""The position-wise network of a Transformer layer, plain, gated or with a convolution in front."""

# B batch, T time, D width, F inner width

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.tensor_parallel import Columns, Group, Rows, TensorPlan


def _identity(x: Tensor) -> Tensor:
    return x


def _gelu_tanh(x: Tensor) -> Tensor:
    return functional.gelu(x, approximate="tanh")


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "gelu": functional.gelu,
    "gelu_tanh": _gelu_tanh,
    "silu": functional.silu,
    "glu": torch.sigmoid,
    "reglu": torch.relu,
    "geglu": functional.gelu,
    "geglu_tanh": _gelu_tanh,
    "swiglu": functional.silu,
    "bilinear": _identity,
}
GATED = frozenset({"glu", "reglu", "geglu", "geglu_tanh", "swiglu", "bilinear"})
"""Shazeer (2020), "GLU Variants Improve Transformer", arXiv:2002.05202: the inner layer is activation(x W) *
(x V).
"""


class FeedForward(nn.Module):
    """Two linear layers around an activation.  ``kernel`` > 1 makes the first a convolution over time
    (Tensor2Tensor's ``conv_relu_conv``), left-padded where ``causal``.
    """

    group: Group | None = None
    """The processes that share its inner features."""

    def __init__(
        self,
        dim: int,
        *,
        inner: int,
        activation: str,
        dropout: float,
        bias: bool = True,
        kernel: int = 1,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.kernel = kernel
        self.causal = causal
        wide = inner * 2 if activation in GATED else inner
        self.expand = (
            linear(dim, wide, bias=bias) if kernel == 1 else _convolution(dim, wide, kernel=kernel, bias=bias)
        )
        self.dropout = Dropout(dropout)
        self.contract = linear(inner, dim, bias=bias)

    def tensor_plan(self) -> TensorPlan | None:
        """Each process has some of the inner features; a convolution is not split."""
        if self.kernel > 1:
            return None
        expand = Columns(pieces=2 if self.activation in GATED else 1)
        layers: dict[str, Columns | Rows] = {"expand": expand, "contract": Rows()}
        return TensorPlan(layers, counts={"feed_forward_dim": self.contract.in_features})

    def forward(self, x_BTD: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        """``mask_BT`` keeps padding out of a convolution's window; it is not needed where the kernel is 1."""
        inner = self.expand(x_BTD) if self.kernel == 1 else self._convolve(x_BTD, mask_BT)
        return self.contract(self._dropped(self._activate(inner)))

    def step(self, x_ND: Tensor, before_NKD: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """One position after another; ``before_NKD`` holds the ``kernel - 1`` inputs before, where there are
        any.
        """
        if before_NKD is None:
            return self.forward(x_ND), None
        window_NKD = torch.cat([before_NKD, x_ND[:, None]], dim=1)
        inner = self.expand(window_NKD.transpose(1, 2)).squeeze(2)
        return self.contract(self.dropout(self._activate(inner))), window_NKD[:, 1:]

    def _dropped(self, inner_BTF: Tensor) -> Tensor:
        if self.group is None or not (self.training and self.dropout.p):
            return self.dropout(inner_BTF)
        return self.group.dropout(inner_BTF, self.dropout.p, dim=-1)

    def _activate(self, inner_BTF: Tensor) -> Tensor:
        return activate(inner_BTF, self.activation, product=self.kernel == 1)

    def _convolve(self, x_BTD: Tensor, mask_BT: Tensor | None) -> Tensor:
        if mask_BT is not None:
            x_BTD = x_BTD * mask_BT[..., None]
        left = self.kernel - 1 if self.causal else (self.kernel - 1) // 2
        padded = functional.pad(x_BTD.transpose(1, 2), (left, self.kernel - 1 - left))
        return self.expand(padded).transpose(1, 2)


def activate(inner: Tensor, activation: str, *, product: bool) -> Tensor:
    """The activation, of gated ones the product of the halves of the last dimension.

    ``product``: the input is what a matrix product has just made, so that nothing else holds it.
    """
    function = ACTIVATIONS[activation]
    if activation == "relu" and product and not torch.compiler.is_compiling():
        if not torch.is_grad_enabled():
            return inner.relu_()
        given: Tensor = _ReluInPlace.apply(inner)
        return given
    if activation not in GATED:
        return function(inner)
    gate, value = inner.chunk(2, dim=-1)
    return function(gate) * value


class _ReluInPlace(torch.autograd.Function):
    """Overwrites its input, and on the way back the gradient: a third less memory to touch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark_dirty(x.relu_())
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (given,) = ctx.saved_tensors
        below: Tensor = torch.ops.aten.threshold_backward.grad_input(grad, given, 0, grad_input=grad)
        return below


def _convolution(dim: int, outputs: int, *, kernel: int, bias: bool) -> nn.Conv1d:
    layer = nn.Conv1d(dim, outputs, kernel, bias=bias)
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
