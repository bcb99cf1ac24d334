"""What the work on a micro-batch comes to: gradients, and what the journal is told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqspec.runtime.checkpoints.tensor_file import Damaged, packed_tensors, parsed
from seqspec.runtime.training.journal_window import are_values


@dataclass(frozen=True)
class MicroBatchResult:
    """Of one micro-batch, the weights being those of ``weights``."""

    gradients: Sequence[Tensor | None]
    """In the order of the parameters that move; ``None`` where the loss does not depend on one."""
    values: Sequence[Mapping[str, float]]
    """What the journal's window is given."""
    weights: str
    """Fingerprint of the weights that it was worked out with."""

    def packed(self) -> bytes:
        """The same result gives the same bytes: a safetensors file."""
        tensors = {f"{at:05d}": one for at, one in enumerate(self.gradients) if one is not None}
        about = {"values": json.dumps(self.values, sort_keys=True), "weights": self.weights}
        return packed_tensors(tensors, about)

    @classmethod
    def unpacked(cls, data: bytes, parameters: Sequence[nn.Parameter]) -> MicroBatchResult:
        """What ``packed`` gave, each gradient laid out as its parameter; raises ``Damaged`` where it is of
        another model, or none.
        """
        tensors, about = parsed(data, "a result")
        names = [f"{at:05d}" for at in range(len(parameters))]
        if tensors.keys() - set(names):
            raise Damaged("it holds gradients of other parameters")
        try:
            values, weights = json.loads(about["values"]), about["weights"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Damaged("it does not say what its losses are") from None
        if not are_values(values) or not isinstance(weights, str):
            raise Damaged("it does not say what its losses are")
        gradients = [_laid_out(tensors.get(name), one) for name, one in zip(names, parameters, strict=True)]
        return cls(gradients, values, weights)


def most_bytes(parameters: Sequence[nn.Parameter]) -> int:
    """What a result has at most: more is none."""
    return sum(one.numel() * one.element_size() + 1024 for one in parameters) + 2**20


def _laid_out(gradient: Tensor | None, parameter: nn.Parameter) -> Tensor | None:
    if gradient is None:
        return None
    if gradient.shape != parameter.shape or gradient.dtype != parameter.dtype:
        raise Damaged("a gradient is not of its parameter's shape and type")
    # In the parameter's own strides, as autograd lays it: a norm adds in the order of memory.
    return torch.empty_like(parameter).copy_(gradient)


class GradientSum:
    """Gradients added in the order of the micro-batches, as they come."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = parameters
        self._waiting: dict[int, MicroBatchResult] = {}
        self._total: list[Tensor | None] = [None] * len(parameters)
        self.values: list[Sequence[Mapping[str, float]]] = []
        """What the journal's window is given, of each micro-batch that is in the sum."""

    @torch.no_grad()
    def add(self, at: int, result: MicroBatchResult) -> None:
        """Of micro-batch number ``at``, from 0."""
        self._waiting[at] = result
        while (following := self._waiting.pop(len(self.values), None)) is not None:
            for number, gradient in enumerate(following.gradients):
                if gradient is not None:
                    held = self._total[number]
                    self._total[number] = gradient if held is None else held.add_(gradient)
            self.values.append(following.values)

    def finish(self) -> None:
        """Leave the sum with the parameters."""
        for parameter, gradient in zip(self.parameters, self._total, strict=True):
            parameter.grad = gradient
