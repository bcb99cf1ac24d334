"""Weights beside the weights: their moving average, and the noise that training may add to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from seqspec.runtime.devices.sharded_tensors import any_sharded, copy_into, local


class Average:
    """Exponential moving average of the weights; buffers are those of the last step."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._live = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._names = {id(p): name for name, p in model.named_parameters()}
        self._mean = [parameter.detach().clone() for parameter in self._live]

    def to(self, device: torch.device) -> None:
        self._mean = [mean.to(device) for mean in self._mean]

    @torch.no_grad()
    def update(self, moved: Collection[int] | None = None) -> None:
        """Follow the weights; ``moved``: identities of those that may have changed, ``None`` for all."""
        means: list[Tensor] = self._mean
        lives: list[Tensor] = [*self._live]
        if moved is not None:
            means = [mean for mean, live in zip(means, lives, strict=True) if id(live) in moved]
            lives = [live for live in lives if id(live) in moved]
        if any_sharded(lives):
            means, lives = list(map(local, means)), list(map(local, lives))
        torch._foreach_lerp_(means, lives, 1 - self.decay)

    def tensors(self) -> dict[str, Tensor]:
        return {self._names[id(p)]: mean for p, mean in zip(self._live, self._mean, strict=True)}

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        for parameter, mean in zip(self._live, self._mean, strict=True):
            copy_into(mean, tensors[self._names[id(parameter)]])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model holds the averages while this is entered."""
        kept = [parameter.detach().clone() for parameter in self._live]
        try:
            _assign(self._live, self._mean)
            yield
        finally:
            _assign(self._live, kept)


class Noise:
    """Gaussian noise on every weight for one forward and backward pass (Graves 2011).  Exactly undone."""

    def __init__(self, model: nn.Module, std: float) -> None:
        self.std = std
        self._live = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._kept: list[Tensor] = []

    @torch.no_grad()
    def add(self) -> None:
        self._kept = [parameter.detach().clone() for parameter in self._live]
        for parameter in self._live:
            parameter.add_(torch.randn_like(parameter), alpha=self.std)

    @torch.no_grad()
    def remove(self) -> None:
        if self._kept:
            _assign(self._live, self._kept)
            self._kept = []


@torch.no_grad()
def _assign(to: list[nn.Parameter], values: list[Tensor]) -> None:
    for parameter, value in zip(to, values, strict=True):
        local(parameter).copy_(local(value))
