"""At which of a text's ids each of its words begins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from seqspec.schema.diagnostic import DataError

_WORD = re.compile(r"\S+")


class WordPlaces:
    """Stands where text steps do: the "ids" of a text are places among its real ids.  Picklable."""

    vocab_size = 2**31
    """More than any place."""
    trainable = False

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Of each text, the place of the first id of each word between spaces.  Raises ``DataError`` for a
        word that no id stands for.
        """
        return [self._places(text) for text in texts]

    def _places(self, text: str) -> list[int]:
        spans = np.array(self.steps.offsets(text), np.int64).reshape(-1, 2)
        begins, ends = spans[:, 0], spans[:, 1]
        found = []
        for match in _WORD.finditer(text):
            within = (begins < match.end()) & (ends > match.start()) & (ends > begins)
            if not within.any():
                raise DataError(f"the word {match.group()[:40]!r} has no id of its own")
            found.append(int(within.argmax()))
        return found
