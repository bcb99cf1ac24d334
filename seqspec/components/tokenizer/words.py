"""One id for each word of the training text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from seqspec.components.tokenizer import _vocabulary
from seqspec.components.tokenizer._table import Table
from seqspec.schema.tokenizer.words import WordsConfig
from seqspec.schema.types import Type


class Words:
    """Learned; ids in order of frequency."""

    trainable = True

    def __init__(self, config: WordsConfig, source: Type) -> None:
        self.config = config
        self.min_count, self.max_size = config.min_count, config.max_size
        self._artifact: bytes | None = None
        self._table = Table(())

    def train(self, texts: Iterable[str]) -> bytes:
        """Count and choose; gives the artifact and takes it."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_cut(text))
        symbols = _vocabulary.choose(counts, min_count=self.min_count, max_size=self.max_size)
        artifact = _vocabulary.dump(symbols)
        self.load(artifact)
        return artifact

    def load(self, artifact: bytes) -> None:
        """Take the vocabulary that ``train`` gave."""
        self._table = Table(_vocabulary.parse(artifact), separator=_SEPARATOR)
        self._artifact = artifact

    @property
    def vocab_size(self) -> int:
        """Ids in all."""
        return self._loaded().size

    def encode(self, text: str) -> list[int]:
        """One id a word."""
        return self._loaded().encode(_cut(text))

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids."""
        return self._loaded().decode(ids)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The words of ids."""
        return [self._loaded().piece(id) for id in ids]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``."""
        return _spans(text)

    def fingerprint(self) -> dict[str, Any]:
        """Settings and the vocabulary's hash."""
        return _vocabulary.fingerprint(self.config, self._artifact)

    def _loaded(self) -> Table:
        if self._artifact is None:
            raise RuntimeError("the vocabulary is neither trained nor loaded")
        return self._table


_SEPARATOR = " "
# Only these cut, so that a word may be U+3000 itself.
_WORD = re.compile(r"[^ \t\n\r]+")


def _cut(text: str) -> list[str]:
    return _WORD.findall(text)


def _spans(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _WORD.finditer(text)]
