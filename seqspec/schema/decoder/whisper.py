"""Whisper's decoder: Radford et al. (2022), "Robust Speech Recognition via Large-Scale Weak Supervision",
arXiv:2212.04356, section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.feature.whisper import FFT, HOP, LIMIT, RATE
from seqspec.schema.hugging_face_folder import Layout, PairForm, Weight
from seqspec.schema.layers.whisper import WhisperLayers
from seqspec.schema.slot import Slot
from seqspec.schema.types import States, Tokens, Type
from seqspec.schema.units import FieldName, InferredMark


class WhisperConfig(WhisperLayers):
    """Causal layers over the target with learned positions, each with attention over the encoder's states."""

    side: ClassVar[str] = "decoder"
    places_field: ClassVar[str] = "max_target_positions"

    embedding: Annotated[Config, Slot("embedding")] = Field(
        default={"type": "lookup", "scale": False}, validate_default=True
    )
    """How ids become vectors; left out, a table that is not scaled."""
    reads: Annotated[FieldName | None, InferredMark()] = None
    """Field of the corpus whose ids it reads."""
    read_beside: ClassVar[tuple[str, ...]] = (*WhisperLayers.read_beside, "reads")

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory")
        if not isinstance(target, Tokens):
            raise Mismatch(f"Whisper's decoder gives tokens, and the target is {target}")
        if not isinstance(memory, States):
            raise Mismatch("Whisper's decoder looks at an encoder", help="use it in an `encoder_decoder`")
        if self.reads is None:
            flow.derive("reads", "target", "the usual field")
        settings = self.told(flow)
        sized: WhisperConfig = self.settle_sizes(
            flow, None if settings is None else self.sizes(settings), self.usual()
        )
        sized.check_heads()
        assert sized.dim is not None
        flow.node("embedding", target, dim=(sized.dim, "the stack's width"))
        self.require_unscaled()
        if memory.dim != sized.dim:
            raise Mismatch(f"the encoder's states have {memory.dim} features, and the decoder {sized.dim}")
        return States(sized.dim, causal=True)

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers names them."""
        at, role = "decoder.", self.reads or "target"
        weights = (
            Weight("embedding.weight_VD", f"{at}embed_tokens.weight", (None, self.dim), by_id=role),
            Weight("learned_TD", f"{at}embed_positions.weight", (self.max_positions, self.dim)),
            *self.stack_weights(crossed=True),
        )
        return Layout(weights, ("model.encoder.", "encoder.", "proj_out."), prefix="model.")

    def head_layout(self) -> Layout:
        """The head beside it, which is the table once more."""
        role = self.reads or "target"
        table = ("model.decoder.embed_tokens.weight",)
        head = Weight("weight_VD", "proj_out.weight", (None, self.dim), by_id=role, older=table)
        return Layout((head,), ("",))

    def pair_form(self, encoder: Any) -> PairForm:
        """The whole model with ``encoder``.  Raises ``Mismatch``."""
        if encoder.component[1] != self.component[1]:
            raise Mismatch(f"its encoder is of another kind: `{encoder.component[1]}`")
        if encoder.dim != self.dim:
            raise Mismatch("the two stacks of such a folder have one `dim`, and here they differ")
        if getattr(self.embedding, "scale", False):
            raise Mismatch("its table is scaled", help="set `embedding: {type: lookup, scale: false}`")
        settings = {
            **encoder.side_settings(), **self.side_settings(), "model_type": "whisper",
            "architectures": ["WhisperForConditionalGeneration"], "num_mel_bins": encoder.num_bins,
            "activation_function": "gelu", "scale_embedding": False, "tie_word_embeddings": True,
            "dropout": self.dropout, "attention_dropout": self.attention_dropout,
            "activation_dropout": self.feed_forward_dropout,
        }  # fmt: skip
        heard = {
            "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": encoder.num_bins,
            "sampling_rate": RATE, "hop_length": HOP, "n_fft": FFT, "chunk_length": LIMIT // RATE,
            "padding_value": 0.0, "return_attention_mask": False,
        }  # fmt: skip
        return PairForm(encoder.layout({}), self.layout({}), settings, dim=self.dim or 0, preprocessor=heard)
