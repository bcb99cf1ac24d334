"""A vocoder that is trained against a critic: HiFi-GAN (Kong et al. 2020, arXiv:2010.05646) and its kin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.slot import Slot
from seqspec.schema.types import Auxiliary, Counted, Frames, Nothing, Outputs, Type, Waveform

EXAMPLES = Counted("target", "examples")


class VocoderConfig(Config):
    """Reads mel frames and makes the samples under them.

    ``procedure: adversarial`` trains it: the critic on ``critic``, the generator on ``adversarial``,
    ``features`` and ``mel``, each a mean over a batch of pieces.
    """

    generator: Annotated[Config, Slot("vocoder")] = Field(default="hifi_gan", validate_default=True)
    """Makes samples of frames."""
    critic: Annotated[Config, Slot("critic")] = Field(default="hifi_gan", validate_default=True)
    """Tells samples of the data from those that were made."""

    usual_metric: ClassVar[str] = "mel_cepstral_distortion"

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``source`` are mel frames, ``target`` the samples of each (feature ``waveform``)."""
        frames, target = source.get("source", Nothing()), source.get("target", Nothing())
        if not isinstance(frames, Frames) or not isinstance(target, Frames):
            raise Mismatch(
                f"a vocoder reads frames and learns samples, and the corpus gives {frames} and {target}",
                help="adapters of speech have `task: vocoding`; the target's features are `waveform`",
            )
        sound = flow.node("generator", frames)
        if frames.mel is not None and frames.mel.padding != "same":
            raise Mismatch(
                f"frames with `padding: {frames.mel.padding}` are not one for each hop of samples",
                help="compute them with `padding: same`",
            )
        if frames.mel is not None and target.dim != frames.mel.hop:
            raise Mismatch(
                f"the target has {target.dim} samples a frame, and the frames stand {frames.mel.hop} apart",
                help=f"write `hop_samples: {frames.mel.hop}` for the target's features",
            )
        flow.node("critic", sound if isinstance(sound, Waveform) else Waveform(1))
        weights = {"mel": 45.0, "adversarial": 1.0, "features": 2.0, "critic": 1.0}
        return Outputs({
            "frames": frames,
            **{name: Auxiliary(weight, EXAMPLES) for name, weight in weights.items()},
        })  # fmt: skip
