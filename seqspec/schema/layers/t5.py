"""What T5's encoder and decoder share: Raffel et al. (2020), "Exploring the Limits of Transfer Learning with
a Unified Text-to-Text Transformer", JMLR 21, arXiv:1910.10683; mT5 (Xue et al. 2021, arXiv:2010.11934) has
the same layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.hugging_face_folder import Layout, Weight
from seqspec.schema.layers.transformer import TransformerLayers
from seqspec.schema.pretrained import Pretrained, Settings
from seqspec.schema.slot import Slot
from seqspec.schema.types import Tokens
from seqspec.schema.units import Dim, FieldName, InferredMark, Layers, Positive, PositiveFloat, Probability

_ACTIVATIONS: dict[str, Any] = {"relu": "relu", "gated-gelu": "geglu_tanh", "gated-silu": "swiglu"}
_USUAL: dict[str, object] = {
    "num_layers": 6, "dim": 512, "num_heads": 8, "head_dim": 64, "feed_forward_dim": 2048,
    "activation": "relu", "norm_epsilon": 1e-6,
}  # fmt: skip
"""T5 Small, section 3.7 of the paper."""
_BUCKETS, _FARTHEST = 32, 128


class UnscaledLayers(TransformerLayers):
    """A Transformer's layers whose attention does not divide by the root of a head's width, which is free."""

    head_dim: Dim
    """Width of a head, in features."""
    scaled: Literal[False] = False
    """Whether scores are divided by the root of that width."""
    activation: Any = "relu"
    """As in a Transformer, and ``geglu_tanh``."""


class T5Layers(Pretrained):
    """Pre-norm layers without biases, with a bias by distance that all of them share."""

    model_types: ClassVar[tuple[str, ...]] = ("t5", "mt5")

    num_layers: Annotated[Layers | None, InferredMark()] = None
    """Layers of the stack; left out, 6."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, 512."""
    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Attention heads; left out, 8."""
    head_dim: Annotated[Dim | None, InferredMark()] = None
    """Width of a head, in features; left out, 64."""
    feed_forward_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of the feed-forward network; left out, 2,048."""
    activation: Annotated[Literal["relu", "geglu_tanh", "swiglu"] | None, InferredMark()] = None
    """Activation of the feed-forward network; left out, ``relu``; version 1.1 and mT5 have the gated
    ``geglu_tanh``.
    """
    norm_epsilon: Annotated[PositiveFloat | None, InferredMark()] = None
    """What is added to the mean square; left out, 1e-6."""
    dropout: Probability = 0.1
    """Rate of dropout on the input, on the output of each sublayer and of the stack, inside the feed-forward
    network and on attention probabilities.
    """
    embedding: Annotated[Config, Slot("embedding")] = Field(
        default={"type": "lookup", "scale": False, "std": 1.0}, validate_default=True
    )
    """How ids become vectors; left out, a table that is not scaled."""
    reads: Annotated[FieldName | None, InferredMark()] = None
    """Field of the corpus whose ids it reads."""
    read_beside: ClassVar[tuple[str, ...]] = (*Pretrained.read_beside, "reads")
    layers_field: ClassVar[str] = "num_layers"
    """What config.json calls the number of layers."""
    stack_name: ClassVar[str] = "encoder"

    @property
    def attention_layers(self) -> int:
        """Layers that compare every position with every other."""
        return self.num_layers or 0

    def activations(self, *, dim: int, crossed: bool) -> int:
        """Numbers a position that all layers keep for the backward pass."""
        return self.stack().activations(dim=dim, crossed=crossed)

    def settle_all(self, tokens: Tokens, flow: Flow, *, role: str) -> Any:
        """The config with all its sizes, the embedding wired.  Raises ``Mismatch``."""
        if self.reads is None:
            flow.derive("reads", role, "the usual field")
        settings = self.told(flow)
        told = None if settings is None else self.sizes(settings)
        sized = self.settle_sizes(flow, told, self.usual())
        flow.node("embedding", tokens, dim=(sized.dim, "the stack's width"))
        self.require_unscaled()
        return sized

    def usual(self) -> dict[str, object]:
        """Sizes that are neither stated nor told."""
        return _USUAL

    def sizes(self, settings: Settings) -> dict[str, object]:
        """Our fields from config.json.  Raises ``Mismatch``."""
        for name, value in (
            ("relative_attention_num_buckets", _BUCKETS),
            ("relative_attention_max_distance", _FARTHEST),
        ):
            if settings.integer(name, value) != value:
                raise Mismatch(
                    f"the folder's `{name}` is {settings.held[name]}, and {value} is built in", at=("from",)
                )
        layers = settings.integer("num_layers", most=10_000)
        if settings.held.get(self.layers_field) is not None:
            layers = settings.integer(self.layers_field, most=10_000)
        return {
            "num_layers": layers,
            "dim": settings.integer("d_model", most=1_048_576),
            "num_heads": settings.integer("num_heads", most=65_536),
            "head_dim": settings.integer("d_kv", most=1_048_576),
            "feed_forward_dim": settings.integer("d_ff", most=1_048_576),
            "activation": settings.one_of("feed_forward_proj", _ACTIVATIONS, "relu"),
            "norm_epsilon": settings.number("layer_norm_epsilon", 1e-6),
        }

    def stack(self) -> UnscaledLayers:
        """The same layers as a Transformer's."""
        return UnscaledLayers(
            num_layers=self.num_layers or 1, num_heads=self.num_heads, head_dim=self.head_dim or 64,
            feed_forward_dim=self.feed_forward_dim, activation=self.activation or "relu", norm="pre",
            norm_type="rms", norm_epsilon=self.norm_epsilon or 1e-6, positions="relative", bias=False,
            feed_forward_bias=False, dropout=self.dropout, input_dropout=self.dropout,
            attention_dropout=self.dropout, feed_forward_dropout=self.dropout,
        )  # fmt: skip

    def stack_layout(self, *, crossed: bool) -> Layout:
        """As transformers' ``T5Stack`` names its tensors."""
        at = f"{self.stack_name}."
        table, role = ("shared.weight", f"{at}embed_tokens.weight"), self.reads or ""
        weights = [
            Weight("embedding.weight_VD", table[0], (None, self.dim), by_id=role, older=table[1:]),
            Weight("entrance.bias.weight",
                   f"{at}block.0.layer.0.SelfAttention.relative_attention_bias.weight",
                   (_BUCKETS, self.num_heads)),
        ]  # fmt: skip
        for layer in range(self.num_layers or 0):
            weights += self._layer(f"layers.{layer}.", f"{at}block.{layer}.layer.", crossed=crossed)
        weights.append(Weight("norm.weight", f"{at}final_layer_norm.weight", (self.dim,)))
        other = "decoder." if self.stack_name == "encoder" else "encoder."
        return Layout(tuple(weights), (other, "lm_head.", f"{at}embed_tokens."))

    def _layer(self, ours: str, theirs: str, *, crossed: bool) -> Iterator[Weight]:
        dim, inner = self.dim, (self.num_heads or 0) * (self.head_dim or 0)
        kinds = [("self", "SelfAttention")] + ([("cross", "EncDecAttention")] if crossed else [])
        for place, (kind, there) in enumerate(kinds):
            at = f"{theirs}{place}."
            for name in ("query", "key", "value"):
                yield Weight(
                    f"{ours}{kind}_attention.{name}.weight", f"{at}{there}.{name[0]}.weight", (inner, dim)
                )
            yield Weight(f"{ours}{kind}_attention.output.weight", f"{at}{there}.o.weight", (dim, inner))
            yield Weight(f"{ours}{kind}_residual.norm.weight", f"{at}layer_norm.weight", (dim,))
        at, wide = f"{theirs}{len(kinds)}.", self.feed_forward_dim
        gated = self.activation != "relu"
        for index, name in enumerate(("wi_0", "wi_1") if gated else ("wi",)):
            yield Weight(
                f"{ours}feed_forward.expand.weight", f"{at}DenseReluDense.{name}.weight", (wide, dim),
                fills=(index, 2) if gated else None,
            )  # fmt: skip
        yield Weight(f"{ours}feed_forward.contract.weight", f"{at}DenseReluDense.wo.weight", (dim, wide))
        yield Weight(f"{ours}feed_forward_residual.norm.weight", f"{at}layer_norm.weight", (dim,))

    def write_settings(self) -> dict[str, Any]:
        """config.json of a model with such stacks, without its vocabulary."""
        names = {ours: theirs for theirs, ours in _ACTIVATIONS.items()}
        return {
            "model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "d_model": self.dim,
            self.layers_field: self.num_layers, "num_heads": self.num_heads, "d_kv": self.head_dim,
            "d_ff": self.feed_forward_dim, "feed_forward_proj": names[self.activation or "relu"],
            "layer_norm_epsilon": self.norm_epsilon, "dropout_rate": self.dropout,
            "relative_attention_num_buckets": _BUCKETS, "relative_attention_max_distance": _FARTHEST,
        }  # fmt: skip
