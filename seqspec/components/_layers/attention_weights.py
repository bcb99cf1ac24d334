"""SliceNet's attention block: two convolutions, then attention over what was written and over a memory.

Kaiser et al. (2017), "One Model To Learn Them All", arXiv:1706.05137, section 2.2, as Tensor2Tensor's
SliceNet has it.
"""

# B batch, N hypotheses, T time, S memory time, D width

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from seqspec.components._layers.attention import Attention, KeysValues
from seqspec.components._layers.positions import sinusoids
from seqspec.components._layers.separable import Separable, SeparableStack
from seqspec.components._layers.transformer_step import LayerCache


class AttentionModuleCache(NamedTuple):
    """What one block keeps between steps."""

    windows: tuple[Tensor, ...]
    """The last inputs of each convolution."""
    cache: LayerCache
    """Keys and values of what was written, and of the memory."""

    def select(self, rows_N: Tensor, *, filled: int) -> AttentionModuleCache:
        """The hypotheses in ``rows_N``; ``filled`` is how many keys there are."""
        windows = tuple(kept[rows_N] for kept in self.windows)
        return AttentionModuleCache(windows, self.cache.select(rows_N, filled=filled))

    def keep(self, examples_B: Tensor) -> AttentionModuleCache:
        """Forgets the memories of other examples."""
        memory = self.cache.memory
        if memory is None:
            return self
        kept = KeysValues(memory.keys[examples_B], memory.values[examples_B])
        return AttentionModuleCache(self.windows, self.cache._replace(memory=kept))


class AttentionModuleOutput(NamedTuple):
    """What a step gives."""

    given: Tensor
    cache: AttentionModuleCache
    attention: Tensor | None
    """``[N, S]``, where it was asked for and there is a memory."""


class AttentionModule(nn.Module):
    """Places are told apart by sinusoids; without ``memory_dim`` the target alone is looked at."""

    def __init__(
        self,
        dim: int,
        sizes: Sequence[Separable],
        *,
        num_heads: int,
        dropout: float,
        memory_dim: int | None,
    ) -> None:
        super().__init__()
        self.convolutions = SeparableStack(dim, sizes, causal=True)
        self.own = Attention(dim, num_heads=num_heads, bias=False, dropout=dropout)
        self.across = None
        if memory_dim is not None:
            self.across = Attention(
                dim, num_heads=num_heads, memory_dim=memory_dim, bias=False, dropout=dropout
            )

    def forward(self, x_BTD: Tensor, memory_BSD: Tensor | None, *, mask: Tensor | None) -> Tensor:
        size, dim = x_BTD.shape[1:]
        timed_BTD = x_BTD + sinusoids(0, size, dim=dim, device=x_BTD.device).to(x_BTD.dtype)
        looked_BTD: Tensor = self.own(self.convolutions(timed_BTD), causal=True)
        return looked_BTD if self.across is None else self.across(looked_BTD, memory_BSD, mask=mask)

    def start(self, memory_BSD: Tensor | None, *, examples: int) -> AttentionModuleCache:
        """Nothing read yet; the memory's keys and values are worked out once."""
        memory = None
        if self.across is not None and memory_BSD is not None:
            memory = self.across.remember(memory_BSD)
        cache = LayerCache(self.own.no_past(examples=examples), memory, None)
        return AttentionModuleCache(self.convolutions.start(examples), cache)

    def step(
        self,
        x_ND: Tensor,
        before: AttentionModuleCache,
        *,
        position: int,
        mask: Tensor | None,
        look: bool = False,
    ) -> AttentionModuleOutput:
        """One more input a hypothesis, at ``position``."""
        place_1D = sinusoids(position, 1, dim=x_ND.shape[1], device=x_ND.device).to(x_ND.dtype)
        query_ND, windows = self.convolutions.step(x_ND + place_1D, before.windows)
        looked_ND, past = self.own.step(query_ND, before.cache.past, position=position)
        cache, attention = before.cache._replace(past=past), None
        if self.across is not None and cache.memory is not None:
            if look:
                attention = self.across.look_weights(looked_ND, cache.memory, mask=mask)
            looked_ND = self.across.look(looked_ND, cache.memory, mask=mask)
        return AttentionModuleOutput(looked_ND, AttentionModuleCache(windows, cache), attention)
