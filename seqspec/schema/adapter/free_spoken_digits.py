"""Free Spoken Digit Dataset: Jackson et al. (2018), github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA
4.0.
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Download
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Classes, Text, Type, Waveform

Speaker = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]


class FreeSpokenDigitsConfig(AdapterConfig):
    """Read single spoken digits: ``recordings/<digit>_<speaker>_<index>.wav`` at 8 kHz.

    There is no dev part; ``data.split`` cuts one out of ``train``.
    """

    target: Literal["label", "text"] = "label"
    """What is learnt: one of ten classes, or the English word."""
    split: Literal["official", "by_speaker"] = "official"
    """``official``: recordings 0 to 4 of every speaker are ``test``, so every speaker is in both; or whole
    speakers apart.
    """
    test_speakers: list[Speaker] = []
    """Speakers of ``test`` where the split is by speaker."""

    def roles(self) -> dict[str, Type]:
        if (self.split == "by_speaker") != bool(self.test_speakers):
            raise Mismatch("`test_speakers` and `split: by_speaker` belong together", at=("test_speakers",),
                           help="name both or neither, for example `test_speakers: [yweweler]`")  # fmt: skip
        return {"source": Waveform(8_000), "target": Classes(10) if self.target == "label" else Text("en")}

    def downloads(self) -> tuple[Download, ...]:
        address = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz"
        return (Download(address, "16 MB"),)
