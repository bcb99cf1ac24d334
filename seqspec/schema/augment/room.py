"""Rooms: recordings are convolved with impulse responses, as in Ko et al. (2017), "A Study on Data
Augmentation of Reverberant Speech for Robust Speech Recognition", ICASSP.

Synthetic responses are noise that decays exponentially behind the direct sound: Polack (1988), "La
transmission de l'énergie sonore dans les salles", thesis, Le Mans; Moorer (1979), "About This Reverberation
Business", Computer Music Journal 3.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.augment._waveform import Folder, Range, WaveformAugmentConfig, require_ordered
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Type

Decay = Annotated[float, Field(ge=0.01, le=10.0)]


class RoomConfig(WaveformAugmentConfig):
    """Puts a recording into a room: its length, its power and the place of the direct sound stay."""

    folder: Folder | None = None
    """Impulse responses, in it and in the folders below; each begins to count at its largest sample.  Left
    out, they are synthetic.
    """
    decay_seconds: Annotated[list[Decay], Field(min_length=2, max_length=2)] | None = None
    """Least and most of the time in which a synthetic room falls by 60 dB; 0.2 and 0.8 where nothing is
    written.
    """
    direct: Range | None = None
    """Least and most of the direct sound's energy over that of the synthetic room, in dB; 0 and 10 where
    nothing is written.
    """

    def output(self, source: Type) -> Type:
        for field in ("decay_seconds", "direct"):
            stated = getattr(self, field)
            if stated is not None:
                require_ordered(stated, field)
                if self.folder is not None:
                    message = f"the rooms are those of a folder, and `{field}` is of synthetic ones"
                    raise Mismatch(message, at=(field,), help=f"write `folder` or `{field}`")
        return super().output(source)
