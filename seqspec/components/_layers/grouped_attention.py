"""Causal self-attention of today's decoders: grouped keys, normalised queries and keys, a sliding window.

Ainslie et al. (2023), "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints",
arXiv:2305.13245; Henry et al. (2020), "Query-Key Normalization for Transformers", arXiv:2010.04245, with a
root mean square in place of the length; Beltagy et al. (2020), arXiv:2004.05150, section 3.1 for the window.
"""

# B batch, N hypotheses, T time, D width, H heads, G groups of heads that share keys, E width of a head

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import dropout
from seqspec.components._layers.kv_cache import append
from seqspec.components._layers.linear import Linear, affine_together
from seqspec.components._layers.places import at_places, mask_at
from seqspec.components._layers.rms_norm import RMSNorm, rms_norm
from seqspec.components._layers.rotary import Turns
from seqspec.components._layers.tensor_parallel import Columns, Group, Rows, TensorPlan


class GroupedAttention(nn.Module):
    """``num_kv_heads`` keys and values serve ``num_heads`` queries."""

    group: Group | None = None
    """The processes that share its heads."""

    def __init__(
        self,
        dim: int,
        *,
        num_heads: int,
        num_kv_heads: int,
        head_dim: int,
        bias: tuple[bool, bool],
        norm_epsilon: float | None,
        window: int | None,
        dropout: float,
    ) -> None:
        """``bias``: on queries, keys and values, and on the output.  ``norm_epsilon``: of the norm on queries
        and keys, where there is one.  ``window``: positions that a query sees, its own among them.
        """
        super().__init__()
        self.num_kv_heads = num_kv_heads
        self.head_dim = head_dim
        self.window = window
        self.dropout = dropout
        self.query = Linear(dim, num_heads * head_dim, bias=bias[0])
        self.key = Linear(dim, num_kv_heads * head_dim, bias=bias[0])
        self.value = Linear(dim, num_kv_heads * head_dim, bias=bias[0])
        self.output = Linear(num_heads * head_dim, dim, bias=bias[1])
        self.query_norm = RMSNorm(head_dim, eps=norm_epsilon) if norm_epsilon else None
        self.key_norm = RMSNorm(head_dim, eps=norm_epsilon) if norm_epsilon else None

    def tensor_plan(self) -> TensorPlan:
        """Each process has some of the keys' heads, and the queries that they serve."""
        columns = dict.fromkeys(("query", "key", "value"), Columns())
        return TensorPlan({**columns, "output": Rows()}, counts={"num_kv_heads": self.num_kv_heads})

    def forward(
        self, x_BTD: Tensor, turns: Turns, *, mask: Tensor | None, places_BK: Tensor | None = None
    ) -> Tensor:
        """``mask`` broadcasts to ``[B, H, T, T]`` and is causal; without one all before is seen.  With
        ``places_BK`` only these places ask, and ``[B, K, D]`` is given.
        """
        if places_BK is None:
            queries, keys, values = self._heads(x_BTD, turns)
            return self._attend(queries, keys, values, mask=mask, causal=mask is None)
        queries = self._cut(self.query(at_places(x_BTD, places_BK)), self.query_norm, turns.at(places_BK))
        key, value = affine_together(x_BTD, self.key, self.value)
        keys, values = self._cut(key, self.key_norm, turns), self._split(value)
        seen = mask_at(mask, places_BK, size=x_BTD.shape[1])
        return self._attend(queries, keys, values, mask=seen, causal=False)

    def no_past(self, *, examples: int) -> Tensor:
        """``[0, 2, B, G, E]``: what ``step`` is given at first."""
        return self.key.weight.new_empty(0, 2, examples, self.num_kv_heads, self.head_dim)

    def kept(self, position: int) -> int:
        """Past positions that a step at ``position`` sees."""
        return position if self.window is None else min(position, self.window - 1)

    def step(self, x_ND: Tensor, past_TPNGE: Tensor, turns: Turns, *, position: int) -> tuple[Tensor, Tensor]:
        """One more position of each hypothesis; gives the past that the next one sees."""
        queries, keys, values = self._heads(x_ND[:, None], turns)
        past_TPNGE = append(
            past_TPNGE, torch.stack([keys[:, :, 0], values[:, :, 0]]), filled=self.kept(position)
        )
        keys_NGTE, values_NGTE = past_TPNGE.permute(1, 2, 3, 0, 4)
        given = self._attend(queries, keys_NGTE, values_NGTE, mask=None, causal=False)[:, 0]
        return given, past_TPNGE[len(past_TPNGE) - self.kept(position + 1) :]

    def _heads(self, x_BTD: Tensor, turns: Turns) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = affine_together(x_BTD, self.query, self.key, self.value)
        return (self._cut(query, self.query_norm, turns), self._cut(key, self.key_norm, turns),
                self._split(value))  # fmt: skip

    def _cut(self, x_BTD: Tensor, norm: RMSNorm | None, turns: Turns) -> Tensor:
        """``[B, H, T, E]``: heads of queries or keys, normalised and turned."""
        heads_BTHE = x_BTD.unflatten(-1, (-1, self.head_dim))
        return turns((heads_BTHE if norm is None else self._normed(heads_BTHE, norm)).transpose(1, 2))

    def _split(self, x_BTD: Tensor) -> Tensor:
        return x_BTD.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def _normed(self, x_BTHE: Tensor, norm: RMSNorm) -> Tensor:
        """All heads share the norm's weight, those of other processes too."""
        if self.group is None:
            given: Tensor = norm(x_BTHE)
            return given
        weight_E = self.group.entered(norm.weight)
        return rms_norm(x_BTHE, weight_E, eps=norm.eps)

    def _attend(
        self,
        queries_BHTE: Tensor,
        keys_BGTE: Tensor,
        values_BGTE: Tensor,
        *,
        mask: Tensor | None,
        causal: bool,
    ) -> Tensor:
        times = queries_BHTE.shape[1] // keys_BGTE.shape[1]
        keys, values = (
            part.repeat_interleave(times, 1) if times > 1 else part for part in (keys_BGTE, values_BGTE)
        )
        drop = self.dropout if self.training else 0.0
        if drop and (queries_BHTE.device.type == "cpu" or self.group is not None):
            given = _with_dropout(queries_BHTE, keys, values, mask=mask, p=drop, group=self.group)
        else:
            given = functional.scaled_dot_product_attention(
                queries_BHTE, keys, values, attn_mask=mask, dropout_p=drop, is_causal=causal
            )
        return self.output(given.transpose(1, 2).flatten(2))


def window_mask(size: int, *, window: int | None, device: torch.device) -> Tensor:
    """``[T, T]``, True where a query sees a key: causal, and not further back than the window."""
    seen = torch.ones(size, size, dtype=torch.bool, device=device).tril()
    return seen if window is None else seen.triu(1 - window)


def _with_dropout(
    queries: Tensor, keys: Tensor, values: Tensor, *, mask: Tensor | None, p: float, group: Group | None
) -> Tensor:
    """Torch's kernel for a CPU has no dropout of its own and would draw slow masks; and none draws those of
    some of the heads.
    """
    scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
    seen = window_mask(scores.shape[-1], window=None, device=scores.device) if mask is None else mask
    weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
    dropped = dropout(weights, p) if group is None else group.dropout(weights, p, dim=1)
    return dropped @ values
