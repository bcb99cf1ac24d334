"""ModernBERT: Warner et al. (2024), "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder for
Fast, Memory Efficient, and Long Context Finetuning and Inference", arXiv:2412.13663.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Annotated, Any, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.hugging_face_folder import HeadForm, Layout, Weight
from seqspec.schema.pretrained import Pretrained, Settings
from seqspec.schema.slot import Slot
from seqspec.schema.types import States, Tokens, Type
from seqspec.schema.units import (
    Count,
    Dim,
    FieldName,
    InferredMark,
    Layers,
    Positive,
    PositiveFloat,
    Probability,
)

FullLayers = Annotated[list[Count], Field(max_length=10_000)]
_USUAL: dict[str, Any] = {
    "num_layers": 22, "dim": 768, "max_positions": 8192, "window": 128, "rotary_base": 160_000.0,
    "local_rotary_base": 10_000.0, "norm_epsilon": 1e-5,
}  # fmt: skip
"""ModernBERT Base, table 4 of the paper."""
_EVERY = 3
"""Of so many layers the first sees everything."""
_KINDS = {"full_attention", "sliding_attention"}


class ModernbertConfig(Pretrained):
    """Pre-norm layers without biases over ids that it looks up itself; most see a window of neighbours, and
    every third sees everything.

    Ids are to stand between ``[CLS]`` and ``[SEP]``, which are ids 2 and 3 here: set ``template`` of the
    tokenizer.
    """

    model_types: ClassVar[tuple[str, ...]] = ("modernbert",)
    reads_ids: ClassVar[bool] = True
    positions: ClassVar[str] = "rotary"

    num_layers: Annotated[Layers | None, InferredMark()] = None
    """Layers of the stack; left out, 22."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, 768."""
    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Attention heads, which must divide ``dim``; left out, one for every 64 features."""
    feed_forward_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of the gated feed-forward network; left out, one and a half times ``dim``."""
    max_positions: Annotated[Positive | None, InferredMark()] = None
    """Longest input, in positions; left out, 8,192."""
    window: Annotated[Positive | None, InferredMark()] = None
    """Neighbours that a position sees in most layers, half of them on either side; left out, 128."""
    full_layers: Annotated[FullLayers | None, InferredMark()] = None
    """Layers, from 0, that see everything; left out, every third from the first on."""
    rotary_base: Annotated[PositiveFloat | None, InferredMark()] = None
    """Longest wave of the rotary positions of layers that see everything, over 2 pi; left out, 160,000."""
    local_rotary_base: Annotated[PositiveFloat | None, InferredMark()] = None
    """The same of layers with a window; left out, 10,000."""
    norm_epsilon: Annotated[PositiveFloat | None, InferredMark()] = None
    """What is added to the variance; left out, 1e-5."""
    dropout: Probability = 0.0
    """Rate of dropout on the input and on the output of each sublayer."""
    attention_dropout: Probability = 0.0
    """Rate of dropout on attention probabilities."""
    std: PositiveFloat = 0.02
    """Standard deviation of the initial values of matrices."""
    embedding: Annotated[Config, Slot("embedding")] = Field(
        default={"type": "lookup", "scale": False, "std": 0.02}, validate_default=True
    )
    """How ids become vectors; left out, a table that is not scaled."""
    reads: Annotated[FieldName | None, InferredMark()] = None
    """Field of the corpus whose ids it reads; left out, ``source``."""
    read_beside: ClassVar[tuple[str, ...]] = (*Pretrained.read_beside, "reads")

    @property
    def attention_layers(self) -> int:
        """Layers that compare every position with every other."""
        return len(self.full_layers or ())

    def activations(self, *, dim: int, crossed: bool) -> int:
        """Numbers a position that all layers keep for the backward pass."""
        return (self.num_layers or 0) * (10 * dim + 4 * (self.feed_forward_dim or 0))

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Tokens):
            raise Mismatch(f"ModernBERT reads ids of tokens, and this is {source}")
        if self.reads is None:
            flow.derive("reads", "source", "the usual field")
        settings = self.told(flow)
        told = None if settings is None else _sizes(settings)
        sized = self.settle_sizes(flow, told, _USUAL)
        dim: int = sized.dim
        following = {
            "num_heads": sized.num_heads or max(1, dim // 64),
            "feed_forward_dim": dim + dim // 2,
            "full_layers": list(range(0, sized.num_layers, _EVERY)),
        }
        sized = sized.settle_sizes(flow, told, following)
        sized.check_sizes()
        flow.node("embedding", source, dim=(dim, "the encoder's width"))
        self.require_unscaled()
        return States(dim)

    def check_sizes(self) -> None:
        """Raises ``Mismatch`` where the numbers do not fit together."""
        dim, heads = self.dim or 0, self.num_heads or 1
        if dim % heads or dim // heads % 2:
            raise Mismatch(
                f"{heads} heads do not divide a width of {dim} into even shares, whose halves are turned",
                at=("num_heads",),
            )
        for index, layer in enumerate(self.full_layers or ()):
            if layer >= (self.num_layers or 0):
                message = f"there is no layer {layer} among {self.num_layers}"
                raise Mismatch(message, at=("full_layers", index), help="layers are counted from 0")

    def window_of(self, layer: int) -> int | None:
        """Neighbours on either side that a layer sees; ``None`` where it sees everything."""
        return None if layer in (self.full_layers or ()) else (self.window or 0) // 2

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, the embedding's apart."""
        held = {w.there: w.shape for w in self.layout({}).weights if not w.here.startswith("embedding.")}
        return sum(prod(n or 0 for n in shape) for shape in held.values())

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers' ``ModernBertModel`` names them."""
        dim, role = self.dim or 0, self.reads or "source"
        weights = [
            Weight("embedding.weight_VD", "embeddings.tok_embeddings.weight", (None, dim), by_id=role),
            Weight("embedding_norm.weight", "embeddings.norm.weight", (dim,)),
        ]
        for layer in range(self.num_layers or 0):
            weights += self._layer(f"layers.{layer}.", first=layer == 0)
        weights.append(Weight("norm.weight", "final_norm.weight", (dim,)))
        return Layout(tuple(weights), ("head.", "decoder.", "classifier."), prefix="model.")

    def _layer(self, at: str, *, first: bool) -> Iterator[Weight]:
        dim, inner = self.dim or 0, self.feed_forward_dim or 0
        if not first:  # what enters the first layer is normalised already
            yield Weight(f"{at}attention_norm.weight", f"{at}attn_norm.weight", (dim,))
        for index, name in enumerate(("query", "key", "value")):
            there = f"{at}attn.Wqkv.weight"
            yield Weight(f"{at}attention.{name}.weight", there, (3 * dim, dim), cut=(index, 3))
        yield Weight(f"{at}attention.output.weight", f"{at}attn.Wo.weight", (dim, dim))
        yield Weight(f"{at}feed_forward_norm.weight", f"{at}mlp_norm.weight", (dim,))
        yield Weight(f"{at}expand.weight", f"{at}mlp.Wi.weight", (2 * inner, dim))
        yield Weight(f"{at}contract.weight", f"{at}mlp.Wo.weight", (dim, inner))

    def head_forms(self) -> Mapping[str, HeadForm]:
        """What transformers calls this encoder for each kind of answer; its heads are networks of their
        own.
        """
        return {"states": HeadForm("ModernBertModel")}

    def write_settings(self, reads: Type | None = None) -> dict[str, Any]:
        """config.json of the same model, without its vocabulary."""
        full = set(self.full_layers or ())
        bases = {"full_attention": self.rotary_base, "sliding_attention": self.local_rotary_base}
        return {
            "model_type": "modernbert", "num_hidden_layers": self.num_layers, "hidden_size": self.dim,
            "num_attention_heads": self.num_heads, "intermediate_size": self.feed_forward_dim,
            "max_position_embeddings": self.max_positions, "local_attention": self.window,
            "norm_eps": self.norm_epsilon, "hidden_activation": "gelu", "embedding_dropout": self.dropout,
            "mlp_dropout": 0.0, "attention_dropout": self.attention_dropout, "attention_bias": False,
            "mlp_bias": False, "norm_bias": False,
            "layer_types": [
                "full_attention" if layer in full else "sliding_attention"
                for layer in range(self.num_layers or 0)
            ],
            "rope_parameters": {
                kind: {"rope_type": "default", "rope_theta": base} for kind, base in bases.items()
            },
        }  # fmt: skip


def _sizes(settings: Settings) -> dict[str, object]:
    """Our fields from config.json.  Raises ``Mismatch``."""
    for name in ("attention_bias", "mlp_bias", "norm_bias"):
        if settings.flag(name):
            raise Mismatch(f"`{name}` of the folder is set, and this encoder has no biases", at=("from",))
    settings.one_of("hidden_activation", {"gelu": "gelu"}, "gelu")
    layers = settings.integer("num_hidden_layers", most=10_000)
    window = settings.integer("local_attention", 128)
    return {
        "num_layers": layers,
        "dim": settings.integer("hidden_size", most=1_048_576),
        "num_heads": settings.integer("num_attention_heads", most=65_536),
        "feed_forward_dim": settings.integer("intermediate_size", most=1_048_576),
        "max_positions": settings.integer("max_position_embeddings", 8192, most=1 << 24),
        "window": window,
        "full_layers": _full_layers(settings, layers),
        "rotary_base": _base(settings, "full_attention", "global_rope_theta", 160_000.0),
        "local_rotary_base": _base(settings, "sliding_attention", "local_rope_theta", 10_000.0),
        "norm_epsilon": settings.number("norm_eps", 1e-5),
    }


def _full_layers(settings: Settings, layers: int) -> list[int]:
    """From ``layer_types``, or in older files from how many layers lie between two."""
    kinds = settings.words("layer_types")
    if kinds is None:
        return list(range(0, layers, settings.integer("global_attn_every_n_layers", _EVERY, most=10_000)))
    if len(kinds) != layers or not set(kinds) <= _KINDS:
        raise Mismatch(
            f"`layer_types` of the folder's config.json names {len(kinds)} layers of kinds that this encoder "
            f"does not have, or not all {layers}",
            at=("from",),
        )
    return [layer for layer, kind in enumerate(kinds) if kind == "full_attention"]


def _base(settings: Settings, kind: str, older: str, default: float) -> float:
    """``rope_parameters`` by kind of layer, or an older key of its own."""
    held = settings.held.get("rope_parameters")
    told = held.get(kind) if isinstance(held, dict) else None
    if not isinstance(told, dict):
        return settings.number(older, default)
    own = Settings(told)
    own.one_of("rope_type", {"default": "default"}, "default")
    return own.number("rope_theta", default)
