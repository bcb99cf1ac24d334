"""Word error rate of what a recogniser hears."""

from __future__ import annotations

from seqspec.components.metric._recognized import Recognized


class RecognizedWer(Recognized):
    """Over what stands between spaces."""

    name = "recognized_wer"

    def units(self, text: str) -> list[str]:
        return text.split()
