"""Error of the fundamental frequency and of voicing decisions, as in Morise, Yokomori and Ozawa (2016),
"WORLD: A Vocoder-Based High-Quality Speech Synthesis System for Real-Time Applications", IEICE Transactions
on Information and Systems E99-D, and in evaluations of speech synthesis since.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.feature.pitch import Frequency
from seqspec.schema.metric.mel_cepstral_distortion import compared
from seqspec.schema.types import Frames, Nothing, Poison, Type
from seqspec.schema.units import Fraction


class PitchErrorConfig(Config):
    """Root mean square error of the pitch over frames that both recordings voice, and beside it
    ``voicing_error``, the share of frames that one of them voices and the other does not.

    Pitch is found by YIN, as by the feature ``pitch``, in the sound that the vocoder makes of predicted and
    of true frames; frames are paired as ``mel_cepstral_distortion`` pairs them.
    """

    unit: Literal["cents", "hertz"] = "cents"
    """Hundredths of a semitone, or hertz."""
    low_hz: Frequency = 65.0
    """Lowest pitch that is looked for."""
    high_hz: Frequency = 500.0
    """Highest pitch that is looked for."""
    threshold: Fraction = 0.15
    """Highest normalised difference at which a frame is voiced."""
    align: Literal["dtw", "none"] = "dtw"
    """Along the cheapest monotonic path of the frames, or frame by frame, what is longer on one side left
    out.
    """

    def output(self, source: Mapping[str, Type]) -> Type:
        target = compared(source)
        if isinstance(target, Poison):
            return Nothing()
        if not isinstance(target, Frames) or target.mel is None:
            raise Mismatch(
                f"`pitch_error` hears the sound of mel frames, and the model gives {target}",
                help="use it with models of speech whose frames are of the feature `mel_spectrogram`",
            )
        if self.low_hz >= self.high_hz:
            message = f"`low_hz` {self.low_hz:g} is not below `high_hz` {self.high_hz:g}"
            raise Mismatch(message, at=("low_hz",))
        if self.high_hz > target.mel.rate / 4:
            message = f"a pitch of {self.high_hz:g} Hz has no four samples at {target.mel.rate} Hz"
            raise Mismatch(message, at=("high_hz",), help=f"use at most {target.mel.rate / 4:g}")
        return Nothing()
