"""What the encoders and decoders of Marian, Pegasus and NLLB share: Junczys-Dowmunt et al. (2018), "Marian:
Fast Neural Machine Translation in C++", ACL; Zhang et al. (2020), "PEGASUS", arXiv:1912.08777; NLLB Team
(2022), arXiv:2207.04672 (M2M-100's layers, Fan et al. 2021).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.hugging_face_folder import Layout, Weight
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.layers.transformer import TransformerLayers
from seqspec.schema.pretrained import Pretrained, Settings
from seqspec.schema.slot import Slot
from seqspec.schema.types import Tokens
from seqspec.schema.units import Count, Dim, FieldName, InferredMark, Layers, Positive, Probability

_ACTIVATIONS: dict[str, Any] = {
    "swish": "silu", "silu": "silu", "relu": "relu", "gelu": "gelu", "gelu_new": "gelu_tanh",
}  # fmt: skip
_USUAL: dict[str, object] = {
    "num_layers": 6, "dim": 512, "num_heads": 8, "feed_forward_dim": 2048, "activation": "silu",
    "norm": "post", "max_positions": 512, "rates": "half", "first_position": 0, "stored_positions": False,
}  # fmt: skip
"""The models of Helsinki-NLP's OPUS-MT."""
_PRE = ("pegasus", "m2m_100")
_SHIFTED = "m2m_100"
_FIRST = 2
"""Where M2M-100 begins to count: behind its padding id, 1."""
_EPSILON = 1e-5
"""Of every norm; no folder says another."""


class MarianLayers(Pretrained):
    """Attention and feed-forward layers with biases, over sinusoids that are added to scaled vectors."""

    model_types: ClassVar[tuple[str, ...]] = ("marian", "pegasus", "m2m_100")

    num_layers: Annotated[Layers | None, InferredMark()] = None
    """Layers of the stack; left out, 6."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, 512."""
    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Attention heads, which must divide ``dim``; left out, 8."""
    feed_forward_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of the feed-forward network; left out, 2,048."""
    activation: Annotated[Literal["gelu", "gelu_tanh", "relu", "silu"] | None, InferredMark()] = None
    """Activation of the feed-forward network; left out, ``silu``."""
    norm: Annotated[Literal["pre", "post"] | None, InferredMark()] = None
    """Layer normalisation before each sublayer (Pegasus, NLLB) or after its sum (Marian); left out, after."""
    max_positions: Annotated[Positive | None, InferredMark()] = None
    """Longest input, in positions; left out, 512."""
    rates: Annotated[Literal["half", "half_less_one"] | None, InferredMark()] = None
    """The sinusoids' rates fall to 1/10,000 over half the width, or reach it in the last (Tensor2Tensor,
    M2M-100); left out, ``half``.
    """
    first_position: Annotated[Count | None, InferredMark()] = None
    """Where positions begin to be counted; left out, 0."""
    stored_positions: Annotated[bool | None, InferredMark()] = None
    """The table of positions is the folder's, whatever the formula gives; left out, no."""
    dropout: Probability = 0.1
    """Rate of dropout on the input and on the output of each sublayer."""
    attention_dropout: Probability = 0.0
    """Rate of dropout on attention probabilities."""
    feed_forward_dropout: Probability = 0.0
    """Rate of dropout inside the feed-forward network."""
    embedding: Annotated[Config, Slot("embedding")] = Field(default="lookup", validate_default=True)
    """How ids become vectors; left out, a table that is scaled by the root of its width."""
    reads: Annotated[FieldName | None, InferredMark()] = None
    """Field of the corpus whose ids it reads."""
    read_beside: ClassVar[tuple[str, ...]] = (*Pretrained.read_beside, "reads")
    side: ClassVar[str] = "encoder"
    positions: ClassVar[str] = "learned"
    """There are no more than ``max_positions``."""

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
        told = None if settings is None else self._sizes(settings, flow)
        sized = self.settle_sizes(flow, told, _USUAL)
        require_shares(sized.dim, sized.num_heads)
        flow.node("embedding", tokens, dim=(sized.dim, "the stack's width"))
        if settings is not None:
            scaled = settings.flag("scale_embedding")
            if bool(getattr(self.embedding, "scale", False)) != scaled:
                raise Mismatch(
                    f"the table of the folder is {'scaled' if scaled else 'not scaled'}",
                    at=("embedding",),
                    help=f"set `embedding: {{type: lookup, scale: {str(scaled).lower()}}}`",
                )
        return sized

    def _sizes(self, settings: Settings, flow: Flow) -> dict[str, object]:
        """Our fields from config.json.  Raises ``Mismatch``."""
        kind, folder = settings.held.get("model_type"), flow.folder(str(self.folder))
        stored = folder is not None and f"model.{self.side}.embed_positions.weight" in folder.tensors
        if kind == _SHIFTED and settings.held.get("pad_token_id", 1) != _FIRST - 1:
            raise Mismatch("the folder's padding is not id 1, and positions count from it", at=("from",))
        return {
            "num_layers": settings.integer(f"{self.side}_layers", most=10_000),
            "dim": settings.integer("d_model", most=1_048_576),
            "num_heads": settings.integer(f"{self.side}_attention_heads", most=65_536),
            "feed_forward_dim": settings.integer(f"{self.side}_ffn_dim", most=1_048_576),
            "activation": settings.one_of("activation_function", _ACTIVATIONS, "gelu"),
            "norm": "pre" if kind in _PRE else "post",
            "max_positions": settings.integer("max_position_embeddings", 1024, most=1 << 24),
            "rates": "half_less_one" if kind == _SHIFTED else "half",
            "first_position": _FIRST if kind == _SHIFTED else 0,
            "stored_positions": stored,
        }

    def stack(self) -> TransformerLayers:
        """The same layers as a Transformer's."""
        return TransformerLayers(
            num_layers=self.num_layers or 1, num_heads=self.num_heads, feed_forward_dim=self.feed_forward_dim,
            activation=self.activation or "silu", norm=self.norm or "post", norm_epsilon=_EPSILON,
            positions="none", dropout=self.dropout, input_dropout=self.dropout,
            attention_dropout=self.attention_dropout, feed_forward_dropout=self.feed_forward_dropout,
        )  # fmt: skip

    def stack_layout(self, *, crossed: bool) -> Layout:
        """As transformers names the tensors of its stacks."""
        at, role = f"model.{self.side}.", self.reads or ""
        older = (f"{at}embed_tokens.weight",)
        weights = [
            Weight("embedding.weight_VD", "model.shared.weight", (None, self.dim), by_id=role, older=older)
        ]
        if self.stored_positions:
            weights.append(
                Weight("positions_TD", f"{at}embed_positions.weight", (self.max_positions, self.dim))
            )
        for layer in range(self.num_layers or 0):
            weights += self._layer(f"layers.{layer}.", f"{at}layers.{layer}.", crossed=crossed)
        if self.norm == "pre":
            weights += _affine("norm", f"{at}layer_norm", (self.dim,))
        other = "model.decoder." if self.side == "encoder" else "model.encoder."
        return Layout(tuple(weights), (other, "lm_head.", "final_logits_bias", f"{at}embed_tokens."))

    def _layer(self, ours: str, theirs: str, *, crossed: bool) -> Iterator[Weight]:
        dim, wide = self.dim, self.feed_forward_dim
        kinds = [("self", "self_attn")] + ([("cross", "encoder_attn")] if crossed else [])
        for kind, there in kinds:
            for name, short in (("query", "q"), ("key", "k"), ("value", "v"), ("output", "out")):
                yield from _affine(
                    f"{ours}{kind}_attention.{name}", f"{theirs}{there}.{short}_proj", (dim, dim)
                )
            yield from _affine(f"{ours}{kind}_residual.norm", f"{theirs}{there}_layer_norm", (dim,))
        yield from _affine(f"{ours}feed_forward.expand", f"{theirs}fc1", (wide, dim))
        yield from _affine(f"{ours}feed_forward.contract", f"{theirs}fc2", (dim, wide))
        yield from _affine(f"{ours}feed_forward_residual.norm", f"{theirs}final_layer_norm", (dim,))

    def side_settings(self) -> dict[str, Any]:
        """What config.json says of this stack."""
        names = {ours: theirs for theirs, ours in reversed(list(_ACTIVATIONS.items()))}
        return {
            f"{self.side}_layers": self.num_layers, f"{self.side}_attention_heads": self.num_heads,
            f"{self.side}_ffn_dim": self.feed_forward_dim, "d_model": self.dim,
            "activation_function": names[self.activation or "silu"], "dropout": self.dropout,
            "attention_dropout": self.attention_dropout, "activation_dropout": self.feed_forward_dropout,
            "max_position_embeddings": self.max_positions,
        }  # fmt: skip


def _affine(here: str, there: str, shape: tuple[int | None, ...]) -> Iterator[Weight]:
    yield Weight(f"{here}.weight", f"{there}.weight", shape)
    yield Weight(f"{here}.bias", f"{there}.bias", shape[:1])
