"""Phonemes of Japanese text, by Open JTalk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from seqspec.components.tokenizer import _vocabulary
from seqspec.components.tokenizer._prosody import prosody
from seqspec.components.tokenizer._table import Table
from seqspec.schema.diagnostic import DataError
from seqspec.schema.tokenizer.phonemes import PhonemesConfig
from seqspec.schema.types import Type

MOST = 1_000
"""Code points that the library is shown at once; it refuses some more and crashes on long runs of one
letter."""
_ENDS = "。！？\n"
_NEAR = 4
"""Phonemes of words that the library may leave out before the next one that it says."""


class Phonemes:
    """The library loads in each process when first used.  Its neural and Sudachi readings are off: they
    depend on packages that may or may not be there.
    """

    trainable = True

    def __init__(self, config: PhonemesConfig, source: Type) -> None:
        self.config = config
        self._style = config.style
        self._marks = config.marks if config.style == "prosody" else "plus"
        self._options = {
            "use_read_as_pron": config.reading == "kana",
            "predict_nani": False,
            "use_sudachi_kanji_yomi": False,
        }
        self._artifact: bytes | None = None
        self._table = Table(())

    def train(self, texts: Iterable[str]) -> bytes:
        """Collect the phonemes of the texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(self._symbols(text))
        artifact = _vocabulary.dump(_vocabulary.choose(counts, min_count=1, max_size=None))
        self.load(artifact)
        return artifact

    def load(self, artifact: bytes) -> None:
        """Take the phonemes that ``train`` gave."""
        self._table = Table(_vocabulary.parse(artifact), separator=" ")
        self._artifact = artifact

    @property
    def vocab_size(self) -> int:
        """Ids in all."""
        return self._table.size

    def encode(self, text: str) -> list[int]:
        """Ids of the phonemes of a text."""
        return self._table.encode(self._symbols(text))

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """Phonemes with spaces between them."""
        return self._table.decode(ids)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The phonemes of ids."""
        return [self._table.piece(id) for id in ids]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of the word that each phoneme belongs to; empty for marks of prosody."""
        spans: list[tuple[int, int]] = []
        for start, part in _parts(text):
            found = _library().g2p_mapping(part, **self._options)
            words = ((phoneme, word["char_span"]) for word in found for phoneme in word["phonemes"])
            spans += _follow(self._part_symbols(part), list(words), start)
        return spans

    def fingerprint(self) -> dict[str, Any]:
        """Settings, the library's version, the dictionary's bytes and the phonemes' hash."""
        from importlib.metadata import version

        from seqspec.components.segmenter._dictionary import HASHED, hash_files

        folder = Path(_library().OPEN_JTALK_DICT_DIR.decode())
        return {
            **_vocabulary.fingerprint(self.config, self._artifact),
            "library": f"pyopenjtalk-plus-{version('pyopenjtalk-plus')}",
            "dictionary": hash_files([folder / file for file in HASHED if (folder / file).is_file()]),
        }

    def _symbols(self, text: str) -> list[str]:
        return [symbol for _, part in _parts(text) for symbol in self._part_symbols(part)]

    def _part_symbols(self, part: str) -> list[str]:
        library = _library()
        if self._marks == "espnet":
            return prosody(library.extract_fullcontext(part, **self._options))
        if self._style == "prosody":
            return list(library.g2p_prosody(part, **self._options))
        return list(library.g2p(part, join=False, **self._options))


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The text in parts that the library can hold, cut after sentences; NUL, which it drops, stays in
    place.
    """
    start = 0
    while len(text) - start > MOST:
        cuts = (text.rfind(mark, start + MOST // 2, start + MOST) for mark in _ENDS)
        cut = next((place + 1 for place in cuts if place >= 0), start + MOST)
        yield start, text[start:cut]
        start = cut
    if start < len(text):
        yield start, text[start:]


def _follow(
    symbols: list[str], words: list[tuple[str, tuple[int, int]]], start: int
) -> list[tuple[int, int]]:
    """Walk through the phonemes of the words beside the symbols: what fits takes the word's span.

    A mark of prosody, and a word that the library adds when it reads a number, take an empty span where
    they stand.
    """
    spans: list[tuple[int, int]] = []
    position, at = 0, start
    for symbol in symbols:
        near = range(position, min(position + _NEAR, len(words)))
        match = next((i for i in near if words[i][0] == symbol), None)
        begin, end = words[match][1] if match is not None else (0, 0)
        position = position if match is None else match + 1
        spans.append((start + begin, start + end) if begin < end else (at, at))
        at = spans[-1][1]
    return spans


def _library() -> Any:
    try:
        # On import it tells on stdout, where our results go, that an optional package is missing.
        with redirect_stdout(StringIO()):
            import pyopenjtalk
    except ImportError:
        raise DataError(
            "tokenizer `phonemes` needs pyopenjtalk-plus",
            help="pip install 'seqspec-compiler[phonemes]'",
            code="SQ420",
        ) from None
    return pyopenjtalk
