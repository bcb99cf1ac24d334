"""Settings of the metrics that compare texts."""

from __future__ import annotations

from typing import Any, Literal

from seqspec.schema.config import Flow
from seqspec.schema.types import Text

Punctuation = Literal["keep", "strip"]
UNDETERMINED = "und"
"""BCP 47 code of text whose language is not said; a metric sees decoded text, whose type has none."""


def wire_text(config: Any, flow: Flow) -> None:
    """Pass text through the normalisers and the segmenter that a metric names."""
    text = flow.nodes("normalize", Text(UNDETERMINED))
    if getattr(config, "segment", None) is not None:
        flow.node("segment", text)
