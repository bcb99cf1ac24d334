"""LibriSpeech: Panayotov et al. (2015), "LibriSpeech: an ASR corpus based on public domain audio books",
ICASSP; openslr.org/12.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._adapter import Download, SplitName
from seqspec.schema.adapter._speech import SpeechConfig
from seqspec.schema.types import Classes, Text, Type, Unknown, Waveform

Part = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]

# MD5 as in the publisher's list, openslr.org/resources/12/md5sum.txt.
_PUBLISHED = {
    "train-clean-100": ("6.3 GB", "2a93770f6d5c6c964bc36631d331a522"),
    "train-clean-360": ("23 GB", "c0e676e450a7ff2f54aeade5171606fa"),
    "train-other-500": ("30 GB", "d1a0fd59409feb2c614ce4d30c387708"),
    "dev-clean": ("338 MB", "42e2234ba48799c1f50f24a7926300a1"),
    "dev-other": ("314 MB", "c8d0bcc9cca99d4f8b62fcc847357931"),
    "test-clean": ("347 MB", "32fa31d27d2e1cad72775fee3f4849a9"),
    "test-other": ("329 MB", "fb5a50374b501bb3bac4815ee91d3135"),
}
_DEV_CLEAN_SHA256 = "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3"


class LibrispeechConfig(SpeechConfig):
    """Read English speech: 16 kHz FLAC below ``LibriSpeech/<part>/<speaker>/<chapter>/``, upper-case
    transcripts beside it.
    """

    parts: Annotated[dict[SplitName, Annotated[list[Part], Field(min_length=1)]], Field(min_length=1)] = {
        "train": ["train-clean-100", "train-clean-360", "train-other-500"],
        "dev": ["dev-clean"],
        "dev_other": ["dev-other"],
        "test": ["test-clean"],
        "test_other": ["test-other"],
    }
    """Folders that each split is made of, in order."""

    def roles(self) -> dict[str, Type]:
        found = self.spoken(Waveform(16_000), Text("en"))
        if self.task == "synthesis":
            found["speaker"] = Classes(Unknown("data.speaker.classes"))
        return found

    def downloads(self) -> tuple[Download, ...]:
        parts = dict.fromkeys(part for parts in self.parts.values() for part in parts)
        return tuple(_download(part) for part in parts if part in _PUBLISHED)


def _download(part: str) -> Download:
    about, md5 = _PUBLISHED[part]
    url = f"https://www.openslr.org/resources/12/{part}.tar.gz"
    if part == "dev-clean":
        return Download(url, about, md5=md5, size=337_926_286, sha256=_DEV_CLEAN_SHA256)
    return Download(url, about, md5=md5)
