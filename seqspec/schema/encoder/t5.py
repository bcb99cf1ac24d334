"""T5's encoder: Raffel et al. (2020), "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer", JMLR 21, arXiv:1910.10683.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import ClassVar

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.hugging_face_folder import Layout
from seqspec.schema.layers.t5 import T5Layers
from seqspec.schema.types import States, Tokens, Type


class T5Config(T5Layers):
    """Pre-norm layers over ids that it looks up itself, with biases by distance."""

    reads_ids: ClassVar[bool] = True

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Tokens):
            raise Mismatch(f"T5 reads ids of tokens, and this is {source}")
        return States(self.settle_all(source, flow, role="source").dim)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, the embedding's apart."""
        held = (w for w in self.layout({}).weights if not w.here.startswith("embedding."))
        return sum(prod(n or 0 for n in weight.shape) for weight in held)

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers names them."""
        return self.stack_layout(crossed=False)
