"""Which architecture of Hugging Face's layout a Transformer decoder without an encoder is, if any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from seqspec.schema.config import Mismatch
from seqspec.schema.decoder.gpt2 import Gpt2Config
from seqspec.schema.decoder.llama import LlamaConfig
from seqspec.schema.hugging_face_folder import Layout, Weight

if TYPE_CHECKING:
    from seqspec.schema.layers.transformer import TransformerLayers


class Shape(NamedTuple):
    """The architecture that computes the same."""

    layout: Layout
    head: Layout
    settings: dict[str, Any]


_LLAMA = {
    "norm": "pre", "norm_type": "rms", "positions": "rotary", "activation": "swiglu", "bias": False,
    "feed_forward_bias": False,
}  # fmt: skip
_GPT2 = {"norm": "pre", "norm_type": "layer", "positions": "learned", "bias": True, "feed_forward_bias": True}
_BOTH = {
    "final_norm": True, "feed_forward_kernel": 1, "per_dim_scale": False, "feed_forward": None,
    "self_attention": None,
}  # fmt: skip
_RENAMED = {
    "attention": "self_attention", "attention_norm": "self_residual.norm", "down": "feed_forward.contract",
    "feed_forward_norm": "feed_forward_residual.norm", "gate": "feed_forward.expand",
    "up": "feed_forward.expand",
}  # fmt: skip
"""Modules of a layer of decoder ``llama``, and what a Transformer's layer calls them."""
_HALVES = {"gate": (0, 2), "up": (1, 2)}


def shape_of(config: TransformerLayers) -> Shape:
    """Raises ``Mismatch`` where no architecture computes the same."""
    dim = getattr(config, "dim", None)
    if not _away(config, _BOTH | _LLAMA):
        twin = LlamaConfig.model_construct(
            num_layers=config.num_layers, dim=dim, num_heads=config.num_heads, num_kv_heads=config.num_heads,
            head_dim=(dim or 0) // (config.num_heads or 1), feed_forward_dim=config.feed_forward_dim,
            norm_epsilon=config.norm_epsilon, query_key_norm=False, attention_bias="none",
            feed_forward_bias=False, rotary_base=1e4, rotary_scaling=None, window=None, full_layers=[],
            attention_dropout=config.attention_dropout, std=0.02,
        )  # fmt: skip
        layout = twin.layout({})
        renamed = layout._replace(weights=tuple(_renamed(layout.weights)))
        return Shape(renamed, twin.head_layout(), twin.write_settings())
    if not _away(config, _BOTH | _GPT2) and config.activation in ("gelu", "gelu_tanh", "relu", "silu"):
        other = Gpt2Config.model_construct(
            num_layers=config.num_layers, dim=dim, num_heads=config.num_heads,
            feed_forward_dim=config.feed_forward_dim, max_positions=config.max_positions,
            activation=config.activation, norm_epsilon=config.norm_epsilon, dropout=config.dropout or 0.0,
            attention_dropout=config.attention_dropout,
        )  # fmt: skip
        return Shape(other.layout({}), other.head_layout(), other.write_settings())
    away = _away(config, _BOTH | (_LLAMA if config.positions == "rotary" else _GPT2))
    raise Mismatch(
        f"no architecture of Hugging Face's layout computes the same: {', '.join(away) or 'its activation'}",
        help="a Llama has `norm_type: rms`, rotary positions, `swiglu` and no biases; a GPT-2 "
        "`norm_type: layer`, learned positions, biases and an activation without a gate",
    )


def told(value: Any) -> str:
    """A value of a field as a person has written it: components by their names."""
    return str(value.component[1] if hasattr(value, "component") else "none" if value is None else value)


def _away(config: TransformerLayers, needed: dict[str, Any]) -> list[str]:
    """What stands in the way."""
    return [
        f"`{name}` is {told(getattr(config, name))} and not {told(value)}"
        for name, value in needed.items()
        if getattr(config, name) != value
    ]


def _renamed(weights: tuple[Weight, ...]) -> Iterator[Weight]:
    for weight in weights:
        begin, _, rest = weight.here.partition(".")
        if begin != "layers":
            yield weight
            continue
        layer, _, rest = rest.partition(".")
        module, _, rest = rest.partition(".")
        here = f"layers.{layer}.{_RENAMED[module]}.{rest}"
        yield weight._replace(here=here, fills=_HALVES.get(module))
