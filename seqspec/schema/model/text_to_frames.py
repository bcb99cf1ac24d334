"""Speech synthesis without recurrence: FastSpeech 2 (Ren et al. 2021, arXiv:2006.04558) and FastPitch
(Łańcucki 2021, arXiv:2006.06873), with durations that the corpus gives or that are learned inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, GivesAuxiliary, Mismatch
from seqspec.schema.model._embed import embed
from seqspec.schema.slot import Slot
from seqspec.schema.types import (
    Auxiliary,
    Classes,
    Floats,
    Frames,
    Integers,
    Nothing,
    Outputs,
    Poison,
    States,
    Tokens,
    Type,
)
from seqspec.schema.units import Positive

Predictor = Annotated[Config | None, Slot("predictor")]


class TextToFramesConfig(Config):
    """Reads tokens, says how long, how high and how loud each is, and writes the frames of all at once."""

    embedding: Annotated[Config | None, Slot("embedding")] = None
    """How tokens become the vectors that the encoder reads; left out, they are looked up."""
    encoder: Annotated[Config, Slot("encoder")]
    """Reads the tokens."""
    aligner: Annotated[Config | None, Slot("aligner")] = None
    """Learns the durations while training; left out, the corpus gives them as the field ``durations``."""
    duration: Annotated[Config, Slot("predictor")] = Field(default="convolution", validate_default=True)
    """Predicts the logarithm of one more than a token's frames."""
    pitch: Predictor = None
    """Predicts the field ``pitch``, a number a token, or a frame (0 where unvoiced) whose mean over each
    token is taken; left out, pitch is not modelled.
    """
    energy: Predictor = None
    """Predicts the field ``energy`` or, where the corpus has none, the logarithm of one more than the mean
    length of a token's frames, as FastPitch does; left out, energy is not modelled.
    """
    variance_kernel: Positive = 3
    """Width in tokens of the convolution by which pitch and energy enter again; odd."""
    decoder: Annotated[Config, Slot("encoder")]
    """Reads the tokens' states, each as often as it is long, and gives a state a frame."""
    max_token_frames: Positive = 75
    """Most frames of a token in synthesis."""
    vocoder: Annotated[Config | None, Slot("vocoder")] = None
    """Makes sound of predicted frames; left out, frames are all that is predicted."""

    usual_metric: ClassVar[str] = "mel_cepstral_distortion"

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """Tokens, and what the corpus tells of them, to ``frames`` like the target's."""
        target = self._target(source)
        states = self._states(flow, "encoder", embed(self, source["source"], flow))
        found: dict[str, Type] = {"frames": target}
        found |= self._durations(source, flow, target)
        for name in ("duration", "pitch", "energy"):
            if getattr(self, name) is not None:
                given = flow.node(name, states)
                found[name] = given
        self._require_pitch(source, target)
        self._states(
            flow, "decoder", Frames(states.dim, rate=target.rate) if isinstance(states, States) else states
        )
        if self.vocoder is not None:
            flow.node("vocoder", target)
        return Outputs(found)

    def _target(self, source: Mapping[str, Type]) -> Frames:
        require_synthesis(source)
        if self.variance_kernel % 2 == 0:
            message = f"a kernel of {self.variance_kernel} has no middle"
            raise Mismatch(message, at=("variance_kernel",), help="choose an odd width")
        target = source["target"]
        assert isinstance(target, Frames)
        return target

    def _states(self, flow: Flow, name: str, given: Type) -> Type:
        states = flow.node(name, given)
        if isinstance(states, Poison):
            return states
        if not isinstance(states, States) or states.stride != 1:
            wanted = "a state a token" if name == "encoder" else "a state a frame"
            raise Mismatch(f"the {name} must give {wanted}, and gives {states}", at=(name,))
        return states

    def _durations(self, source: Mapping[str, Type], flow: Flow, target: Frames) -> dict[str, Type]:
        """The auxiliary outputs of the aligner, where there is one; else the corpus must tell durations."""
        if self.aligner is None:
            if not isinstance(source.get("durations"), Integers | Poison):
                raise Mismatch(
                    "nothing says how long the tokens are: there is no field `durations` of whole numbers",
                    help="learn them with `aligner: forward_sum`, or name a column as `durations`",
                )
            return {}
        parts: tuple[Any, Any] = (self.embedding, self.encoder)
        width: int = next(part.dim for part in parts if getattr(part, "dim", None))
        flow.node("aligner", {"tokens": Frames(width), "frames": target})
        return dict(auxiliary_of("aligner", self.aligner))

    def _require_pitch(self, source: Mapping[str, Type], target: Frames) -> None:
        pitch = source.get("pitch", Nothing())
        if self.pitch is None or isinstance(pitch, Floats | Poison):
            return
        if not isinstance(pitch, Frames) or pitch.dim != 1:
            raise Mismatch(
                f"`pitch` is learned from a field of that name, a number a token or frame, and it is {pitch}",
                at=("pitch",),
                help="add the field to the corpus, or take `pitch` out",
            )
        if pitch.rate and target.rate and pitch.rate != target.rate:
            raise Mismatch(
                f"the field `pitch` has {float(pitch.rate):g} numbers a second, and the target"
                f" {float(target.rate):g} frames",
                at=("pitch",),
                help="compute both with the same hop",
            )


def auxiliary_of(name: str, part: Config) -> Iterator[tuple[str, Type]]:
    """The auxiliary outputs of a part, with what each is a sum over."""
    assert isinstance(part, GivesAuxiliary)
    counted = getattr(part, "auxiliary_counted", None)
    for key, weight in part.auxiliary().items():
        yield f"{name}.{key}", Auxiliary(weight, counted)


def require_synthesis(source: Mapping[str, Type]) -> None:
    """Tokens to frames, and a speaker that is one of a set; raises ``Mismatch``."""
    reads, target = source.get("source", Nothing()), source.get("target", Nothing())
    if not isinstance(reads, Tokens | Poison):
        raise Mismatch(
            f"speech synthesis reads text, and the source is {reads}",
            help="adapters of speech have `task: synthesis` for it",
        )
    if not isinstance(target, Frames):
        raise Mismatch(f"speech synthesis gives frames, and the target is {target}")
    speaker = source.get("speaker")
    if speaker is not None and not isinstance(speaker, Classes | Poison):
        raise Mismatch(f"the field `speaker` names one of a set, and it is {speaker}")
