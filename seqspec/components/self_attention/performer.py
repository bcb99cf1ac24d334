"""FAVOR+ with a stabiliser that depends on no input.

A feature of a key is exp(w·k − |k|²/2), at most exp(|w|²/2).  The paper's code divides it by the maximum over
all keys and adds an epsilon, which does not scale with that maximum, so that causal attention sees the future
through it.  Here every feature is divided by a constant of its row w, that keeps it below exp(60), and
nothing is added; the maximum over the features of one query cancels.  Features are drawn from a key that the
seed of the experiment decides, and kept in the checkpoint.
"""

# B batch, N hypotheses, T time, D width, H heads, M features, E width of a head

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers import kernel_attention
from seqspec.components._layers.kernel_attention import Features, Sums
from seqspec.components._layers.projections import merge, project, projections
from seqspec.schema.self_attention.performer import PerformerConfig
from seqspec.schema.types import States

LARGEST = 60.0
"""Exponent of the largest feature: sums of very many stay below float32's largest number."""
RELU_LEAST = 1e-3
SPREAD = 2_654_435_761
"""Takes the seeds of successive draws far apart."""


class Performer(nn.Module):
    """The names of the linear layers are those of full attention."""

    random_ME: Tensor
    draw_key: Tensor

    def __init__(self, config: PerformerConfig, source: States) -> None:
        super().__init__()
        assert config.num_heads is not None
        config.without_dropout()
        self.num_heads, self.rotary = config.num_heads, config.rotary
        self.causal = source.causal
        self.num_features = config.features(dim=source.dim)
        self.query, self.key, self.value, self.output = projections(source.dim, bias=bool(config.bias))
        self.random = config.kernel == "softmax"
        self.period = config.redraw_every_steps if self.random else 0
        if self.random:
            self.register_buffer("draw_key", torch.randint(2**31, (1,)))
            self.register_buffer("random_ME", self._draw(0))

    def forward(self, x_BTD: Tensor, *, real_BT: Tensor | None = None, segments_BT: None = None) -> Tensor:
        """``[B, T, D]``; what is not real changes nothing that is."""
        given = self._features(x_BTD, real_BT=real_BT)
        mixed = kernel_attention.causal(given) if self.causal else kernel_attention.both_ways(given)
        return self.output(merge(mixed.to(x_BTD.dtype)))

    def no_past(self, *, examples: int) -> Sums:
        """Nothing read yet."""
        return kernel_attention.nothing(
            examples=examples, num_heads=self.num_heads, features=self.num_features,
            size=len(self.key.weight) // self.num_heads, device=self.key.weight.device,
        )  # fmt: skip

    def step(self, x_ND: Tensor, past: Sums, *, position: int) -> tuple[Tensor, Sums]:
        """One more position of each hypothesis of a decoder."""
        mixed, past = kernel_attention.step(self._features(x_ND[:, None], start=position), past)
        return self.output(merge(mixed.to(x_ND.dtype)))[:, 0], past

    def finish_step(self, *, step: int, moved: bool) -> None:
        """After optimiser step ``step``, from 1: draws features anew when it is time, as a function of the
        seed and the step alone.
        """
        if self.period and step % self.period == 0:
            self.random_ME.copy_(self._draw(step // self.period))

    def _features(self, x_BTD: Tensor, *, real_BT: Tensor | None = None, start: int = 0) -> Features:
        queries, keys, values = (part.float() for part in project(self, x_BTD, start=start))
        scale = queries.shape[-1] ** -0.25
        queries, keys = queries * scale, keys * scale
        if self.random:
            queries, keys = self._of_queries(queries), self._of_keys(keys)
        else:
            queries, keys = queries.relu() + RELU_LEAST, keys.relu() + RELU_LEAST
        if real_BT is not None:
            keys = keys * real_BT[:, None, :, None]
        return Features(queries, keys, values)

    def _of_keys(self, keys_BHTE: Tensor) -> Tensor:
        exponents = keys_BHTE @ self.random_ME.T - keys_BHTE.square().sum(-1, keepdim=True) / 2
        return (exponents - self._excess_M()).exp()

    def _of_queries(self, queries_BHTE: Tensor) -> Tensor:
        """What a query has in common with all its keys cancels: its norm and the largest exponent."""
        exponents = queries_BHTE @ self.random_ME.T + self._excess_M()
        return (exponents - exponents.amax(-1, keepdim=True).detach()).exp()

    def _excess_M(self) -> Tensor:
        """What is taken from the exponents of keys and given to those of queries."""
        return (self.random_ME.square().sum(-1) / 2 - LARGEST).clamp(min=0)

    def _draw(self, number: int) -> Tensor:
        """``[M, E]``: orthogonal within each block of E rows, with the norms of Gaussian vectors."""
        size = self.query.out_features // self.num_heads
        if self.draw_key.is_meta:
            return torch.empty(self.num_features, size, device="meta")
        generator = torch.Generator().manual_seed((int(self.draw_key) + number * SPREAD) % 2**32)
        blocks = -(-self.num_features // size)
        gaussian = torch.randn(blocks, size, size, generator=generator)
        rows = torch.linalg.qr(gaussian).Q.flatten(0, 1)[: self.num_features]
        norms = torch.randn(self.num_features, size, generator=generator).norm(dim=-1, keepdim=True)
        return (rows * norms).to(self.draw_key.device)
