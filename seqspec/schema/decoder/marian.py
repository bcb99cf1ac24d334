"""The decoder of Marian, Pegasus and NLLB: Junczys-Dowmunt et al. (2018), "Marian: Fast Neural Machine
Translation in C++", ACL.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.hugging_face_folder import Layout, PairForm, Weight
from seqspec.schema.layers.marian import MarianLayers
from seqspec.schema.types import States, Tokens, Type


class MarianConfig(MarianLayers):
    """Causal layers over the target, each with attention over the encoder's states."""

    side: ClassVar[str] = "decoder"

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory")
        if not isinstance(target, Tokens):
            raise Mismatch(f"Marian's decoder gives tokens, and the target is {target}")
        if not isinstance(memory, States):
            help = "use it in an `encoder_decoder`, or decoder `llama`"
            raise Mismatch("Marian's decoder looks at an encoder", help=help)
        sized = self.settle_all(target, flow, role="target")
        if memory.dim != sized.dim:
            raise Mismatch(f"the encoder's states have {memory.dim} features, and the decoder {sized.dim}")
        return States(sized.dim, causal=True)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, the embedding's apart."""
        held = (w for w in self.layout({}).weights if not w.here.startswith(("embedding.", "positions_")))
        return sum(prod(n or 0 for n in weight.shape) for weight in held)

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers names them."""
        return self.stack_layout(crossed=True)

    def head_layout(self) -> Layout:
        """The head beside it: the table once more, and offsets that lie there as a row."""
        role = self.reads or "target"
        table = ("model.shared.weight", "model.decoder.embed_tokens.weight")
        head = Weight("weight_VD", "lm_head.weight", (None, self.dim), by_id=role, older=table)
        offsets = Weight("bias_V", "final_logits_bias", (1, None), by_id=role, flat=True)
        return Layout((head, offsets), ("",))

    def pair_form(self, encoder: Any) -> PairForm:
        """The whole model with ``encoder``: a Marian where norms come last, else a Pegasus, or an M2M-100
        (NLLB) where positions are counted from behind the padding's id.  Raises ``Mismatch``.
        """
        from seqspec.schema.encoder.marian import MarianConfig as Encoder

        if not isinstance(encoder, Encoder):
            raise Mismatch(f"its encoder is of another kind: `{encoder.component[1]}`")
        for name in ("dim", "activation", "norm", "max_positions", "rates", "first_position"):
            if getattr(encoder, name) != getattr(self, name):
                raise Mismatch(f"the two stacks of such a folder have one `{name}`, and here they differ")
        shifted = bool(self.first_position)
        stored = self.stored_positions or encoder.stored_positions
        fits = self.norm == "pre" and self.rates == "half_less_one" and not stored
        if (shifted and not fits) or (self.norm == "post" and self.rates != "half"):
            raise Mismatch("its positions are counted as in no architecture that folders are written of")
        if shifted:
            return self._shifted_form(encoder)
        kind = "Pegasus" if self.norm == "pre" else "Marian"
        settings = {
            **encoder.side_settings(), **self.side_settings(), "model_type": kind.lower(),
            "architectures": ["PegasusForConditionalGeneration" if kind == "Pegasus" else "MarianMTModel"],
            "scale_embedding": bool(getattr(self.embedding, "scale", False)), "tie_word_embeddings": True,
        }  # fmt: skip
        places = [
            f"model.{side.side}.embed_positions.weight"
            for side in (encoder, self)
            if not side.stored_positions
        ]
        return PairForm(
            encoder.layout({}), self.layout({}), settings, bias="final_logits_bias", dim=self.dim or 0,
            positions=tuple(places) if kind == "Pegasus" else (), num_positions=self.max_positions or 0,
            rates=self.rates or "half",
        )  # fmt: skip

    def _shifted_form(self, encoder: Any) -> PairForm:
        """As an M2M-100, which works its positions out and has no offsets of its softmax."""
        settings = {
            **encoder.side_settings(), **self.side_settings(), "model_type": "m2m_100",
            "architectures": ["M2M100ForConditionalGeneration"], "tie_word_embeddings": True,
            "scale_embedding": bool(getattr(self.embedding, "scale", False)),
        }  # fmt: skip
        assert self.first_position is not None
        return PairForm(encoder.layout({}), self.layout({}), settings, pad=self.first_position - 1)
