"""The layers that the Transformer's encoder and decoder stack, and what stands before and after the stack."""

# B batch, N hypotheses, T time, S memory time, D width

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from seqspec.components._layers.attention import Attention, KeysValues
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.feed_forward import FeedForward
from seqspec.components._layers.input_limits import InputTooLong
from seqspec.components._layers.linear import once
from seqspec.components._layers.places import at_places, mask_at
from seqspec.components._layers.positions import RelativeBias, linear_bias, sinusoids
from seqspec.components._layers.rms_norm import RMSNorm
from seqspec.schema.layers.transformer import ExchangeableLayers, TransformerLayers


class LayerNorm(nn.LayerNorm):
    """Torch's own without what it asks on its way there, which in a step of few rows costs as much again."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


def make_norm(config: TransformerLayers, dim: int) -> nn.Module:
    """The normalisation that the config names."""
    if config.norm_type == "rms":
        return RMSNorm(dim, eps=config.norm_epsilon)
    return LayerNorm(dim, eps=config.norm_epsilon)


class Residual(nn.Module):
    """Where normalisation, dropout and the residual sum of one sublayer go."""

    def __init__(self, config: TransformerLayers, dim: int) -> None:
        super().__init__()
        assert config.dropout is not None
        self.norm = make_norm(config, dim)
        self.pre = config.norm == "pre"
        self.dropout = Dropout(config.dropout)

    def before(self, x: Tensor) -> Tensor:
        return self.norm(x) if self.pre else x

    def after(self, x: Tensor, y: Tensor) -> Tensor:
        x = self.dropout.added(x, y)
        return x if self.pre else self.norm(x)


class Context(NamedTuple):
    """What every layer of a stack shares in one pass."""

    mask: Tensor | None = None
    """For self-attention; a bias by distance is in it."""
    causal: bool = False
    real_BT: Tensor | None = None
    """True for real tokens; only a convolution needs it."""
    memory_BSD: Tensor | None = None
    memory_mask: Tensor | None = None
    auxiliary: dict[str, Tensor] | None = None
    """Takes what layers work out beside their states."""
    block: int | None = None
    """Positions of a block, where each sees its own block and the one before, and nothing after itself."""
    segments_BT: Tensor | None = None
    """Packed documents that do not see each other; only what stands in place of full attention needs it."""


class TransformerLayer(nn.Module):
    """Self-attention, attention over a memory where there is one, and the feed-forward network."""

    recompute = False
    """Keep the input alone for the backward pass and work the rest out again, with the same random numbers:
    Chen et al. (2016), "Training Deep Nets with Sublinear Memory Cost", arXiv:1604.06174.  Experts, which
    count what they see, are worked out once.
    """

    def __init__(
        self,
        config: TransformerLayers,
        *,
        dim: int,
        causal: bool,
        memory_dim: int | None = None,
        feed_forward: nn.Module | None = None,
        self_attention: nn.Module | None = None,
    ) -> None:
        """``feed_forward`` and ``self_attention`` stand in place of the plain ones that the config
        describes.
        """
        super().__init__()
        self.mixes = self_attention is not None
        self.self_attention: Any = self_attention or _attention(
            config, dim, rotary=config.positions == "rotary"
        )
        self.self_residual = Residual(config, dim)
        self.cross_attention = None if memory_dim is None else _attention(config, dim, memory_dim=memory_dim)
        self.cross_residual = None if memory_dim is None else Residual(config, dim)
        self.routes = feed_forward is not None
        self.feed_forward: Any = feed_forward or _feed_forward(config, dim, causal=causal)
        self.feed_forward_residual = Residual(config, dim)

    def forward(self, x_BTD: Tensor, context: Context, places_BK: Tensor | None = None) -> Tensor:
        """The whole sequence at once, or ``[B, K, D]``, its states at some places, for whom no other is read
        after this layer; that is for plain self-attention without rotary positions.
        """
        if self.recompute and self.training and torch.is_grad_enabled() and not self.routes:
            given: Tensor = checkpoint(self._states, x_BTD, context, places_BK, use_reentrant=False)
            return given
        return self._states(x_BTD, context, places_BK)

    def _states(self, x_BTD: Tensor, context: Context, places_BK: Tensor | None) -> Tensor:
        query = self.self_residual.before(x_BTD)
        if places_BK is not None:
            y = self.self_attention(at_places(query, places_BK), query, mask=_rows(context, places_BK, query))
            x_BTD = at_places(x_BTD, places_BK)
        elif self.mixes:
            y = self._mixed(query, context)
        elif context.block is not None:
            y = self.self_attention.within(query, block=context.block)
        else:
            y = self.self_attention(query, mask=context.mask, causal=context.causal)
        x_BTD = self.self_residual.after(x_BTD, y)
        if self.cross_attention is not None and self.cross_residual is not None:
            query = self.cross_residual.before(x_BTD)
            y = self.cross_attention(query, context.memory_BSD, mask=context.memory_mask)
            x_BTD = self.cross_residual.after(x_BTD, y)
        more = {"auxiliary": context.auxiliary} if self.routes else {}
        y = self.feed_forward(self.feed_forward_residual.before(x_BTD), context.real_BT, **more)
        return self.feed_forward_residual.after(x_BTD, y)

    def advance(
        self,
        x_BTD: Tensor,
        past: KeysValues | None,
        *,
        position: int,
        keep: int | None,
        mask: Tensor | None,
    ) -> tuple[Tensor, KeysValues]:
        """Several more positions of a stream, as ``Attention.advance``; nothing else may look around."""
        y, past = self.self_attention.advance(
            self.self_residual.before(x_BTD), past, position=position, keep=keep, mask=mask
        )
        x_BTD = self.self_residual.after(x_BTD, y)
        y = self.feed_forward(self.feed_forward_residual.before(x_BTD), None)
        return self.feed_forward_residual.after(x_BTD, y), past

    def _mixed(self, query_BTD: Tensor, context: Context) -> Tensor:
        more: dict[str, Any] = {}
        if getattr(self.self_attention, "auxiliary", ()):
            more["auxiliary"] = context.auxiliary
        if getattr(self.self_attention, "reads_mask", False):
            more["mask"] = context.mask
        mixed_BTD: Tensor = self.self_attention(
            query_BTD, real_BT=context.real_BT, segments_BT=context.segments_BT, **more
        )
        return mixed_BTD


def _rows(context: Context, places_BK: Tensor, x_BTD: Tensor) -> Tensor | None:
    """The mask of the queries at some places; one that is the same for all of them stays as it is."""
    alike = not context.causal and (context.mask is None or context.mask.shape[-2] == 1)
    return context.mask if alike else mask_at(context.mask, places_BK, size=x_BTD.shape[1])


def _feed_forward(config: TransformerLayers, dim: int, *, causal: bool) -> FeedForward:
    assert config.feed_forward_dim is not None
    return FeedForward(
        dim,
        inner=config.feed_forward_dim,
        activation=config.activation,
        dropout=config.feed_forward_dropout,
        bias=config.feed_forward_bias,
        kernel=config.feed_forward_kernel,
        causal=causal,
    )


class Exchanged(NamedTuple):
    """What stands in one layer in place of its plain parts, by the names that ``TransformerLayer`` takes."""

    feed_forward: nn.Module | None
    self_attention: nn.Module | None


def exchanged(config: ExchangeableLayers, parts: Any, *, dim: int) -> list[Exchanged]:
    """Of each layer."""
    inner = _copies(config.exchanged(), parts, "feed_forward")
    if config.feed_forward is not None:
        config.inner_network(dim)  # It has been handed over, so these settings are in use.
    mixing = _copies(config.exchanged_attention(), parts, "self_attention")
    if config.self_attention is not None:
        config.attention_settings()  # So have these.
    return [Exchanged(*both) for both in zip(inner, mixing, strict=True)]


def _copies(places: tuple[bool, ...], parts: Any, name: str) -> list[nn.Module | None]:
    if not any(places):
        return [None] * len(places)
    made = iter(parts.copies(name, sum(places)))
    return [next(made) if place else None for place in places]


def _attention(
    config: TransformerLayers, dim: int, *, memory_dim: int | None = None, rotary: bool = False
) -> Attention:
    assert config.num_heads is not None
    return Attention(
        dim,
        num_heads=config.num_heads,
        memory_dim=memory_dim,
        bias=config.bias,
        dropout=config.attention_dropout,
        rotary=rotary,
        per_dim_scale=config.per_dim_scale,
        head_dim=getattr(config, "head_dim", None),
        scaled=getattr(config, "scaled", True),
    )


class Entrance(nn.Module):
    """Positions and dropout before the first layer, and the bias by distance that its attention sees."""

    def __init__(self, config: TransformerLayers, *, dim: int, causal: bool) -> None:
        super().__init__()
        assert config.input_dropout is not None
        assert config.num_heads is not None
        self.positions = config.positions
        self.max_positions: int | None = None
        """Positions that are learned; none is a limit otherwise."""
        self.num_heads = config.num_heads
        self.dropout = Dropout(config.input_dropout)
        self.learned = None
        self.bias = None
        if config.positions == "learned":
            self.max_positions = config.max_positions or 0
            self.learned = nn.Parameter(nn.init.normal_(torch.empty(self.max_positions, dim)))
        if config.positions == "relative":
            self.bias = RelativeBias(config.num_heads, causal=causal)

    @torch.no_grad()
    def suit(self, embedding: nn.Module | None) -> None:
        """Learned positions start as large as what the embedding gives, so that neither drowns the other."""
        if self.learned is not None:
            self.learned.mul_(getattr(embedding, "size", 1.0))

    def forward(self, x_BTD: Tensor, *, start: int = 0) -> Tensor:
        """``start``: the position of the first row."""
        size, dim = x_BTD.shape[-2:]
        if self.positions == "sinusoidal":
            x_BTD = x_BTD + _sinusoids(start, size, dim=dim, like=x_BTD)
        if self.learned is not None:
            if start + size > len(self.learned):
                raise InputTooLong(start + size, len(self.learned))
            x_BTD = x_BTD + self.learned[start : start + size]
        return self.dropout(x_BTD)

    def biased(
        self, mask: Tensor | None, *, queries: int, keys: int, causal: bool, device: torch.device
    ) -> Tensor | None:
        """``mask`` with the bias by distance in it, and with causality where the bias needs it said."""
        if self.bias is not None:
            bias = self.bias(queries, keys)
        elif self.positions == "linear":
            bias = linear_bias(queries, keys, num_heads=self.num_heads, device=device)
        else:
            return mask
        if causal:
            seen = torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)
            mask = seen if mask is None else mask & seen
        return bias if mask is None else bias.masked_fill(~mask, -torch.inf)


def _sinusoids(start: int, size: int, *, dim: int, like: Tensor) -> Tensor:
    """``sinusoids`` of ``like``'s type and place; a single position's are kept for the searches to come."""

    def made() -> Tensor:
        return sinusoids(start, size, dim=dim, device=like.device).to(like.dtype)

    return once(("sinusoids", start, dim, like.device, like.dtype), made) if size == 1 else made()


def suit_positions(encoder: nn.Module, embedding: nn.Module | None) -> None:
    """``Entrance.suit`` for an encoder that has an entrance and stands behind an embedding."""
    entrance = getattr(encoder, "entrance", None)
    if isinstance(entrance, Entrance) and embedding is not None:
        entrance.suit(embedding)
