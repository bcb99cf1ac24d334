"""The events of performed music as ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from seqspec.components.tokenizer._table import Table
from seqspec.data.corpus.music.midi import midi_bytes
from seqspec.data.corpus.music.performance import notes_of, vocabulary
from seqspec.schema.tokenizer.midi_events import MidiEventsConfig
from seqspec.schema.types import Performance, Type

WORD = re.compile(r"\S+")


class MidiEvents:
    """Events stand between spaces; what is no event is unknown."""

    trainable = False

    def __init__(self, config: MidiEventsConfig, source: Type) -> None:
        assert isinstance(source, Performance)
        self.kind = source
        self._table = Table(vocabulary(source), separator=" ")

    @property
    def vocab_size(self) -> int:
        """Ids in all."""
        return self._table.size

    def train(self, texts: Iterable[str]) -> bytes:
        """There is nothing to learn."""
        return b""

    def load(self, artifact: bytes) -> None:
        """There is nothing to load."""

    def encode(self, text: str) -> list[int]:
        """One id an event."""
        return self._table.encode(text.split())

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """Events with one space between them."""
        return self._table.decode(ids)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The events of ids."""
        return [self._table.piece(id) for id in ids]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each event."""
        return [found.span() for found in WORD.finditer(text)]

    def as_file(self, text: str) -> tuple[str, bytes]:
        """The suffix and content of the file that plays events: standard MIDI."""
        return ".mid", midi_bytes(notes_of(text.split(), self.kind))

    def fingerprint(self) -> dict[str, Any]:
        """The vocabulary follows from the numbers of the corpus's type."""
        return {"type": "midi_events", "vocab_size": self.vocab_size}
