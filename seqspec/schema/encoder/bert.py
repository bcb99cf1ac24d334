"""BERT's encoder: Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", NAACL, arXiv:1810.04805.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.hugging_face_folder import HeadForm, Layout, Weight, affine
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.layers.transformer import TransformerLayers
from seqspec.schema.pretrained import Pretrained, Settings
from seqspec.schema.slot import Slot
from seqspec.schema.types import States, Tokens, Type, Vector
from seqspec.schema.units import Dim, FieldName, InferredMark, Layers, Positive, PositiveFloat, Probability

_ACTIVATIONS: dict[str, Any] = {
    "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "relu": "relu", "silu": "silu",
}  # fmt: skip
_USUAL: dict[str, object] = {
    "num_layers": 12, "dim": 768, "num_types": 2, "max_positions": 512, "activation": "gelu",
    "norm_epsilon": 1e-12,
}  # fmt: skip
"""BERT Base, section 3 of the paper."""


class BertConfig(Pretrained):
    """Post-norm layers over ids that it looks up itself, with learned positions and types of sentences.

    Ids are to stand between ``[CLS]`` and ``[SEP]``, which are ids 2 and 3 here: set ``template`` of the
    tokenizer.  What follows the first ``[SEP]`` is of the second type.
    """

    model_types: ClassVar[tuple[str, ...]] = ("bert",)
    reads_ids: ClassVar[bool] = True
    positions: ClassVar[str] = "learned"

    num_layers: Annotated[Layers | None, InferredMark()] = None
    """Layers of the stack; left out, 12."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, 768."""
    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Attention heads, which must divide ``dim``; left out, one for every 64 features."""
    feed_forward_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of the feed-forward network; left out, four times ``dim``."""
    num_types: Annotated[Positive | None, InferredMark()] = None
    """Types of sentences; left out, 2."""
    max_positions: Annotated[Positive | None, InferredMark()] = None
    """Longest input, in positions; left out, 512."""
    activation: Annotated[Literal["gelu", "gelu_tanh", "relu", "silu"] | None, InferredMark()] = None
    """Activation of the feed-forward network; left out, ``gelu``."""
    norm_epsilon: Annotated[PositiveFloat | None, InferredMark()] = None
    """What is added to the variance; left out, 1e-12."""
    pooler: bool = False
    """Give one vector in place of states: the first state through a linear layer and tanh, as the paper's
    classifiers read it.
    """
    dropout: Probability = 0.1
    """Rate of dropout on the input, on the output of each sublayer and on the pooled vector."""
    attention_dropout: Probability = 0.1
    """Rate of dropout on attention probabilities."""
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
        return self.num_layers or 0

    def activations(self, *, dim: int, crossed: bool) -> int:
        """Numbers a position that all layers keep for the backward pass."""
        return self.stack().activations(dim=dim, crossed=False)

    def wire(self, source: Type, flow: Flow) -> States | Vector:
        if not isinstance(source, Tokens):
            raise Mismatch(f"BERT reads ids of tokens, and this is {source}")
        if self.reads is None:
            flow.derive("reads", "source", "the usual field")
        settings = self.told(flow)
        told = None if settings is None else _sizes(settings)
        sized = self.settle_sizes(flow, told, _USUAL)
        dim: int = sized.dim
        following = {"num_heads": sized.num_heads or max(1, dim // 64), "feed_forward_dim": 4 * dim}
        sized = sized.settle_sizes(flow, told, following)
        require_shares(dim, sized.num_heads)
        flow.node("embedding", source, dim=(dim, "the encoder's width"))
        self.require_unscaled()
        return Vector(dim) if self.pooler else States(dim)

    def stack(self) -> TransformerLayers:
        """The same layers as a Transformer's."""
        return TransformerLayers(
            num_layers=self.num_layers or 1, num_heads=self.num_heads, feed_forward_dim=self.feed_forward_dim,
            activation=self.activation or "gelu", norm="post", norm_epsilon=self.norm_epsilon or 1e-12,
            positions="none", dropout=self.dropout, input_dropout=self.dropout,
            attention_dropout=self.attention_dropout,
        )  # fmt: skip

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, the embedding's apart."""
        held = (w for w in self.layout({}).weights if not w.here.startswith("embedding."))
        return sum(prod(n or 0 for n in weight.shape) for weight in held)

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers' ``BertModel`` names them."""
        assert self.dim is not None
        dim, at, role = self.dim, "embeddings.", self.reads or "source"
        weights = [
            Weight("embedding.weight_VD", f"{at}word_embeddings.weight", (None, dim), by_id=role),
            Weight("positions_TD", f"{at}position_embeddings.weight", (self.max_positions, dim)),
            Weight("types_KD", f"{at}token_type_embeddings.weight", (self.num_types, dim)),
            *_norm("norm", f"{at}LayerNorm", dim),
        ]  # fmt: skip
        for layer in range(self.num_layers or 0):
            weights += self._layer(f"layers.{layer}.", f"encoder.layer.{layer}.")
        others: tuple[str, ...] = ("cls.", "classifier.", "qa_outputs.")
        if self.pooler:
            weights += affine("pooler", "pooler.dense", dim, dim)
        else:
            others += ("bert.pooler.", "pooler.")
        return Layout(tuple(weights), others, ("embeddings.position_ids",), prefix="bert.")

    def _layer(self, ours: str, theirs: str) -> Iterator[Weight]:
        assert self.dim is not None
        dim, inner = self.dim, self.feed_forward_dim or 0
        for name in ("query", "key", "value"):
            yield from affine(f"{ours}self_attention.{name}", f"{theirs}attention.self.{name}", dim, dim)
        yield from affine(f"{ours}self_attention.output", f"{theirs}attention.output.dense", dim, dim)
        yield from _norm(f"{ours}self_residual.norm", f"{theirs}attention.output.LayerNorm", dim)
        yield from affine(f"{ours}feed_forward.expand", f"{theirs}intermediate.dense", dim, inner)
        yield from affine(f"{ours}feed_forward.contract", f"{theirs}output.dense", inner, dim)
        yield from _norm(f"{ours}feed_forward_residual.norm", f"{theirs}output.LayerNorm", dim)

    def head_forms(self) -> Mapping[str, HeadForm]:
        """What transformers calls this encoder with a head for each kind of answer."""
        if self.pooler:
            return {"classes": HeadForm("BertForSequenceClassification", "classifier.", prefix="bert.")}
        return {
            "states": HeadForm("BertModel"),
            "tokens": HeadForm("BertForTokenClassification", "classifier.", prefix="bert."),
        }

    def write_settings(self, reads: Type | None = None) -> dict[str, Any]:
        """config.json of the same model, without its vocabulary."""
        names = {ours: theirs for theirs, ours in reversed(list(_ACTIVATIONS.items()))}
        return {
            "model_type": "bert", "num_hidden_layers": self.num_layers, "hidden_size": self.dim,
            "num_attention_heads": self.num_heads, "intermediate_size": self.feed_forward_dim,
            "max_position_embeddings": self.max_positions, "type_vocab_size": self.num_types,
            "hidden_act": names[self.activation or "gelu"], "layer_norm_eps": self.norm_epsilon,
            "hidden_dropout_prob": self.dropout, "attention_probs_dropout_prob": self.attention_dropout,
            "position_embedding_type": "absolute",
        }  # fmt: skip


def _norm(here: str, there: str, dim: int) -> Iterator[Weight]:
    """A layer normalisation; old files say gamma and beta."""
    yield Weight(f"{here}.weight", f"{there}.weight", (dim,), older=(f"{there}.gamma",))
    yield Weight(f"{here}.bias", f"{there}.bias", (dim,), older=(f"{there}.beta",))


def _sizes(settings: Settings) -> dict[str, object]:
    """Our fields from config.json.  Raises ``Mismatch``."""
    if settings.flag("is_decoder") or settings.flag("add_cross_attention"):
        raise Mismatch("the folder holds a decoder, and this is an encoder", at=("from",))
    settings.one_of("position_embedding_type", {"absolute": "absolute"}, "absolute")
    return {
        "num_layers": settings.integer("num_hidden_layers", most=10_000),
        "dim": settings.integer("hidden_size", most=1_048_576),
        "num_heads": settings.integer("num_attention_heads", most=65_536),
        "feed_forward_dim": settings.integer("intermediate_size", most=1_048_576),
        "num_types": settings.integer("type_vocab_size", 2, most=65_536),
        "max_positions": settings.integer("max_position_embeddings", 512, most=1 << 24),
        "activation": settings.one_of("hidden_act", _ACTIVATIONS, "gelu"),
        "norm_epsilon": settings.number("layer_norm_eps", 1e-12),
    }
