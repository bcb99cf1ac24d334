"""MAESTRO: Hawthorne et al. (2019), "Enabling Factorized Piano Music Modeling and Generation with the MAESTRO
Dataset", ICLR, arXiv:1810.12247.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Download
from seqspec.schema.types import Performance, Type
from seqspec.schema.units import Positive


class MaestroConfig(AdapterConfig):
    """Read the MIDI files that ``maestro-v*.csv`` (or ``maestro-v*.json``) lists, with its splits
    ``train``, ``validation`` (dev) and ``test``; a piece is one text of events.

    A folder of one's own MIDI files is read with a table of the columns ``midi_filename`` and ``split``.

    The layout is that which public readers take: the JSON of version 3 has columns by row number (as in the
    loader of SoundStream), that of version 2 a list of rows (as in MusicTransformer-Pytorch).
    """

    steps_per_second: Annotated[int, Field(ge=1, le=1000)] = 100
    """Steps of time in a second; Oore et al. have 125, Music Transformer 100."""
    max_shift: Annotated[int, Field(ge=1, le=999)] = 100
    """Steps of the longest event of time."""
    velocities: Annotated[int, Field(ge=1, le=127)] = 32
    """How many strengths of a key are told apart."""
    sustain: bool = True
    """A key that is released while the right pedal is down sounds until the pedal is lifted."""
    piece: Positive | None = None
    """Events of a record at most; left out, a record is a whole piece.  The parts of a piece run on."""

    def roles(self) -> dict[str, Type]:
        return {
            "target": Performance(
                "zxx",
                steps_per_second=self.steps_per_second,
                max_shift=self.max_shift,
                velocities=self.velocities,
            )
        }

    def downloads(self) -> tuple[Download, ...]:
        name = "maestro-v3.0.0-midi.zip"
        return (
            Download(f"https://storage.googleapis.com/magentadata/datasets/maestro/v3.0.0/{name}", "58 MB"),
        )
