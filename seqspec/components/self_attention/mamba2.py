"""Mamba-2 by the chunked algorithm (section 6), with one group of B and C; the state is float32 always.  In a
decoder the state is what is carried to the next row of a lane.
"""

# B batch, N hypotheses, T time, K chunks, C positions of a chunk, D width, I inner width, H heads,
# P features of a head, S state

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.init import linear
from seqspec.components._layers.rms_norm import rms_norm
from seqspec.components.lane_state import Carried
from seqspec.schema.self_attention.mamba2 import CHUNK, Mamba2Config
from seqspec.schema.types import States


class ScanCache(NamedTuple):
    """What later positions depend on."""

    inputs: Tensor
    """``[N, kernel - 1, I + 2 S]``: the last inputs of the convolution."""
    state: Tensor
    """``[N, H, P, S]``."""

    def select(self, rows_N: Tensor) -> ScanCache:
        """The hypotheses in ``rows_N``."""
        return ScanCache(self.inputs[rows_N], self.state[rows_N])


class Mamba2(nn.Module):
    """In an encoder the sum of one that reads forwards and one that reads backwards."""

    def __init__(self, config: Mamba2Config, source: States) -> None:
        super().__init__()
        self.ahead = _Scan(config, source.dim)
        self.back = None if source.causal else _Scan(config, source.dim)
        self.carried = Carried() if source.causal else None

    def forward(self, x_BTD: Tensor, *, real_BT: Tensor | None = None, segments_BT: None = None) -> Tensor:
        """``[B, T, D]``; what is not real, after each row's own, changes nothing that is."""
        forwards_BTD: Tensor = self.ahead(x_BTD, self.carried)
        if self.back is None:
            return forwards_BTD
        turned_BT = _turned(real_BT, x_BTD)[..., None].expand_as(x_BTD)
        return forwards_BTD + self.back(x_BTD.gather(1, turned_BT)).gather(1, turned_BT)

    def no_past(self, *, examples: int) -> ScanCache:
        """Nothing read yet."""
        return self.ahead.no_past(examples=examples)

    def step(self, x_ND: Tensor, past: ScanCache, *, position: int) -> tuple[Tensor, ScanCache]:
        """One more position of each hypothesis of a decoder."""
        return self.ahead.step(x_ND, past)


def _turned(real_BT: Tensor | None, x_BTD: Tensor) -> Tensor:
    """``[B, T]``: the place that comes to each place when every row is turned round within its length."""
    rows, size, _ = x_BTD.shape
    place_T = torch.arange(size, device=x_BTD.device)
    if real_BT is None:
        return place_T.flip(0).expand(rows, -1)
    lengths_B1 = real_BT.sum(1, keepdim=True)
    return torch.where(place_T < lengths_B1, lengths_B1 - 1 - place_T, place_T)


class _Scan(nn.Module):
    """One direction."""

    def __init__(self, config: Mamba2Config, dim: int) -> None:
        super().__init__()
        self.inner, self.state_dim = config.expand * dim, config.state_dim
        self.num_heads, self.kernel = self.inner // config.head_dim, config.kernel
        mixed = self.inner + 2 * config.state_dim
        self.input = linear(dim, self.inner + mixed + self.num_heads, bias=False)
        self.convolution = nn.Conv1d(mixed, mixed, config.kernel, groups=mixed)
        # Decay rates in [1, 16] and steps log-uniform in [0.001, 0.1], as in the authors' code.
        self.log_decay_H = nn.Parameter(torch.empty(self.num_heads).uniform_(1, 16).log())
        steps_H = torch.empty(self.num_heads).uniform_(math.log(1e-3), math.log(1e-1)).exp()
        self.step_bias_H = nn.Parameter(steps_H + torch.log(-torch.expm1(-steps_H)))
        self.skip_H = nn.Parameter(torch.ones(self.num_heads))
        self.norm_I = nn.Parameter(torch.ones(self.inner))
        self.output = linear(self.inner, dim, bias=False)

    def forward(self, x_BTD: Tensor, carried: Carried | None = None) -> Tensor:
        gate, mixed, steps = self._inputs(x_BTD)
        past = self.no_past(examples=len(x_BTD))
        if carried is not None and carried.past:
            past = ScanCache(**carried.past)
        read = torch.cat([past.inputs.to(mixed), mixed], dim=1)
        convolved = functional.silu(self.convolution(read.transpose(1, 2))).transpose(1, 2)
        y, state = self._scanned(convolved.float(), steps, past.state)
        if carried is not None and carried.keeps:
            inputs = read[:, read.shape[1] - self.kernel + 1 :]
            carried.kept = {"inputs": inputs.detach().clone(), "state": state.detach()}
        return self._given(y, gate)

    def no_past(self, *, examples: int) -> ScanCache:
        weight = self.convolution.weight
        inputs = weight.new_zeros(examples, self.kernel - 1, len(weight))
        shape = (examples, self.num_heads, self.inner // self.num_heads, self.state_dim)
        return ScanCache(inputs, torch.zeros(shape, device=weight.device))

    def step(self, x_ND: Tensor, past: ScanCache) -> tuple[Tensor, ScanCache]:
        gate, mixed, steps = self._inputs(x_ND[:, None])
        window = torch.cat([past.inputs, mixed], dim=1)
        convolved = functional.silu(self.convolution(window.transpose(1, 2))).transpose(1, 2).float()
        x, keys, queries = self._parts(convolved)
        steps_NH = steps[:, 0]
        added = (x[:, 0] * steps_NH[..., None])[..., None] * keys[:, 0, None, None]
        state = past.state * (steps_NH * self._rates)[..., None, None].exp() + added
        y = (state @ queries[:, 0, None, :, None]).squeeze(-1) + self.skip_H[:, None] * x[:, 0]
        return self._given(y.flatten(1)[:, None], gate)[:, 0], ScanCache(window[:, 1:], state)

    @property
    def _rates(self) -> Tensor:
        return -self.log_decay_H.float().exp()

    def _inputs(self, x_BTD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The gate, what is convolved, and the steps ``[B, T, H]``."""
        wide = [self.inner, self.inner + 2 * self.state_dim, self.num_heads]
        gate, mixed, steps = self.input(x_BTD).split(wide, dim=-1)
        return gate, mixed, functional.softplus(steps.float() + self.step_bias_H)

    def _parts(self, convolved: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``[B, T, H, P]``, and keys and queries of the state ``[B, T, S]`` (the paper's x, B and C)."""
        x, keys, queries = convolved.split([self.inner, self.state_dim, self.state_dim], dim=-1)
        return x.unflatten(-1, (self.num_heads, -1)), keys, queries

    def _scanned(self, convolved: Tensor, steps_BTH: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """``[B, T, I]`` and the state at their end (section 6): pairs within chunks, states between them."""
        size = convolved.shape[1]
        x, keys, queries = (_chunks(part) for part in self._parts(convolved))
        steps = _chunks(steps_BTH)
        total = (steps * self._rates).cumsum(2)  # [B, K, C, H], falling: only differences are raised
        scaled = x * steps[..., None]
        apart = total[:, :, :, None] - total[:, :, None]
        past = torch.ones(CHUNK, CHUNK, dtype=torch.bool, device=x.device).tril()[..., None]
        weights = apart.masked_fill(~past, -torch.inf).exp() * (queries @ keys.transpose(-1, -2))[..., None]
        y = torch.einsum("bkqch,bkchp->bkqhp", weights, scaled)
        left = (total[:, :, -1:] - total).exp()
        ends = torch.einsum("bkch,bkchp,bkcs->bkhps", left, scaled, keys)
        before, state = _before(ends, total[:, :, -1].exp(), state)
        y = y + torch.einsum("bkcs,bkhps,bkch->bkchp", queries, before, total.exp())
        y = y + self.skip_H[:, None] * x
        return y.flatten(3).flatten(1, 2)[:, :size], state

    def _given(self, y: Tensor, gate: Tensor) -> Tensor:
        gated = y * functional.silu(gate.float())
        normed = rms_norm(gated, self.norm_I.float(), eps=1e-5)
        projected: Tensor = self.output(normed.to(gate.dtype))
        return projected


def _chunks(x: Tensor) -> Tensor:
    """``[B, K, C, …]``."""
    behind = -x.shape[1] % CHUNK
    return functional.pad(x, (0, 0) * (x.dim() - 2) + (0, behind)).unflatten(1, (-1, CHUNK))


def _before(ends: Tensor, decays_BKH: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """``[B, K, H, P, S]``: the state before each chunk; and that after the last."""
    found = []
    for number in range(ends.shape[1]):
        found.append(state)
        state = state * decays_BKH[:, number, :, None, None] + ends[:, number]
    return torch.stack(found, dim=1), state
