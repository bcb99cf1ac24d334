"""What adapters of transcribed speech share: which side is read, and further fields of the same recording."""

from __future__ import annotations

from typing import Annotated, Literal

from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Text, Type, Waveform
from seqspec.schema.units import FieldName, Later

TAKEN = ("source", "target", "speaker", "id", "file", "row", "corpus", "joined")


class SpeechConfig(AdapterConfig):
    """Recordings with their transcripts."""

    task: Annotated[Literal["recognition", "synthesis", "vocoding"], Later] = "recognition"
    """``recognition`` reads the recording and learns its text, ``synthesis`` reads the text and learns the
    recording, ``vocoding`` has the recording on both sides.
    """
    views: Annotated[list[FieldName], Later] = []
    """Further fields that hold the same recording, such as ``pitch``, for features of their own."""

    def spoken(self, audio: Waveform, text: Text) -> dict[str, Type]:
        """The fields of a record."""
        for index, name in enumerate(self.views):
            if name in TAKEN or name in self.views[:index]:
                message = f"no further field can be called `{name}`"
                raise Mismatch(message, at=("views", index), help="choose another name")
        sides: dict[str, tuple[Type, Type]] = {
            "recognition": (audio, text), "synthesis": (text, audio), "vocoding": (audio, audio),
        }  # fmt: skip
        source, target = sides[self.task]
        return {"source": source, "target": target, **dict.fromkeys(self.views, audio)}
