"""What Whisper's encoder and decoder share: Radford et al. (2022), "Robust Speech Recognition via Large-Scale
Weak Supervision", arXiv:2212.04356, section 2.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Annotated, Any, ClassVar

from seqspec.schema.config import Mismatch
from seqspec.schema.hugging_face_folder import Weight, affine
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.layers.transformer import TransformerLayers
from seqspec.schema.pretrained import Pretrained, Settings
from seqspec.schema.types import Type
from seqspec.schema.units import Dim, InferredMark, Layers, Positive, Probability

_EPSILON = 1e-5
"""Of every norm; no folder says another."""


class WhisperLayers(Pretrained):
    """Pre-norm layers with GELU, whose keys have no offsets."""

    model_types: ClassVar[tuple[str, ...]] = ("whisper",)
    side: ClassVar[str] = "encoder"
    places_field: ClassVar[str] = "max_source_positions"

    num_layers: Annotated[Layers | None, InferredMark()] = None
    """Layers of the stack; left out, 4."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the model, in features; left out, 384."""
    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Attention heads, which must divide ``dim``; left out, 6."""
    feed_forward_dim: Annotated[Dim | None, InferredMark()] = None
    """Inner width of the feed-forward network; left out, 1,536."""
    max_positions: Annotated[Positive | None, InferredMark()] = None
    """Positions that it knows; left out, 1,500 states (thirty seconds) and 448 tokens."""
    dropout: Probability = 0.0
    """Rate of dropout on the input and on the output of each sublayer."""
    attention_dropout: Probability = 0.0
    """Rate of dropout on attention probabilities."""
    feed_forward_dropout: Probability = 0.0
    """Rate of dropout inside the feed-forward network."""
    positions: ClassVar[str] = "learned"
    """There are no more than ``max_positions``."""

    @property
    def attention_layers(self) -> int:
        """Layers that compare every position with every other."""
        return self.num_layers or 0

    def activations(self, *, dim: int, crossed: bool) -> int:
        """Numbers a position that all layers keep for the backward pass."""
        return self.stack().activations(dim=dim, crossed=crossed)

    def usual(self) -> dict[str, object]:
        """Sizes that are neither stated nor told: those of Whisper Tiny, table 1 of the paper."""
        places = 1500 if self.side == "encoder" else 448
        return {
            "num_layers": 4, "dim": 384, "num_heads": 6, "feed_forward_dim": 1536, "max_positions": places,
        }  # fmt: skip

    def sizes(self, settings: Settings) -> dict[str, object]:
        """Our fields from config.json.  Raises ``Mismatch``."""
        settings.one_of("activation_function", {"gelu": "gelu"}, "gelu")
        if settings.flag("scale_embedding"):
            raise Mismatch("the folder scales its table, which this model does not", at=("from",))
        return {
            "num_layers": settings.integer(f"{self.side}_layers", most=10_000),
            "dim": settings.integer("d_model", most=1_048_576),
            "num_heads": settings.integer(f"{self.side}_attention_heads", most=65_536),
            "feed_forward_dim": settings.integer(f"{self.side}_ffn_dim", most=1_048_576),
            "max_positions": settings.integer(self.places_field, most=1 << 24),
        }

    def check_heads(self) -> None:
        """Raises ``Mismatch`` where heads do not divide the width."""
        assert self.dim is not None
        assert self.num_heads is not None
        require_shares(self.dim, self.num_heads)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, the embedding's and fixed positions apart."""
        apart = ("embedding.", "positions_TD")
        held = (w for w in self.layout(takes).weights if not w.here.startswith(apart))
        return sum(prod(n or 0 for n in weight.shape) for weight in held)

    def stack(self) -> TransformerLayers:
        """The same layers as a Transformer's."""
        return TransformerLayers(
            num_layers=self.num_layers or 1, num_heads=self.num_heads, feed_forward_dim=self.feed_forward_dim,
            activation="gelu", norm="pre", norm_epsilon=_EPSILON, positions="none", dropout=self.dropout,
            input_dropout=self.dropout, attention_dropout=self.attention_dropout,
            feed_forward_dropout=self.feed_forward_dropout,
        )  # fmt: skip

    def stack_weights(self, *, crossed: bool) -> Iterator[Weight]:
        """As transformers names the tensors of all layers and of the last norm."""
        for layer in range(self.num_layers or 0):
            yield from self._layer(f"layers.{layer}.", f"{self.side}.layers.{layer}.", crossed=crossed)
        yield from _norm("norm", f"{self.side}.layer_norm", self.dim)

    def _layer(self, ours: str, theirs: str, *, crossed: bool) -> Iterator[Weight]:
        dim, wide = self.dim or 0, self.feed_forward_dim or 0
        kinds = [("self", "self_attn")] + ([("cross", "encoder_attn")] if crossed else [])
        for kind, there in kinds:
            at = f"{ours}{kind}_attention."
            for name, short in (("query", "q"), ("value", "v"), ("output", "out")):
                yield from affine(f"{at}{name}", f"{theirs}{there}.{short}_proj", dim, dim)
            yield Weight(f"{at}key.weight", f"{theirs}{there}.k_proj.weight", (dim, dim))
            yield from _norm(f"{ours}{kind}_residual.norm", f"{theirs}{there}_layer_norm", dim)
        yield from affine(f"{ours}feed_forward.expand", f"{theirs}fc1", dim, wide)
        yield from affine(f"{ours}feed_forward.contract", f"{theirs}fc2", wide, dim)
        yield from _norm(f"{ours}feed_forward_residual.norm", f"{theirs}final_layer_norm", dim)

    def side_settings(self) -> dict[str, Any]:
        """What config.json says of this stack."""
        return {
            f"{self.side}_layers": self.num_layers, f"{self.side}_attention_heads": self.num_heads,
            f"{self.side}_ffn_dim": self.feed_forward_dim, "d_model": self.dim,
            self.places_field: self.max_positions,
        }  # fmt: skip


def _norm(here: str, there: str, dim: int | None) -> Iterator[Weight]:
    yield Weight(f"{here}.weight", f"{there}.weight", (dim,))
    yield Weight(f"{here}.bias", f"{there}.bias", (dim,))
