"""Whisper's encoder: Radford et al. (2022), "Robust Speech Recognition via Large-Scale Weak Supervision",
arXiv:2212.04356, section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.feature.whisper import MEL
from seqspec.schema.hugging_face_folder import Layout, Weight
from seqspec.schema.layers.whisper import WhisperLayers
from seqspec.schema.pretrained import Settings
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim, InferredMark

STRIDE = 2
"""Of the second convolution."""


class WhisperConfig(WhisperLayers):
    """Two convolutions and a Transformer over recordings of one length, the rest of which is silence.

    Each recording is filled up with its last frame to twice ``max_positions`` frames, and nothing is masked.
    """

    num_bins: Annotated[Dim | None, InferredMark()] = None
    """Mel filters of a frame; left out, those of the features."""
    read_beside: ClassVar[tuple[str, ...]] = (*WhisperLayers.read_beside, "num_bins")

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(f"Whisper reads mel frames, and this is {source}", help=_HELP.format(80))
        settings = self.told(flow)
        told = None if settings is None else self.sizes(settings)
        usual = {**self.usual(), "num_bins": source.dim}
        sized: WhisperConfig = self.settle_sizes(flow, told, usual)
        sized.check_heads()
        if settings is not None and source.mel != MEL:
            raise Mismatch(
                "the folder's model has learned Whisper's own frames, and these are others",
                help=_HELP.format(sized.num_bins),
            )
        if sized.num_bins != source.dim:
            raise Mismatch(
                f"the encoder reads frames of {sized.num_bins} mel filters, and these have {source.dim}",
                at=("from",) if settings is not None else ("num_bins",),
                help=_HELP.format(sized.num_bins),
            )
        assert sized.dim is not None
        rate = Fraction(source.rate, STRIDE)
        plain = rate.numerator if rate.denominator == 1 else rate
        return States(sized.dim, stride=STRIDE, rate=plain, size=sized.max_positions or 0)

    def sizes(self, settings: Settings) -> dict[str, object]:
        """Those of the stack, and the filters."""
        return {**super().sizes(settings), "num_bins": settings.integer("num_mel_bins", 80, most=65_536)}

    def layout(self, takes: Mapping[str, Type]) -> Layout:
        """As transformers names them."""
        dim, weights = self.dim, []
        for index, inputs in enumerate((self.num_bins, dim)):
            ours, theirs = f"convolutions.{index}", f"encoder.conv{index + 1}"
            weights.append(Weight(f"{ours}.weight", f"{theirs}.weight", (dim, inputs, 3)))
            weights.append(Weight(f"{ours}.bias", f"{theirs}.bias", (dim,)))
        weights.append(Weight("positions_TD", "encoder.embed_positions.weight", (self.max_positions, dim)))
        weights += self.stack_weights(crossed=False)
        return Layout(tuple(weights), ("model.decoder.", "decoder.", "proj_out."), prefix="model.")


_HELP = "set `data.audio.features: {{type: whisper, num_bins: {}}}` and `data.audio.normalize: none`"
