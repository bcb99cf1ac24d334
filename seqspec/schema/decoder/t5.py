"""T5's decoder: Raffel et al. (2020), "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer", JMLR 21, arXiv:1910.10683.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, ClassVar

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.hugging_face_folder import Layout, PairForm, Weight
from seqspec.schema.layers.t5 import T5Layers
from seqspec.schema.pretrained import Settings
from seqspec.schema.types import States, Tokens, Type
from seqspec.schema.units import InferredMark


class T5Config(T5Layers):
    """Causal pre-norm layers over the target, each with attention over the encoder's states."""

    scale_output: Annotated[bool | None, InferredMark()] = None
    """Multiply the last states by one over the root of ``dim`` before the softmax, as version 1.0 does; left
    out, yes.
    """
    layers_field: ClassVar[str] = "num_decoder_layers"
    stack_name: ClassVar[str] = "decoder"

    def wire(self, source: Mapping[str, Type], flow: Flow) -> States:
        target, memory = source["target"], source.get("memory")
        if not isinstance(target, Tokens):
            raise Mismatch(f"T5's decoder gives tokens, and the target is {target}")
        if not isinstance(memory, States):
            raise Mismatch(
                "T5's decoder looks at an encoder", help="use it in an `encoder_decoder`, or decoder `llama`"
            )
        sized = self.settle_all(target, flow, role="target")
        if memory.dim != sized.dim:
            raise Mismatch(f"the encoder's states have {memory.dim} features, and T5's decoder {sized.dim}")
        return States(sized.dim, causal=True)

    def usual(self) -> dict[str, object]:
        """Those of the stack, and the scale."""
        return {**super().usual(), "scale_output": True}

    def sizes(self, settings: Settings) -> dict[str, object]:
        """Our fields from config.json.  Raises ``Mismatch``."""
        tied = settings.flag("tie_word_embeddings", True)
        return {**super().sizes(settings), "scale_output": settings.flag("scale_decoder_outputs", tied)}

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, the embedding's apart."""
        held = (w for w in self.layout({}).weights if not w.here.startswith("embedding."))
        return sum(prod(n or 0 for n in weight.shape) for weight in held)

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers names them."""
        return self.stack_layout(crossed=True)

    def head_layout(self) -> Layout:
        """The head that a folder of this kind may hold beside it; a tied one is the table once more."""
        role = self.reads or "target"
        head = Weight("weight_VD", "lm_head.weight", (None, self.dim), by_id=role, older=("shared.weight",))
        return Layout((head,), ("",))

    def pair_form(self, encoder: Any) -> PairForm:
        """The whole model with ``encoder``.  Raises ``Mismatch``."""
        if encoder.component[1] != self.component[1]:
            raise Mismatch(f"T5 has an encoder of its own kind, and this is `{encoder.component[1]}`")
        alike = ("dim", "num_heads", "head_dim", "feed_forward_dim", "activation", "norm_epsilon")
        other = next((name for name in alike if getattr(encoder, name) != getattr(self, name)), None)
        if other is not None:
            raise Mismatch(f"T5's two stacks have one `{other}`, and here they differ")
        settings = {**encoder.write_settings(), **self.write_settings()}
        return PairForm(encoder.layout({}), self.layout({}), settings, head="lm_head.weight")

    def write_settings(self) -> dict[str, Any]:
        """config.json of a model with such stacks, without its vocabulary."""
        return {
            **super().write_settings(), "scale_decoder_outputs": self.scale_output,
            "tie_word_embeddings": bool(self.scale_output),
        }  # fmt: skip
