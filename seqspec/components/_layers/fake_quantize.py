"""Rounding to whole numbers while training: Jacob et al. (2018), arXiv:1712.05877, section 3.

The gradient passes a rounded number as if it had not been rounded, and stops at numbers beyond the range.
Ranges are those of a step's whole batch, whatever its micro-batches and processes are.
"""

# O outputs, I inputs and what a kernel has beside them

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components._layers.linear import FAKE_QUANTIZE, Linear
from seqspec.schema.sections.quantize import Quantize


class Grid(NamedTuple):
    """Whole numbers 0 to ``most`` for the reals from ``least`` on; zero is one of them."""

    scale: Tensor
    zero_point: Tensor
    most: int


class FakeQuantize(nn.Module):
    """The range of a layer's input, and how its input and weight are rounded."""

    watches = True
    """What it does after a step depends on the micro-batches that it has seen."""
    range_2: Tensor
    """Least and largest input, moving averages."""
    steps: Tensor
    """Optimiser steps that have been watched."""

    def __init__(self, config: Quantize) -> None:
        super().__init__()
        self.bits, self.start, self.decay = config.bits, config.start_step, config.range_decay
        self.enabled = True
        self.register_buffer("range_2", torch.zeros(2))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._seen: Tensor | None = None

    def input(self, x: Tensor) -> Tensor:
        """``x`` rounded to the layer's grid; while training its range is watched."""
        if self.training and torch.is_grad_enabled() and x.numel():
            self._watch(x.detach())
        if not self._rounds or not self.steps:
            return x
        grid = self.grid()
        given: Tensor = torch.fake_quantize_per_tensor_affine(x, grid.scale, grid.zero_point, 0, grid.most)
        return given

    def weight(self, weight_OI: Tensor) -> Tensor:
        """A weight rounded to a grid for each output, symmetric about zero."""
        if not self._rounds:
            return weight_OI
        most = 2 ** (self.bits - 1) - 1
        scale_O = (
            weight_OI.detach().flatten(1).abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny) / most
        )
        zero_O = torch.zeros_like(scale_O, dtype=torch.int32)
        given: Tensor = torch.fake_quantize_per_channel_affine(weight_OI, scale_O, zero_O, 0, -most, most)
        return given

    def grid(self) -> Grid:
        """Of the input, by the range so far."""
        most = 2**self.bits - 1
        least, largest = self.range_2[0].clamp(max=0.0), self.range_2[1].clamp(min=0.0)
        scale = ((largest - least) / most).clamp_min(torch.finfo(torch.float32).tiny)
        return Grid(scale, (-least / scale).round().clamp(0, most).to(torch.int32), most)

    @property
    def _rounds(self) -> bool:
        return self.enabled and int(self.steps) >= self.start

    def _watch(self, x: Tensor) -> None:
        seen = torch.stack([-x.amin(), x.amax()]).float()
        self._seen = seen if self._seen is None else torch.maximum(self._seen, seen)

    @torch.no_grad()
    def finish_step(self, *, step: int, moved: bool) -> None:
        """Takes what the step has seen into the range, unless the step was dropped."""
        seen, self._seen = self._seen, None
        if torch.distributed.is_initialized() and moved:
            seen = torch.full_like(self.range_2, -torch.inf) if seen is None else seen
            torch.distributed.all_reduce(seen, op=torch.distributed.ReduceOp.MAX)
        if not moved or seen is None or not bool(torch.isfinite(seen).all()):
            return
        seen = seen * seen.new_tensor([-1.0, 1.0])
        self.range_2.copy_(torch.lerp(seen, self.range_2, self.decay) if self.steps else seen)
        self.steps += 1


class _Linear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        beside = fake_quantize_of(self)
        return nn.functional.linear(beside.input(x), beside.weight(self.weight), self.bias)


class _Conv1d(nn.Conv1d):
    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        beside = fake_quantize_of(self)
        return super()._conv_forward(beside.input(x), beside.weight(weight), bias)


class _Conv2d(nn.Conv2d):
    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        beside = fake_quantize_of(self)
        return super()._conv_forward(beside.input(x), beside.weight(weight), bias)


_ROUNDING: Mapping[type[nn.Module], type[nn.Module]] = {
    Linear: Linear, nn.Linear: _Linear, nn.Conv1d: _Conv1d, nn.Conv2d: _Conv2d,
}  # fmt: skip
"""What stands in the place of a layer that rounds; the project's own linear layer knows how."""


def add_fake_quantize(model: nn.Module, config: Quantize) -> int:
    """Every linear layer and convolution of the model rounds; gives how many do."""
    found = [layer for layer in model.modules() if type(layer) in _ROUNDING]
    for layer in found:
        layer.__class__ = _ROUNDING[type(layer)]
        layer.add_module(FAKE_QUANTIZE, FakeQuantize(config))
    return len(found)


def fake_quantize_of(layer: nn.Module) -> FakeQuantize:
    """What rounds for a layer."""
    found = layer._modules[FAKE_QUANTIZE]
    assert isinstance(found, FakeQuantize)
    return found


def rounding_layers(model: nn.Module) -> Iterator[tuple[Any, FakeQuantize]]:
    """The layers that round, each with what rounds for it."""
    for layer in model.modules():
        if FAKE_QUANTIZE in layer._modules:
            yield layer, fake_quantize_of(layer)


def without_ranges(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What is learned elsewhere too: all but the ranges of layers that round."""
    return {name: x for name, x in tensors.items() if FAKE_QUANTIZE not in name.split(".")}
