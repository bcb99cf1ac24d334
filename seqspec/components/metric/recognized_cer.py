"""Character error rate of what a recogniser hears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqspec.components.metric._recognized import Recognized
from seqspec.schema.metric.recognized_cer import RecognizedCerConfig
from seqspec.schema.types import Type


class RecognizedCer(Recognized):
    """Over code points."""

    name = "recognized_cer"

    def __init__(self, config: RecognizedCerConfig, takes: Mapping[str, Type], parts: Any) -> None:
        super().__init__(config, takes, parts)
        self.spaces = config.spaces

    def units(self, text: str) -> str:
        return "".join(text.split()) if self.spaces == "strip" else text

    def settings(self) -> list[tuple[str, object]]:
        return [("unit", "code_point"), ("spaces", self.spaces)]
