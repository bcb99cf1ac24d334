"""A step of a plain Transformer layer with what no step changes looked up once: weights laid out, norms.

In a step of few rows, finding modules and their parameters takes as long as small products do, so for a block
of ``prepacked`` each layer is prepared when it first steps.  What is not plain (other attention, other inner
networks, weights that are split or learn beside themselves) steps module by module.
"""

# B batch, N hypotheses (B times the beam), T time, P keys and values, D width, H heads, E width of a head

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.attention import Attention, KeysValues
from seqspec.components._layers.feed_forward import FeedForward, activate
from seqspec.components._layers.kv_cache import append
from seqspec.components._layers.linear import Linear, Pack, lays_out, once, pack_of
from seqspec.components._layers.positions import turned, turns
from seqspec.components._layers.transformer_layer import LayerNorm, Residual, TransformerLayer

Norm = Callable[[Tensor], Tensor]


class PreparedLayer(NamedTuple):
    """The parts of one layer in the order in which they work."""

    attention: _Attention
    cross: _Cross | None
    inner: _Inner

    def step(
        self,
        x_ND: Tensor,
        past_TPNHE: Tensor,
        memory: KeysValues | None,
        *,
        position: int,
        mask: Tensor | None,
        memory_mask: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """As ``step_layer``: the layer's output ``[N, D]``, and the past with one more position."""
        x_ND, past_TPNHE = self.attention.step(x_ND, past_TPNHE, position=position, mask=mask)
        if self.cross is not None and memory is not None:
            x_ND = self.cross.look(x_ND, memory, mask=memory_mask)
        return self.inner.step(x_ND), past_TPNHE


def prepared(layer: TransformerLayer) -> PreparedLayer | None:
    """The layer's step, where weights are laid out and the layer is plain."""
    if layer.training or not lays_out():
        return None
    return once(("prepared", layer), lambda: (_prepare(layer),))[0]


def _prepare(layer: TransformerLayer) -> PreparedLayer | None:
    crossing, inner = layer.cross_attention, layer.feed_forward
    attends = (layer.self_attention, *(() if crossing is None else (crossing,)))
    if type(layer) is not TransformerLayer or not all(map(_is_plain, attends)):
        return None
    if crossing is not None and crossing.rotary:
        return None
    if type(inner) is not FeedForward or inner.kernel != 1 or inner.group is not None:
        return None
    if any(one._forward_hooks or one._forward_pre_hooks for one in layer.modules()):
        return None
    own = layer.self_attention
    packs = [
        _pack(own.query, own.key, own.value),
        _pack(own.output),
        _pack(inner.expand),
        _pack(inner.contract),
        *(() if crossing is None else (_pack(crossing.query), _pack(crossing.output))),
    ]
    if any(pack is None for pack in packs):
        return None
    read, write, expand, contract, *looks = cast("list[Pack]", packs)
    cross = None
    if crossing is not None and layer.cross_residual is not None:
        cross = _Cross(_Around.of(layer.cross_residual), crossing.num_heads, *looks)
    return PreparedLayer(
        _Attention(_Around.of(layer.self_residual), own.num_heads, read, write, rotary=own.rotary),
        cross,
        _Inner(_Around.of(layer.feed_forward_residual), inner.activation, expand, contract),
    )


def _is_plain(attention: nn.Module) -> bool:
    if type(attention) is not Attention or attention.group is not None:
        return False
    return attention.scaled and attention.scale is None


def _pack(*layers: nn.Module) -> Pack | None:
    if not all(type(layer) is Linear and layer.split is None for layer in layers):
        return None
    return pack_of(cast("tuple[Linear, ...]", layers))


class _Around(NamedTuple):
    """The normalisation before a sublayer, or the one after its residual sum."""

    before: Norm | None
    after: Norm | None

    @classmethod
    def of(cls, residual: Residual) -> _Around:
        norm = _norm(residual.norm)
        return cls(norm, None) if residual.pre else cls(None, norm)

    def read(self, x_ND: Tensor) -> Tensor:
        return x_ND if self.before is None else self.before(x_ND)

    def given(self, x_ND: Tensor) -> Tensor:
        return x_ND if self.after is None else self.after(x_ND)


def _norm(module: nn.Module) -> Norm:
    if type(module) is not LayerNorm:
        return module
    shape, weight, bias, eps = module.normalized_shape, module.weight, module.bias, module.eps

    def layer_norm(x_ND: Tensor) -> Tensor:
        return torch.layer_norm(x_ND, shape, weight, bias, eps)

    return layer_norm


class _Attention(NamedTuple):
    """Over the past of each hypothesis."""

    around: _Around
    num_heads: int
    read: Pack
    """Queries, keys and values side by side."""
    write: Pack
    rotary: bool

    def step(
        self, x_ND: Tensor, past_TPNHE: Tensor, *, position: int, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        count = x_ND.shape[0]
        all_N3HE = self.read.product(self.around.read(x_ND)).view(count, 3, self.num_heads, -1)
        if self.rotary:
            queries_keys_N2HE, values_N1HE = all_N3HE.split_with_sizes((2, 1), 1)
            by = turns(queries_keys_N2HE[..., :1, :], start=position)
            all_N3HE = torch.cat([turned(queries_keys_N2HE, by), values_N1HE], 1)
        new_PNHE = all_N3HE.narrow(1, 1, 2).transpose(0, 1)
        past_TPNHE = append(past_TPNHE, new_PNHE, filled=position)
        keys, values = past_TPNHE.permute(1, 2, 3, 0, 4).unbind()
        queries_NH1E = all_N3HE.select(1, 0).unsqueeze(2)
        seen = functional.scaled_dot_product_attention(queries_NH1E, keys, values, attn_mask=mask)
        return self.around.given(self.write.added(seen.flatten(1), x_ND)), past_TPNHE


class _Cross(NamedTuple):
    """Over the memory that the hypotheses of an example share."""

    around: _Around
    num_heads: int
    read: Pack
    write: Pack

    def look(self, x_ND: Tensor, memory: KeysValues, *, mask: Tensor | None) -> Tensor:
        cut = (memory.keys.shape[0], -1, self.num_heads, memory.keys.shape[3])
        queries_BHQE = self.read.product(self.around.read(x_ND)).view(cut).transpose(1, 2)
        seen = functional.scaled_dot_product_attention(
            queries_BHQE, memory.keys, memory.values, attn_mask=mask
        )
        given_ND = self.write.added(seen.transpose(1, 2).reshape(x_ND.shape[0], -1), x_ND)
        return self.around.given(given_ND)


class _Inner(NamedTuple):
    """The position-wise network."""

    around: _Around
    activation: str
    expand: Pack
    contract: Pack

    def step(self, x_ND: Tensor) -> Tensor:
        read_ND = self.around.read(x_ND)
        if self.activation == "relu":
            inner_NF = self.expand.relu(read_ND)
        else:
            inner_NF = activate(self.expand.product(read_ND), self.activation, product=True)
        return self.around.given(self.contract.added(inner_NF, x_ND))
