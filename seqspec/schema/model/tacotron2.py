"""Tacotron 2: Shen et al. (2018), "Natural TTS Synthesis by Conditioning WaveNet on Mel Spectrogram
Predictions", ICASSP, arXiv:1712.05884; widths, losses and the stop token as in NVIDIA's public code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model.text_to_frames import require_synthesis
from seqspec.schema.slot import Slot
from seqspec.schema.types import Auxiliary, Counted, Frames, Outputs, Type
from seqspec.schema.units import Dim, Layers, NonNegative, Positive, PositiveFloat, Probability

FRAMES = Counted("target", "frames")


class Tacotron2Config(Config):
    """Reads tokens by convolutions and an LSTM, and writes one frame after another by attention to them."""

    embedding: Annotated[Config | None, Slot("embedding")] = None
    """How tokens become vectors; left out, they are looked up."""
    dim: Dim = 512
    """Width of the encoder; even, a half for each direction of its LSTM."""
    num_convolutions: Layers = 3
    """Convolutions before the encoder's LSTM."""
    kernel: Positive = 5
    """Width of the convolutions of encoder and postnet; odd."""
    prenet_dim: Dim = 256
    """Width of the two layers that each frame goes through before it is fed back."""
    attention_rnn_dim: Dim = 1024
    """Width of the LSTM whose state asks where to look."""
    decoder_rnn_dim: Dim = 1024
    """Width of the LSTM that writes."""
    attention_dim: Dim = 128
    """Width in which queries, tokens and places are compared."""
    location_filters: Dim = 32
    """Filters over where it has looked."""
    location_kernel: Positive = 31
    """Width in tokens of these filters; odd."""
    postnet_dim: Dim = 512
    """Channels of the convolutions that fix the frames at the end."""
    num_postnet_layers: Annotated[int, Field(ge=2, le=100)] = 5
    """How many there are."""
    dropout: Probability = 0.5
    """Rate of dropout behind each convolution."""
    prenet_dropout: Probability = 0.5
    """Rate of dropout of the prenet, in synthesis too: there all examples of a batch share their zeros, which
    are always the same.
    """
    rnn_dropout: Probability = 0.1
    """Rate of dropout on what both LSTMs of the decoder give."""
    stop_positive_weight: PositiveFloat = 1.0
    """Weight of the one frame of a recording at which it ends, beside the others."""
    stop_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Probability of the end from which synthesis stops."""
    guide_width: PositiveFloat = 0.4
    """How far attention may stray from the diagonal before it is punished: g of Tachibana et al. (2018),
    arXiv:1710.08969, equation 3.
    """
    guide_weight: NonNegative = 1.0
    """Weight of guided attention where the spec's losses state none."""
    max_frames: Positive = 1000
    """Most frames of an answer that does not stop by itself."""
    vocoder: Annotated[Config | None, Slot("vocoder")] = None
    """Makes sound of predicted frames; left out, frames are all that is predicted."""

    usual_metric: ClassVar[str] = "mel_cepstral_distortion"

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """Tokens to ``frames``; ``coarse`` are those before the postnet."""
        require_synthesis(source)
        for field in ("kernel", "location_kernel"):
            if getattr(self, field) % 2 == 0:
                message = f"a kernel of {getattr(self, field)} has no middle"
                raise Mismatch(message, at=(field,), help="choose an odd width")
        if self.dim % 2:
            raise Mismatch(f"{self.dim} features are no two halves", at=("dim",), help="choose an even width")
        if self.embedding is None:
            flow.fill("embedding", "lookup", "ids are looked up")
        flow.node("embedding", source["source"], dim=(self.dim, "the encoder's width"))
        target = source["target"]
        if self.vocoder is not None:
            flow.node("vocoder", target)
        assert isinstance(target, Frames)
        return Outputs({
            "frames": target,
            "coarse": Frames(target.dim, rate=target.rate),
            "stop": Auxiliary(1.0, FRAMES),
            "guided_attention": Auxiliary(self.guide_weight, FRAMES),
        })  # fmt: skip
