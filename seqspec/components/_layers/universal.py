"""One Transformer layer applied again and again, the position and a vector of the step added before each
time.
"""

# B batch, N hypotheses, T time, D width

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqspec.components._layers.halting import Halting
from seqspec.components._layers.positions import sinusoids
from seqspec.schema.layers.universal import UniversalLayers

Apply = Callable[[Tensor, int], Tensor]
"""The layer's own work on ``[…, D]`` in the step of that number."""


class Recurrence(nn.Module):
    """How often, and with which signals, the one layer is applied."""

    def __init__(self, config: UniversalLayers, *, dim: int) -> None:
        super().__init__()
        self.count = config.num_layers
        self.sinusoidal = config.positions == "sinusoidal"
        self.steps = nn.Parameter(nn.init.normal_(torch.empty(config.num_layers, dim), std=dim**-0.5))
        self.halting = None
        if config.halting == "adaptive":
            threshold = 0.99 if config.halting_threshold is None else config.halting_threshold
            bias = 1.0 if config.halting_bias is None else config.halting_bias
            self.halting = Halting(dim, bias=bias, threshold=threshold)

    def forward(
        self, x: Tensor, apply: Apply, *, start: int, real: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """The final states, and the cost of thinking, a mean over the ``real`` positions.

        ``x`` is ``[B, T, D]`` from position ``start``, or ``[N, D]`` where all stand there.
        """
        places = self._places(x, start)
        thought = None if self.halting is None else self.halting.begin(x)
        for number in range(self.count):
            x = x + self.steps[number] if places is None else x + places + self.steps[number]
            after = apply(x, number)
            if self.halting is not None and thought is not None:
                thought = self.halting.weigh(x, after, thought, last=number + 1 == self.count)
            x = after
        if thought is None:
            return x, None
        cost = thought.cost.mean() if real is None else (thought.cost * real).sum() / real.sum()
        return thought.given, cost

    def _places(self, x: Tensor, start: int) -> Tensor | None:
        if not self.sinusoidal:
            return None
        size = x.shape[1] if x.dim() == 3 else 1
        return sinusoids(start, size, dim=x.shape[-1], device=x.device).to(x.dtype)
