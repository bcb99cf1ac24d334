"""How speech is drawn."""

from __future__ import annotations

from seqspec.components.search._speech import Drawing
from seqspec.schema.search.synthesis import SynthesisConfig
from seqspec.schema.types import Type


class Synthesis:
    """``search.drawing`` is what the model draws by."""

    def __init__(self, config: SynthesisConfig, source: Type | None) -> None:
        self.drawing = Drawing(
            config.noise_scale, config.noise_scale_duration, config.length_scale, config.seed
        )
