"""What the Transformer's encoder and decoder share."""

from typing import Annotated, Any, Literal

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.slot import Slot
from seqspec.schema.types import Auxiliary, States
from seqspec.schema.units import Dim, InferredMark, Later, Layers, Positive, PositiveFloat, Probability

GATED = frozenset({"glu", "reglu", "geglu", "geglu_tanh", "swiglu", "bilinear"})
"""Activations of a feed-forward network with a gate, whose first layer is twice as wide."""


class TransformerLayers(Config):
    """A stack of attention and feed-forward layers: Vaswani et al. (2017), "Attention Is All You Need",
    arXiv:1706.03762.
    """

    num_layers: Layers = 6
    """Layers of the stack."""
    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Attention heads, which must divide ``dim``; left out, one for every 64 features."""
    feed_forward_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of the feed-forward network; left out, four times ``dim``."""
    activation: Literal[
        "relu", "gelu", "gelu_tanh", "silu", "glu", "reglu", "geglu", "swiglu", "bilinear"
    ] = "relu"
    """Activation of the feed-forward network; from ``glu`` on it is gated and has a third matrix."""
    feed_forward_kernel: Positive = 1
    """Width in positions of the feed-forward network's first layer; above 1 it is a convolution."""
    norm: Literal["pre", "post"] = "pre"
    """Layer normalisation before each sublayer, or after its residual sum."""
    norm_type: Literal["layer", "rms"] = "layer"
    """Normalise mean and variance, or the root mean square alone."""
    norm_epsilon: PositiveFloat = 1e-6
    """What is added to the variance."""
    final_norm: bool = True
    """Normalise once more after the last layer, where ``norm`` is ``pre``."""
    positions: Literal["none", "sinusoidal", "learned", "rotary", "relative", "linear"] = "sinusoidal"
    """How places are told apart: vectors that are added, rotations, learned biases by distance, or ``linear``
    ones (ALiBi).
    """
    max_positions: Positive | None = None
    """Longest input, in positions, where ``positions`` is ``learned``."""
    bias: bool = True
    """Give the linear layers of attention a bias."""
    feed_forward_bias: bool = True
    """Give the linear layers of the feed-forward network a bias."""
    per_dim_scale: bool = False
    """Learn a scale for each feature of a query (Lingvo)."""
    dropout: Annotated[Probability | None, InferredMark()] = None
    """Rate of dropout on the output of each sublayer; left out, 0.1."""
    input_dropout: Annotated[Probability | None, InferredMark()] = None
    """Rate of dropout on the input with its positions; left out, ``dropout``."""
    attention_dropout: Probability = 0.0
    """Rate of dropout on attention probabilities."""
    feed_forward_dropout: Probability = 0.0
    """Rate of dropout inside the feed-forward network, after its activation."""

    @property
    def attention_layers(self) -> int:
        """Layers that compare every position with every other."""
        return self.num_layers if self.num_heads else 0

    def attention_span(self, length: float, *, dim: int) -> float:
        """Positions that a query is compared with in an input of ``length``, summed over the layers."""
        return self.attention_layers * length

    def activations(self, *, dim: int, crossed: bool) -> int:
        """Numbers a position that all layers keep for the backward pass (Korthikanti et al. 2022, section
        4.1); ``crossed``: they attend to a memory as well.
        """
        return self.num_layers * (12 * dim + 2 * (self.feed_forward_dim or 0) + (6 * dim if crossed else 0))

    def settle(self, flow: Flow, *, dim: int) -> None:
        """Fills in what follows from the width, and refuses numbers that do not fit it."""
        heads = self.num_heads
        if heads is None:
            heads = flow.derive("num_heads", _heads(dim), "one head for every 64 features")
        require_shares(dim, heads)
        if self.positions == "rotary" and dim // heads % 2:
            raise Mismatch(
                f"rotary positions turn pairs of features, and a head has {dim // heads}",
                at=("positions",),
                help="choose a width that gives each head an even number of features",
            )
        if self.feed_forward_dim is None:
            flow.derive("feed_forward_dim", 4 * dim, "four times the width")
        dropout = self.dropout if self.dropout is not None else flow.derive("dropout", 0.1, "the usual rate")
        if self.input_dropout is None:
            flow.derive("input_dropout", dropout, "the same as `dropout`")
        self._check_positions()

    def stack_parameters(self, *, dim: int, memory_dim: int | None = None) -> int:
        """Trainable parameters of the whole stack, once ``settle`` has filled in what follows."""
        assert self.num_heads is not None
        assert self.feed_forward_dim is not None
        wide = self.feed_forward_dim * (2 if self.activation in GATED else 1)
        attentions = [dim] if memory_dim is None else [dim, memory_dim]
        norm = dim * (2 if self.norm_type == "layer" else 1)
        layer = norm * (len(attentions) + 1)
        for width in attentions:
            layer += (
                2 * dim * (dim + width) + 4 * dim * self.bias + dim // self.num_heads * self.per_dim_scale
            )
        layer += self.feed_forward_kernel * dim * wide + self.feed_forward_dim * dim
        layer += (wide + dim) * self.feed_forward_bias
        places = {"learned": (self.max_positions or 0) * dim, "relative": 32 * self.num_heads}
        last = norm if self.norm == "pre" and self.final_norm else 0
        return self.num_layers * layer + places.get(self.positions, 0) + last

    def _check_positions(self) -> None:
        if self.positions == "learned" and self.max_positions is None:
            raise Mismatch(
                "learned positions need to know the longest input",
                at=("positions",),
                help="set `max_positions` to `data.pack.length`, or to the filter's longest example "
                "and its end",
            )
        if self.positions != "learned" and self.max_positions is not None:
            raise Mismatch(
                f"`max_positions` has no meaning for positions `{self.positions}`",
                at=("max_positions",),
                help="take it out, or choose `positions: learned`",
            )


class ExchangeableLayers(TransformerLayers):
    """The layers of Vaswani et al. (2017) with open places for self-attention and the feed-forward
    network.
    """

    self_attention: Annotated[Config | None, Slot("self_attention", nothing="full"), Later] = None
    """What stands in place of full self-attention, such as ``sliding_window``; left out, or ``full``, every
    position sees every other, or all before it.
    """
    feed_forward: Annotated[Config | None, Slot("feed_forward"), Later] = None
    """What stands in place of the plain feed-forward network, such as ``experts``; left out, nothing does."""

    def inner_network(self, dim: int) -> dict[str, tuple[object, str]]:
        """What a component in place of the feed-forward network of layers of width ``dim`` takes over from
        it, with the reason.
        """
        return {
            "inner_dim": (self.feed_forward_dim or 4 * dim, "the layer's `feed_forward_dim`"),
            "activation": (self.activation, "the layer's"),
            "dropout": (self.feed_forward_dropout, "the layer's `feed_forward_dropout`"),
        }

    @property
    def keeps_documents_apart(self) -> bool:
        """Whether packed documents of one row do not see each other."""
        return self.self_attention is None or bool(
            getattr(self.self_attention, "keeps_documents_apart", False)
        )

    def exchanged_attention(self) -> tuple[bool, ...]:
        """Of each layer, whether its self-attention is another component."""
        inner: Any = self.self_attention
        return tuple(inner is not None and inner.has_layer(index) for index in range(self.num_layers))

    def attention_span(self, length: float, *, dim: int) -> float:
        """Positions that a query is compared with in an input of ``length``, summed over the layers."""
        inner: Any = self.self_attention
        places = self.exchanged_attention()
        return float(sum(inner.span(length, dim=dim) if there else length for there in places))

    def attention_kept(self, length: float, *, dim: int) -> float:
        """Numbers a position that attentions keep for the backward pass beyond ``activations``."""
        inner: Any = self.self_attention
        there = sum(self.exchanged_attention())
        return float(there * inner.kept(length, dim=dim)) if there else 0.0

    def attention_settings(self) -> dict[str, tuple[object, str]]:
        """What a component in place of full attention takes over from its layer, with the reason."""
        inner: Any = self.self_attention
        known = type(inner).model_fields
        found: dict[str, tuple[object, str]] = {}
        if "num_heads" in known:
            found["num_heads"] = (self.num_heads, "the layer's")
        if "bias" in known:
            found["bias"] = (self.bias, "the layer's")
        if "dropout" in known:
            found["dropout"] = (self.attention_dropout, "the layer's `attention_dropout`")
        if "rotary" in known:
            found["rotary"] = (self.positions == "rotary", "the layers' `positions`")
        return found

    def _wire_attention(self, states: States, flow: Flow) -> None:
        """Passes the layers' states to what stands in place of full self-attention."""
        inner: Any = self.self_attention
        if inner is None:
            return
        name = inner.component[1]
        if self.positions in ("relative", "linear"):
            raise Mismatch(
                f"`{name}` cannot add positions `{self.positions}`, a number for every pair",
                at=("positions",),
                help="use `sinusoidal`, `learned` or `rotary`",
            )
        if not any(self.exchanged_attention()):
            raise Mismatch(
                f"none of {self.num_layers} layers has `{name}`",
                at=("self_attention",),
                help="set `num_layers` or `full_every` higher",
            )
        if inner.tells_places and self.positions != "none":
            raise Mismatch(
                f"`{name}` tells places apart by itself, and positions `{self.positions}` would be added",
                at=("positions",) if "positions" in self.model_fields_set else (),
                help="set `positions: none`",
            )
        told = self.attention_settings()
        flow.node("self_attention", states, **{k: v for k, v in told.items() if getattr(inner, k) is None})

    def wire_inner(self, states: States, flow: Flow) -> None:
        """Passes the layers' states to what stands in place of attention and the feed-forward network."""
        self._wire_attention(states, flow)
        if self.feed_forward is None:
            return
        if not any(self.exchanged()):
            raise Mismatch(
                f"none of {self.num_layers} layers has `{self.feed_forward.component[1]}`",
                at=("feed_forward",),
                help="set `num_layers` higher, or `every` lower",
            )
        inner = self.inner_network(states.dim)
        left_out = {
            name: value for name, value in inner.items() if getattr(self.feed_forward, name, 0) is None
        }
        flow.node("feed_forward", states, **left_out)

    def exchanged(self) -> tuple[bool, ...]:
        """Of each layer, whether its feed-forward network is another component."""
        inner: Any = self.feed_forward
        return tuple(inner is not None and inner.has_layer(index) for index in range(self.num_layers))

    def auxiliary(self) -> dict[str, float | Auxiliary]:
        """What the layers work out beside their states."""
        inner: Any = self.feed_forward
        found: dict[str, float | Auxiliary] = {}
        if inner is not None and any(self.exchanged()):
            found |= inner.auxiliary()
        told = getattr(self.self_attention, "auxiliary", None)
        return found | told() if told is not None else found

    def repeats(self, weight: str) -> float:
        """How often a position goes through a weight of this name on average: a share of it where a layer
        sends each position to some of its experts.
        """
        parts = weight.split(".")
        inner: Any = self.feed_forward
        if inner is None or parts[0] != "layers" or parts[2] != "feed_forward":
            return 1.0
        return float(inner.share(".".join(parts[3:]))) if self.exchanged()[int(parts[1])] else 1.0


def _heads(dim: int) -> int:
    heads = max(1, dim // 64)
    while dim % heads:
        heads -= 1
    return heads
