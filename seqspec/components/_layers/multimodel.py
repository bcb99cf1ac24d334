"""MultiModel's blocks: Kaiser et al. (2017), "One Model To Learn Them All", arXiv:1706.05137, sections 2.1 to
2.3, and what Tensor2Tensor's first version has in their place.
"""

# B batch, N hypotheses (B times the beam), T time, S memory time, D width, H heads

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.attention import Attention, KeysValues
from seqspec.components._layers.kv_cache import select
from seqspec.components._layers.positions import sinusoids
from seqspec.components._layers.separable import Separable, SeparableStack, glorot
from seqspec.components.protocols import StepwiseFeedForward
from seqspec.schema.layers.multimodel import MultimodelLayers


def sizes_of(config: MultimodelLayers) -> list[Separable]:
    """The convolutions of one block."""
    return [Separable(*size) for size in zip(config.kernels, config.dilations, config.groups, strict=True)]


class ConvolutionBlock(nn.Module):
    """Two convolutions added to the input, then the rest of them, added to the input again (section 2.1).

    ``add_first``: what the first two give is added at the end as well, as Tensor2Tensor does.
    """

    FIRST = 2

    def __init__(self, dim: int, sizes: Sequence[Separable], *, causal: bool, add_first: bool) -> None:
        super().__init__()
        self.add_first = add_first
        self.near = SeparableStack(dim, sizes[: self.FIRST], causal=causal)
        self.far = SeparableStack(dim, sizes[self.FIRST :], causal=causal)

    def forward(self, x_BTD: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        near_BTD = self.near(x_BTD, mask_BT)
        return self._sum(x_BTD, near_BTD, self.far(x_BTD + near_BTD, mask_BT))

    def start(self, size: int) -> tuple[Tensor, ...]:
        """What every convolution has read before the first step."""
        return (*self.near.start(size), *self.far.start(size))

    def step(self, x_ND: Tensor, before: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One more input through the block."""
        near_ND, kept = self.near.step(x_ND, before[: self.FIRST])
        far_ND, more = self.far.step(x_ND + near_ND, before[self.FIRST :])
        return self._sum(x_ND, near_ND, far_ND), (*kept, *more)

    def _sum(self, x: Tensor, near: Tensor, far: Tensor) -> Tensor:
        return x + far + near if self.add_first else x + far


class ResidualExperts(nn.Module):
    """A mixture of experts over each position, added to it and normalised."""

    def __init__(self, experts: StepwiseFeedForward, dim: int) -> None:
        super().__init__()
        self.experts = experts
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x_BTD: Tensor, real_BT: Tensor | None, auxiliary: dict[str, Tensor] | None) -> Tensor:
        given: Tensor = self.norm(x_BTD + self.experts(x_BTD, real_BT, auxiliary=auxiliary))
        return given

    def step(self, x_ND: Tensor) -> Tensor:
        """One more position of each hypothesis."""
        y_ND, _ = self.experts.step(x_ND, None)
        given: Tensor = self.norm(x_ND + y_ND)
        return given


class PlainAttention(nn.Module):
    """One head on the vectors themselves, without a weight of its own (Tensor2Tensor's "simple" attention);
    stands where ``Attention`` over a memory does.
    """

    def forward(self, x_BQD: Tensor, memory_BKD: Tensor, *, mask: Tensor | None = None) -> Tensor:
        return self._attend(x_BQD, self.remember(memory_BKD), mask)

    def remember(self, memory_BKD: Tensor) -> KeysValues:
        """Keys and values of a memory: itself."""
        return KeysValues(memory_BKD[:, None], memory_BKD[:, None])

    def look(self, x_ND: Tensor, memory: KeysValues, *, mask: Tensor | None = None) -> Tensor:
        """One query a hypothesis; those of one example share its memory."""
        x_BQD = x_ND.view(len(memory.keys), -1, x_ND.shape[-1])
        return self._attend(x_BQD, memory, mask).reshape(x_ND.shape)

    def look_weights(self, x_ND: Tensor, memory: KeysValues, *, mask: Tensor | None = None) -> Tensor:
        """``[N, K]``: what ``look`` attends to."""
        x_BQD = x_ND.view(len(memory.keys), -1, x_ND.shape[-1])
        scores = x_BQD[:, None] @ memory.keys.transpose(-1, -2) * x_ND.shape[-1] ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        return scores.softmax(-1)[:, 0].flatten(0, 1)

    def _attend(self, x_BQD: Tensor, memory: KeysValues, mask: Tensor | None) -> Tensor:
        given = functional.scaled_dot_product_attention(
            x_BQD[:, None], memory.keys, memory.values, attn_mask=mask
        )
        return given[:, 0]


class TargetCache(NamedTuple):
    """What one attention block keeps between steps."""

    windows: tuple[Tensor, ...]
    """The last inputs of each convolution."""
    past: Tensor | None
    """Keys and values of what was written, ``[T, 2, N, H, E]``."""
    memory: KeysValues | None

    def select(self, rows_N: Tensor, *, filled: int) -> TargetCache:
        """The hypotheses in ``rows_N``; ``filled`` is how many keys there are."""
        past = None if self.past is None else select(self.past, rows_N, filled=filled)
        return TargetCache(tuple(kept[rows_N] for kept in self.windows), past, self.memory)

    def keep(self, examples_B: Tensor) -> TargetCache:
        """Forgets the memories of other examples."""
        if self.memory is None:
            return self
        return self._replace(memory=KeysValues(*(part[examples_B] for part in self.memory)))


class Looked(NamedTuple):
    """What a step of an attention block gives."""

    given: Tensor
    cache: TargetCache
    attention: Tensor | None


class TargetAttention(nn.Module):
    """The target with its sinusoids through two convolutions, attention over itself and over a memory, each
    with a residual connection and layer normalisation (section 2.2).

    With ``num_heads`` 0 one head without weights looks at the memory alone.
    """

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
        attention = partial(Attention, dim, num_heads=num_heads, bias=False, dropout=dropout)
        self.own = attention() if num_heads else None
        self.own_norm = nn.LayerNorm(dim, eps=1e-6) if num_heads else None
        self.across: Attention | PlainAttention | None = None
        self.norm = None
        if memory_dim is not None:
            heads = attention(memory_dim=memory_dim) if num_heads else None
            self.across = heads or PlainAttention()
            self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x_BTD: Tensor, memory_BSD: Tensor | None, *, mask: Tensor | None) -> Tensor:
        size, dim = x_BTD.shape[1:]
        timed_BTD = x_BTD + sinusoids(0, size, dim=dim, device=x_BTD.device).to(x_BTD.dtype)
        query_BTD = self.convolutions(timed_BTD)
        if self.own is not None and self.own_norm is not None:
            x_BTD = query_BTD = self.own_norm(x_BTD + self.own(query_BTD, causal=True))
        if self.across is None or self.norm is None:
            return x_BTD
        given: Tensor = self.norm(x_BTD + self.across(query_BTD, memory_BSD, mask=mask))
        return given

    def start(self, memory_BSD: Tensor | None, *, examples: int) -> TargetCache:
        """Nothing read yet; the memory's keys and values are worked out once."""
        memory = None
        if self.across is not None and memory_BSD is not None:
            memory = self.across.remember(memory_BSD)
        past = None if self.own is None else self.own.no_past(examples=examples)
        return TargetCache(self.convolutions.start(examples), past, memory)

    def step(
        self, x_ND: Tensor, before: TargetCache, *, position: int, mask: Tensor | None, look: bool = False
    ) -> Looked:
        """One more input a hypothesis, at ``position``."""
        place_1D = sinusoids(position, 1, dim=x_ND.shape[1], device=x_ND.device).to(x_ND.dtype)
        query_ND, windows = self.convolutions.step(x_ND + place_1D, before.windows)
        past, attention = before.past, None
        if self.own is not None and self.own_norm is not None and past is not None:
            seen_ND, past = self.own.step(query_ND, past, position=position)
            x_ND = query_ND = self.own_norm(x_ND + seen_ND)
        if self.across is not None and self.norm is not None and before.memory is not None:
            if look:
                attention = self.across.look_weights(query_ND, before.memory, mask=mask)
            x_ND = self.norm(x_ND + self.across.look(query_ND, before.memory, mask=mask))
        return Looked(x_ND, TargetCache(windows, past, before.memory), attention)


class Merge(nn.Module):
    """ReLU and one causal convolution that halves the width, layer normalisation.

    ``groups`` 0 is a separable convolution (the paper's); else an ordinary one in so many groups and a
    mixture of all features with a bias (Tensor2Tensor's).
    """

    KERNEL = 3

    def __init__(self, dim: int, *, groups: int) -> None:
        super().__init__()
        wide = 2 * dim
        first = nn.Conv1d(wide, dim if groups else wide, self.KERNEL, groups=groups or wide, bias=False)
        second = nn.Conv1d(len(first.weight), dim, 1, bias=bool(groups))
        self.convolutions = nn.Sequential(first, second)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.wide = wide
        for layer in (first, second):
            glorot(layer)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """``[B, T, 2 D]`` to ``[B, T, D]``."""
        return self._merge(functional.pad(torch.relu(x_BTD).transpose(1, 2), (self.KERNEL - 1, 0)))

    def start(self, size: int) -> Tensor:
        """The inputs before the first, zeros."""
        return self.norm.weight.new_zeros(size, self.KERNEL - 1, self.wide)

    def step(self, x_ND: Tensor, before_NKD: Tensor) -> tuple[Tensor, Tensor]:
        """One more input; gives its output and the inputs that the next step needs."""
        window_NKD = torch.cat([before_NKD, torch.relu(x_ND)[:, None]], dim=1)
        return self._merge(window_NKD.transpose(1, 2)).squeeze(1), window_NKD[:, 1:]

    def _merge(self, x_BDT: Tensor) -> Tensor:
        given: Tensor = self.norm(self.convolutions(x_BDT).transpose(1, 2))
        return given
