"""A linear layer in fewer passes over a CPU's memory than torch's own.

Torch first copies the bias into every row of new memory and lets the product add to it, which costs 3 % of a
Transformer's step; memory that the product has just written is cheap to write again.  And a product of few
rows, such as a step of a search, takes up to four times as long with a weight as checkpoints hold it as with
one in oneDNN's own layout: ``prepacked`` lays the weights out once for many products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.tensor_parallel import Rows, Split

# I inputs, O outputs


LOW_RANK = "low_rank"
"""Name of the module inside a linear layer that learns in place of its weight; see ``low_rank.py``."""
FAKE_QUANTIZE = "fake_quantize"
"""Name of the module inside a layer that rounds its input and its weight; see ``fake_quantize.py``."""


class Linear(nn.Linear):
    """``x W^T + b``, and what a module called ``low_rank`` inside it makes of that."""

    split: Split | None = None
    """Which part of it this process holds, where several share it."""

    def forward(self, x: Tensor) -> Tensor:
        if self.split is not None:
            return _shared_product(x, self, split=self.split)[0]
        rounds: Any = self._modules.get(FAKE_QUANTIZE)
        if rounds is not None:
            x = rounds.input(x)
            return _with_low_rank(self, x, affine(x, rounds.weight(self.weight), self.bias))
        pack = pack_of((self,))
        if pack is not None:
            return pack.product(x)
        return _with_low_rank(self, x, affine(x, self.weight, self.bias))


SMALL, SMALL_ROW = 1 << 18, 1 << 20
"""Multiplications of a product, and of one of a single row, up to which torch's own takes less time than
starting oneDNN's, and is worth a layout of its own.
"""


@dataclass
class Pack:
    """One weight, or several side by side, laid out for products when they first ask."""

    made_from: tuple[Tensor, ...]
    """Held, because the pack is found by their identities."""
    bias_O: Tensor | None
    layers: tuple[nn.Module, ...] = ()
    """Held for the same reason, where layers and not weights find the pack."""

    @cached_property
    def sizes(self) -> list[int]:
        """Outputs of each weight."""
        return [len(weight) for weight in self.made_from]

    @cached_property
    def takes_onednn(self) -> bool:
        """Whether oneDNN can lay the weight out."""
        is_float32 = all(weight.dtype == torch.float32 for weight in self.made_from)
        return is_float32 and torch.backends.mkldnn.is_available()

    @cached_property
    def num_outputs(self) -> int:
        """Of all weights together."""
        return sum(self.sizes)

    @cached_property
    def weight_IO(self) -> Tensor:
        """For torch's own product, up to twice as fast with it as with its transpose."""
        return torch.cat([weight.t() for weight in self.made_from], dim=1).contiguous()

    @cached_property
    def weight_opaque(self) -> Tensor:
        """For oneDNN's."""
        weight: Tensor = torch.ops.mkldnn._reorder_linear_weight(_joined(self.made_from).contiguous())
        return weight

    def product(self, x: Tensor) -> Tensor:
        """``x W^T + b``."""
        if self._is_for_torch(x):
            return self._by_torch(x)
        return self._by_onednn(x, "none")

    def relu(self, x: Tensor) -> Tensor:
        """``max(x W^T + b, 0)``."""
        if self._is_for_torch(x):
            return self._by_torch(x).relu_()
        return self._by_onednn(x, "relu")

    def added(self, x: Tensor, y: Tensor) -> Tensor:
        """``x W^T + b + y``."""
        if self._is_for_torch(x):
            return self._by_torch(x) + y
        given: Tensor = torch.ops.mkldnn._linear_pointwise.binary(
            x, y, self.weight_opaque, self.bias_O, "add"
        )
        return given

    def _is_for_torch(self, x: Tensor) -> bool:
        count = x.numel() * self.num_outputs
        if count <= SMALL or (count <= SMALL_ROW and x.numel() == x.shape[-1]):
            return True
        return not self.takes_onednn or x.dtype != torch.float32 or torch.is_autocast_enabled("cpu")

    def _by_torch(self, x: Tensor) -> Tensor:
        product = torch.mm(x, self.weight_IO) if x.dim() == 2 else x @ self.weight_IO
        return _with_bias(product, self.bias_O)

    def _by_onednn(self, x: Tensor, then: str) -> Tensor:
        given: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight_opaque, self.bias_O, then, (), "")
        return given


Packs = dict[tuple[Any, ...], Any]
"""What ``prepacked`` keeps: weights laid out, by the identities of what they were made from or of
their layers, and whatever else ``once`` was asked for.
"""

Made = TypeVar("Made")

_packs: ContextVar[Packs | None] = ContextVar("packs", default=None)


@contextmanager
def prepacked(kept: Packs | None = None) -> Iterator[None]:
    """Until the end of the block parameters must not change: a product without gradients lays its weight out
    when it first meets it, and keeps that, a copy of every weight that is used.  A block inside another
    shares what the outer one keeps; ``kept`` goes on from one block to the next, for a model that is done
    with learning.
    """
    if _packs.get() is not None:
        yield
        return
    token = _packs.set({} if kept is None else kept)
    try:
        yield
    finally:
        _packs.reset(token)


def once(key: tuple[Any, ...], make: Callable[[], Made]) -> Made:
    """What ``make`` gives, worked out once for a block of ``prepacked`` without gradients, and for every call
    elsewhere.  ``key`` begins with a name; what it describes must not change.
    """
    packs = _usable()
    if packs is None:
        return make()
    found: Made | None = packs.get(key)
    if found is None:
        found = packs[key] = make()
    return found


def affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``functional.linear``."""
    return _product(x, (weight,), () if bias is None else (bias,))


def affine_together(x: Tensor, *layers: nn.Linear) -> tuple[Tensor, ...]:
    """What several layers make of ``x``, in one product: faster forward, and more so backward."""
    if any(FAKE_QUANTIZE in layer._modules for layer in layers):
        return tuple(layer(x) for layer in layers)  # Each has a grid of its own.
    split = layers[0].split if isinstance(layers[0], Linear) else None
    if split is not None:
        return _shared_product(x, *layers, split=split)
    pack = pack_of(layers)
    if pack is not None:
        return torch.split_with_sizes(pack.product(x), pack.sizes, -1)
    biases = tuple(layer.bias for layer in layers if layer.bias is not None)
    given = _product(x, tuple(layer.weight for layer in layers), biases)
    sizes: list[int | torch.SymInt] = [layer.out_features for layer in layers]
    parts = torch.split_with_sizes(given, sizes, dim=-1)
    if not any(LOW_RANK in layer._modules for layer in layers):
        return parts
    return tuple(_with_low_rank(layer, x, part) for layer, part in zip(layers, parts, strict=True))


def _shared_product(x: Tensor, *layers: nn.Linear, split: Split) -> tuple[Tensor, ...]:
    """What layers that are split alike make of ``x``: of columns this process's outputs, of rows all."""
    weights = [split.own(layer.weight) for layer in layers]
    if isinstance(split.how, Rows):
        summed = split.group.summed(_product(x, tuple(weights), ()))
        given = summed if layers[0].bias is None else summed + layers[0].bias
        return (_with_low_rank(layers[0], x, given),)
    biases = tuple(split.own(layer.bias) for layer in layers if layer.bias is not None)
    given = _product(split.group.entered(x), tuple(weights), biases)
    if len(layers) == 1:  # What follows may write into it, which it may not into one of several views.
        return (_with_low_rank(layers[0], x, given),)
    sizes: list[int | torch.SymInt] = [len(weight) for weight in weights]
    parts = torch.split_with_sizes(given, sizes, dim=-1)
    return tuple(_with_low_rank(layer, x, part) for layer, part in zip(layers, parts, strict=True))


def _with_low_rank(layer: nn.Linear, x: Tensor, given: Tensor) -> Tensor:
    beside = layer._modules.get(LOW_RANK)
    if beside is None:
        return given
    changed: Tensor = beside(x, given, layer)
    return changed


def _product(x: Tensor, weights: tuple[Tensor, ...], biases: tuple[Tensor, ...]) -> Tensor:
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return functional.linear(x, _joined(weights), _joined(biases) if biases else None)
    packs = _usable()
    # A tensor that is no parameter is made anew for every product, and would be kept for nothing.
    if packs is not None and all(isinstance(weight, nn.Parameter) for weight in weights):
        return _packed(packs, weights, biases).product(x)
    return _with_bias(x @ _joined(weights).t(), _joined(biases) if biases else None)


def _usable() -> Packs | None:
    return None if torch.is_grad_enabled() or torch.compiler.is_compiling() else _packs.get()


def lays_out() -> bool:
    """Whether ``prepacked`` is at work, and no gradients are asked for."""
    return _usable() is not None


def pack_of(layers: tuple[nn.Linear, ...]) -> Pack | None:
    """The pack of whole layers, which is found without looking into them: most of what a product of few rows
    costs beside itself.  ``None`` where there is none to be had.
    """
    packs = _usable()
    if packs is None:
        return None
    key = tuple(map(id, layers))
    found: Pack | None = packs.get(key)
    if found is None and all(map(_plain, layers)):
        biases = tuple(layer.bias for layer in layers if layer.bias is not None)
        found = packs[key] = _packed(packs, tuple(layer.weight for layer in layers), biases)
        found.layers += layers
    return found


def _plain(layer: nn.Linear) -> bool:
    weight = layer.weight
    inside = LOW_RANK in layer._modules or FAKE_QUANTIZE in layer._modules
    return isinstance(weight, nn.Parameter) and weight.device.type == "cpu" and not inside


def _packed(packs: Packs, weights: tuple[Tensor, ...], biases: tuple[Tensor, ...]) -> Pack:
    key = tuple(map(id, weights))
    found = packs.get(key)
    if found is None:
        found = packs[key] = Pack(weights, _joined(biases) if biases else None)
    return found


def _with_bias(product: Tensor, bias: Tensor | None) -> Tensor:
    return product if bias is None else product.add_(bias)


def _joined(parts: tuple[Tensor, ...]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
