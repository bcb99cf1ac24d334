"""VITS: Kim, Kong and Son (2021), "Conditional Variational Autoencoder with Adversarial Learning for
End-to-End Text-to-Speech", ICML, arXiv:2106.06103; the defaults are those of its public LJSpeech
configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.feature.mel_spectrogram import Edge, MelSpectrogramConfig, Samples
from seqspec.schema.model._embed import embed
from seqspec.schema.model.text_to_frames import require_synthesis
from seqspec.schema.slot import Slot
from seqspec.schema.types import (
    Auxiliary,
    Classes,
    Counted,
    Frames,
    Nothing,
    Outputs,
    Poison,
    SampledFrames,
    States,
    Type,
    Vector,
    Waveform,
)
from seqspec.schema.units import Dim, Layers, Positive

EXAMPLES = Counted("target", "examples")


class VitsConfig(Config):
    """Reads tokens and makes the samples of speech, without frames in between that a person has chosen.

    A posterior reads the recording, the prior the text; a flow lies between them, an alignment that is found
    while training beside it. ``procedure: adversarial`` trains the critic on ``critic`` and all the rest on
    ``mel``, ``kl``, ``duration``, ``adversarial`` and ``features``, on a random piece of each recording.
    """

    embedding: Annotated[Config | None, Slot("embedding")] = None
    """How tokens become the vectors that the encoder reads; left out, they are looked up."""
    encoder: Annotated[Config, Slot("encoder")] = Field(default="relative_transformer", validate_default=True)
    """Reads the tokens; its width is that of the latent vectors."""
    blanks: Literal["between", "none"] = "between"
    """Put an empty token before, between and behind those of the text: N become 2 N + 1."""
    posterior_layers: Layers = 16
    """Gated convolutions of the posterior."""
    flow_blocks: Layers = 4
    """Couplings between posterior and prior."""
    flow_layers: Layers = 4
    """Gated convolutions of a coupling."""
    kernel: Positive = 5
    """Width in frames of the gated convolutions; odd."""
    duration: Annotated[Config, Slot("duration")] = Field(default="stochastic", validate_default=True)
    """Learns how long tokens last, and says it when speech is made."""
    speaker_dim: Dim = 256
    """Width of the vector that says who speaks, where the corpus has a field ``speaker``."""
    generator: Annotated[Config, Slot("vocoder")] = Field(default="hifi_gan", validate_default=True)
    """Makes samples of latent vectors; its steps up are the samples of a frame of the target."""
    critic: Annotated[Config, Slot("critic")] = Field(default="vits", validate_default=True)
    """Tells samples of the data from those that were made."""
    segment: Positive = 32
    """Frames of the piece of each recording that the generator makes while training; what is shorter is
    followed by silence, which counts for nothing.
    """
    fft_samples: Samples = 1024
    """Points of the Fourier transform of the spectrogram that the posterior reads, and of the mel loss."""
    window_samples: Samples | None = None
    """Samples of its Hann window; left out, as many as it has points."""
    num_bins: Dim = 80
    """Mel filters of the mel loss, and of the frames that metrics compare."""
    low_hz: Edge = 0.0
    """Lower edge of the lowest filter."""
    high_hz: Edge | None = None
    """Upper edge of the highest filter; left out, half the sample rate."""
    max_token_frames: Positive = 200
    """Most frames of a token in synthesis."""

    usual_metric: ClassVar[str] = "mel_cepstral_distortion"

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """Tokens to ``frames``, those of the sound that is made; ``target`` are samples (feature
        ``waveform``).
        """
        require_synthesis(source)
        frames = self.frames_of(source)
        states = self._states(source, flow)
        speaker: Type = Vector(self.speaker_dim) if "speaker" in source else Nothing()
        flow.node("duration", {"states": states, "speaker": speaker})
        if isinstance(states, States):
            self._generator(replaced(frames, states.dim), source.get("speaker"), flow)
        assert frames.mel is not None
        flow.node("critic", Waveform(frames.mel.rate))
        weights = {"mel": 45.0, "adversarial": 1.0, "features": 2.0, "critic": 1.0}
        return Outputs({
            "frames": frames,
            "kl": Auxiliary(1.0, Counted("target", "frames")),
            "duration": Auxiliary(1.0, Counted("source", "tokens")),
            **{name: Auxiliary(weight, EXAMPLES) for name, weight in weights.items()},
        })  # fmt: skip

    def frames_of(self, source: Mapping[str, Type]) -> SampledFrames:
        """The mel frames that sound is told by, one for each frame of samples."""
        target = source["target"]
        assert isinstance(target, Frames)
        rate = target.rate * target.dim
        if target.mel is not None or target.channels != 1 or Fraction(rate).denominator != 1 or not rate:
            raise Mismatch(
                f"this model learns samples, and the target is {target}",
                help="write `audio: {features: {type: waveform, hop_samples: 256}, normalize: none}`",
            )
        if self.kernel % 2 == 0:
            message = f"a kernel of {self.kernel} has no middle"
            raise Mismatch(message, at=("kernel",), help="choose an odd width")
        mel = MelSpectrogramConfig(
            num_bins=self.num_bins, fft_samples=self.fft_samples, window_samples=self.window_samples,
            hop_samples=target.dim, low_hz=self.low_hz, high_hz=self.high_hz, padding="same", epsilon=1e-6,
        ).output(Waveform(int(rate)))  # fmt: skip
        assert isinstance(mel, Frames)
        return SampledFrames(mel.dim, rate=mel.rate, mel=mel.mel)

    def _states(self, source: Mapping[str, Type], flow: Flow) -> States | Poison:
        states = flow.node("encoder", embed(self, source["source"], flow))
        if isinstance(states, Poison):
            return states
        if not isinstance(states, States) or states.stride != 1:
            raise Mismatch(f"the encoder must give a state a token, and gives {states}", at=("encoder",))
        if states.dim % 2:
            message = f"latent vectors of {states.dim} features cannot be halved"
            raise Mismatch(message, at=("encoder", "dim"), help="choose an even width")
        return states

    def _generator(self, latent: Frames, speaker: Type | None, flow: Flow) -> None:
        if not getattr(self.generator, "learns", True):
            name = self.generator.component[1]
            raise Mismatch(
                f"`{name}` learns nothing, and the samples of latent vectors have to be learned",
                at=("generator",),
                help="choose a vocoder that learns, such as `hifi_gan`",
            )
        if not isinstance(speaker, Classes):
            flow.node("generator", latent)
        elif "speaker_dim" in type(self.generator).model_fields:
            flow.node(
                "generator", latent, speaker_dim=(self.speaker_dim, "the width of the speaker's vector")
            )
        else:
            name = self.generator.component[1]
            raise Mismatch(f"`{name}` cannot be told who speaks", at=("generator",))


def replaced(frames: Frames, dim: int) -> Frames:
    """Latent vectors, which stand where the frames stand."""
    return Frames(dim, rate=frames.rate, mel=frames.mel)
