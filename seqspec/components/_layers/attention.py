"""Multi-head attention on ``scaled_dot_product_attention``: self, cross, causal, masked, one step at a time.

Vaswani et al. (2017), "Attention Is All You Need", section 3.2.
"""

# B batch, N hypotheses (B times the beam), Q queries, K keys, T time, P keys and values, D width, H heads,
# E width of a head

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.kv_cache import append
from seqspec.components._layers.linear import affine_together
from seqspec.components._layers.positions import rotate, turned, turns
from seqspec.components._layers.tensor_parallel import Columns, Group, Rows, TensorPlan


class KeysValues(NamedTuple):
    """What a step attends to: ``[B, H, K, E]`` each."""

    keys: Tensor
    values: Tensor


class Attention(nn.Module):
    """Queries of width ``dim`` over a memory of width ``memory_dim``, or over the queries' own input."""

    group: Group | None = None
    """The processes that share its heads."""

    def __init__(
        self,
        dim: int,
        *,
        num_heads: int,
        memory_dim: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        rotary: bool = False,
        per_dim_scale: bool = False,
        head_dim: int | None = None,
        scaled: bool = True,
    ) -> None:
        """``head_dim``: width of a head, where it is not ``dim`` over ``num_heads``; ``scaled``: scores are
        divided by its root.
        """
        super().__init__()
        inner = num_heads * (head_dim or dim // num_heads)
        self.scaled = scaled
        self.num_heads = num_heads
        self.dropout = dropout
        self.rotary = rotary
        self.query = linear(dim, inner, bias=bias)
        self.key = linear(memory_dim or dim, inner, bias=bias)
        self.value = linear(memory_dim or dim, inner, bias=bias)
        self.output = linear(inner, dim, bias=bias)
        self.scale = nn.Parameter(torch.zeros(dim // num_heads)) if per_dim_scale else None

    def tensor_plan(self) -> TensorPlan:
        """Each process has some of the heads."""
        columns = dict.fromkeys(("query", "key", "value"), Columns())
        return TensorPlan({**columns, "output": Rows()}, counts={"num_heads": self.num_heads})

    def forward(
        self,
        x_BQD: Tensor,
        memory_BKD: Tensor | None = None,
        *,
        mask: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """``mask`` broadcasts to ``[B, H, Q, K]``: True where a key may be seen, or a float bias.  ``causal``
        needs no mask.
        """
        if memory_BKD is None:
            queries, memory = self._of_itself(x_BQD)
        else:
            queries, memory = self._queries(x_BQD), self.remember(memory_BKD)
        return self._attend(queries, memory, mask=mask, causal=causal)

    def within(self, x_BTD: Tensor, *, block: int) -> Tensor:
        """Each position sees its own block of positions up to itself, and the block before: Parmar et al.
        (2018), "Image Transformer", arXiv:1802.05751, section 4.2.1, in the work of two blocks a position.
        """
        size = x_BTD.shape[1]
        padded_BTD = functional.pad(x_BTD, (0, 0, 0, -size % block))
        whole, memory = self._of_itself(padded_BTD)
        queries = _blocks(whole, block)
        pairs = KeysValues(*(_with_before(_blocks(part, block)) for part in memory))
        count = queries.shape[1]
        mask = torch.ones(block, 2 * block, dtype=torch.bool, device=x_BTD.device).tril(block)
        mask = mask.expand(count, 1, block, 2 * block).clone()
        mask[0, :, :, :block] = False
        flat = KeysValues(*(part.flatten(0, 1) for part in pairs))
        mask = mask.repeat(x_BTD.shape[0], 1, 1, 1)
        given = self._attend(queries.flatten(0, 1), flat, mask=mask, causal=False)
        return given.view(x_BTD.shape[0], -1, x_BTD.shape[2])[:, :size]

    def remember(self, memory_BKD: Tensor) -> KeysValues:
        """Keys and values of a memory."""
        return self._kept(*affine_together(memory_BKD, self.key, self.value), start=0)

    def look(self, x_ND: Tensor, memory: KeysValues, *, mask: Tensor | None = None) -> Tensor:
        """One query a hypothesis.  The hypotheses of one example share its memory, which is not copied."""
        drop = self.dropout if self.training else 0.0
        queries = self._shared_queries(x_ND, memory)
        seen = attend(queries, memory, mask=self._seen(mask), drop=drop, group=self.group)
        return self.output(seen.transpose(1, 2).reshape(x_ND.shape[0], -1))

    def no_past(self, *, examples: int) -> Tensor:
        """``[0, P, B, H, E]``: what ``step`` is given at first."""
        weight = self.key.weight
        return weight.new_empty(0, 2, examples, self._heads, len(weight) // self.num_heads)

    def step(
        self, x_ND: Tensor, past_TPNHE: Tensor, *, position: int, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """One more position of each hypothesis, which sees itself and its past; gives the past with it."""
        if self.rotary:
            queries_NH1E, new = self._of_itself(x_ND[:, None], start=position)
            new_PNHE = torch.stack([part.squeeze(2) for part in new])
        else:
            # Small operations are most of a step: heads are cut out of rows, with no axis of time.
            query, key, value = affine_together(x_ND, self.query, self.key, self.value)
            cut = (x_ND.shape[0], self._heads, -1)
            queries_NH1E = self._sized(query.view(*cut).unsqueeze(2))
            new_PNHE = torch.stack([key.view(cut), value.view(cut)])
        past_TPNHE = append(past_TPNHE, new_PNHE, filled=position)
        seen = KeysValues(*past_TPNHE.permute(1, 2, 3, 0, 4))
        drop = self.dropout if self.training else 0.0
        given = attend(queries_NH1E, seen, mask=self._seen(mask), drop=drop, group=self.group)
        return self.output(given.flatten(1)), past_TPNHE

    def advance(
        self,
        x_BQD: Tensor,
        past: KeysValues | None,
        *,
        position: int,
        keep: int | None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, KeysValues]:
        """Several more positions at once, the first of which is ``position``: they see one another and the
        past.  Gives the past of the next ones too, its last ``keep`` positions, or all.
        """
        queries, new = self._of_itself(x_BQD, start=position)
        if past is not None:
            new = KeysValues(*(torch.cat(pair, dim=2) for pair in zip(past, new, strict=True)))
        kept = new.keys.shape[2] if keep is None else min(keep, new.keys.shape[2])
        rest = KeysValues(*(part[:, :, part.shape[2] - kept :] for part in new))
        return self._attend(queries, new, mask=mask, causal=False), rest

    def weights(self, x_BQD: Tensor, memory_BKD: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """``[B, Q, K]``: attention probabilities, averaged over heads; for images and coverage."""
        queries = self._queries(x_BQD)
        return self._probabilities(queries, self.remember(memory_BKD).keys, mask)

    def look_weights(self, x_ND: Tensor, memory: KeysValues, *, mask: Tensor | None = None) -> Tensor:
        """``[N, K]``: what ``look`` attends to, averaged over heads."""
        queries = self._shared_queries(x_ND, memory)
        return self._probabilities(queries, memory.keys, mask).flatten(0, 1)

    def _probabilities(self, queries_BHQE: Tensor, keys_BHKE: Tensor, mask: Tensor | None) -> Tensor:
        scores = queries_BHQE @ keys_BHKE.transpose(-1, -2) * queries_BHQE.shape[-1] ** -0.5
        mask = self._seen(mask)
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
        mean = scores.softmax(-1).mean(1)
        return mean if self.group is None else self.group.summed(mean) / self.group.size

    def _of_itself(self, x_BTD: Tensor, *, start: int = 0) -> tuple[Tensor, KeysValues]:
        """Queries, keys and values of one sequence, whose first row stands at position ``start``."""
        query, key, value = affine_together(x_BTD, self.query, self.key, self.value)
        queries, keys, values = self._sized(self._split(query)), self._split(key), self._split(value)
        if self.rotary:  # queries and keys stand at the same places
            by = turns(keys, start=start)
            queries, keys = turned(queries, by), turned(keys, by)
        return queries, KeysValues(keys, values)

    def _kept(self, key_BKD: Tensor, value_BKD: Tensor, *, start: int) -> KeysValues:
        keys = self._split(key_BKD)
        return KeysValues(rotate(keys, start=start) if self.rotary else keys, self._split(value_BKD))

    def _shared_queries(self, x_ND: Tensor, memory: KeysValues) -> Tensor:
        """``[B, H, N / B, E]``: those of the hypotheses of each memory."""
        cut = self.query(x_ND).view(memory.keys.shape[0], -1, self._heads, memory.keys.shape[3])
        queries = self._sized(cut.transpose(1, 2))
        return rotate(queries, start=0) if self.rotary else queries

    def _queries(self, x_BQD: Tensor) -> Tensor:
        queries = self._sized(self._split(self.query(x_BQD)))
        return rotate(queries, start=0) if self.rotary else queries

    def _sized(self, queries: Tensor) -> Tensor:
        if not self.scaled:  # what follows divides by the root
            queries = queries * queries.shape[-1] ** 0.5
        if self.scale is not None:
            # Lingvo: each feature of a head has its own positive scale, 1 at first.
            scale = self.scale if self.group is None else self.group.entered(self.scale)
            queries = queries * (functional.softplus(scale) / torch.log(torch.tensor(2.0)))
        return queries

    @property
    def _heads(self) -> int:
        """Heads that this process works on."""
        return self.num_heads if self.group is None else self.num_heads // self.group.size

    def _seen(self, mask: Tensor | None) -> Tensor | None:
        """What ``mask`` says of the heads of this process."""
        if self.group is None or mask is None or mask.dim() < 3 or mask.shape[-3] == 1:
            return mask
        return self.group.part(mask, dim=-3)

    def _split(self, x_BKD: Tensor) -> Tensor:
        return x_BKD.view(*x_BKD.shape[:2], self._heads, -1).transpose(1, 2)

    def _attend(
        self, queries_BHQE: Tensor, memory: KeysValues, *, mask: Tensor | None, causal: bool
    ) -> Tensor:
        drop = self.dropout if self.training else 0.0
        mask = self._seen(mask)
        given = attend(queries_BHQE, memory, mask=mask, causal=causal, drop=drop, group=self.group)
        return self._merge(given)

    def _merge(self, x_BHQE: Tensor) -> Tensor:
        return self.output(x_BHQE.transpose(1, 2).flatten(2))


def _blocks(x_BHTE: Tensor, block: int) -> Tensor:
    """``[B, T / block, H, block, E]``."""
    return x_BHTE.unflatten(2, (-1, block)).transpose(1, 2)


def _with_before(blocks: Tensor) -> Tensor:
    """Each block with the one before in front of it; zeros before the first, which nothing may see."""
    before = functional.pad(blocks, (0, 0, 0, 0, 0, 0, 1, 0))[:, :-1]
    return torch.cat([before, blocks], dim=3)


def attend(
    queries_BHQE: Tensor,
    memory: KeysValues,
    *,
    mask: Tensor | None,
    causal: bool = False,
    drop: float = 0.0,
    group: Group | None = None,
) -> Tensor:
    """``[B, H, Q, E]``: means of the values, by the softmax of queries' inner products with keys.  ``group``:
    the processes that share the heads.
    """
    if drop and (queries_BHQE.device.type == "cpu" or group is not None):
        return _attend_with_dropout(queries_BHQE, memory, mask=mask, causal=causal, p=drop, group=group)
    return functional.scaled_dot_product_attention(
        queries_BHQE, memory.keys, memory.values, attn_mask=mask, dropout_p=drop, is_causal=causal
    )


def attend_by_sums(
    queries_BHQE: Tensor,
    keys_BHKE: Tensor,
    values_BHKE: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """``functional.scaled_dot_product_attention`` of a few queries in a form that a compiler writes as plain
    loops: sums over products of single numbers.
    """
    assert not dropout_p
    assert not is_causal
    assert not enable_gqa
    scale = queries_BHQE.shape[-1] ** -0.5 if scale is None else scale
    scores_BHQK = ((queries_BHQE * scale).unsqueeze(-2) * keys_BHKE.unsqueeze(-3)).sum(-1)
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores_BHQK = scores_BHQK.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        scores_BHQK = scores_BHQK + attn_mask
    weights_BHQK = scores_BHQK.softmax(-1)
    return (weights_BHQK.unsqueeze(-1) * values_BHKE.unsqueeze(-3)).sum(-2)


def _attend_with_dropout(
    queries_BHQE: Tensor,
    memory: KeysValues,
    *,
    mask: Tensor | None,
    causal: bool,
    p: float,
    group: Group | None,
) -> Tensor:
    """Torch's kernel for a CPU has no dropout of its own and would draw slow masks; and none draws those of
    some of the heads.
    """
    scores = queries_BHQE @ memory.keys.transpose(-1, -2) * queries_BHQE.shape[-1] ** -0.5
    if causal:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~seen, -torch.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    weights = scores.softmax(-1)
    dropped = dropout(weights, p) if group is None else group.dropout(weights, p, dim=1)
    return dropped @ memory.values
