"""From a raw string to ids and back: normalise → segment → tokenise, with offsets into the raw string.

The words of a segmenter reach the tokenizer joined by one U+0020.  Where the script has no spaces of its own
(the segmenter's ``separator`` is empty), white space of the text stands between words as ``␣``, so that
decoding can tell the two apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Protocol, runtime_checkable

from seqspec.data.text.aligned import Aligned, identity

JSON = Any

VISIBLE_SPACE = "␣"
"""U+2423: white space of the text between the words of a segmenter that joins words without any."""
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 100_000, 1_000
"""Texts, and code points of one, that are kept between learning a vocabulary and encoding."""


class Normalizer(Protocol):
    """Changes text and can tell where each code point came from."""

    def apply(self, text: str) -> str: ...

    def align(self, text: str) -> Aligned: ...


class Segmenter(Protocol):
    """Cuts text into words.

    One that can print them joined, faster than one by one, has ``joined(text)`` as well: the words with one
    space between where they are the whole text, else ``None``.
    """

    separator: str
    """What stands between two words when text is put together again: nothing, or a space."""
    surface: bool
    """Whether every word is the text at its span."""

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Half-open code-point spans in order; what lies between them is white space or was filtered out."""
        ...

    def words(self, text: str) -> list[str]:
        """One string for each span: the surface, or what the segmenter gives in its place (a reading)."""
        ...

    def fingerprint(self) -> dict[str, JSON]: ...


class Tokenizer(Protocol):
    """Turns text into ids and back."""

    trainable: bool

    def train(self, texts: Iterable[str]) -> bytes: ...

    def load(self, artifact: bytes) -> None: ...

    @property
    def vocab_size(self) -> int: ...

    def encode(self, text: str) -> list[int]: ...

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]: ...

    def decode(self, ids: Sequence[int]) -> str: ...

    def pieces(self, ids: Sequence[int]) -> list[str]: ...

    def offsets(self, text: str) -> list[tuple[int, int]]: ...

    def fingerprint(self) -> dict[str, JSON]: ...


@runtime_checkable
class Counting(Protocol):
    """A tokenizer that learns from counts alone: texts can be counted block by block, beside each other."""

    def count(self, texts: Iterable[str]) -> Counter[str]: ...

    def learn(self, counts: Iterable[Counter[str]]) -> bytes: ...


@dataclass(frozen=True)
class RoundTrip:
    """How well decoding restores text: ``exact`` of ``lines``, ``unknown`` of ``tokens``, ``fallback`` of
    them single bytes.
    """

    lines: int
    exact: int
    normalized: int
    """Lines that come back as their normalised form."""
    tokens: int
    unknown: int
    fallback: int
    examples: tuple[tuple[str, str], ...]
    """The first lines that do not come back, with what came instead."""


class TextProcessor:
    """The declared steps of one text role.  Holds built components; picklable when they are."""

    def __init__(
        self,
        *,
        tokenizer: Tokenizer,
        normalizers: Sequence[Normalizer] = (),
        segmenter: Segmenter | None = None,
    ) -> None:
        self.normalizers = tuple(normalizers)
        self.segmenter = segmenter
        self.tokenizer = tokenizer
        # Texts that a tokenizer learned from are encoded next: cutting them into words once is enough.  In
        # another process, which works on some blocks of each, nothing is kept.
        self._prepared: dict[str, str] | None = {}

    def normalize(self, text: str) -> str:
        """Text after every normaliser."""
        for normalizer in self.normalizers:
            text = normalizer.apply(text)
        return text

    def align(self, text: str) -> Aligned:
        """Normalised text with, for each code point, the span of the raw string that it came from."""
        aligned = identity(text)
        for normalizer in self.normalizers:
            aligned = aligned.then(normalizer.align(aligned.text))
        return aligned

    def prepare(self, text: str) -> str:
        """What the tokenizer sees: normalised, and cut into words where there is a segmenter."""
        text = self.normalize(text)
        if self.segmenter is None:
            return text
        whole: Callable[[str], str | None] | None = getattr(self.segmenter, "joined", None)
        if whole is not None and (joined := whole(text)) is not None:
            return joined
        if self.segmenter.separator:
            return self.segmenter.separator.join(self.segmenter.words(text))
        spans, words = self._cut(text)
        if self.segmenter.surface and sum(map(len, words)) == len(text):
            return " ".join(words)
        return " ".join(word for word, _, _ in _pieces(text, spans=spans, words=words, visible=True))

    def train(self, texts: Iterable[str]) -> bytes:
        """The tokenizer's artifact, learned from raw texts."""
        return self.learn(self.gather([text]) for text in texts)

    def gather(self, texts: Sequence[str]) -> Any:
        """What the tokenizer learns from of some raw texts: their counts, or the texts that it is to see."""
        prepared = [self._remember(text) for text in texts]
        return self.tokenizer.count(prepared) if isinstance(self.tokenizer, Counting) else prepared

    def learn(self, gathered: Iterable[Any]) -> bytes:
        """The tokenizer's artifact, learned from what was gathered of all texts in order."""
        if isinstance(self.tokenizer, Counting):
            return self.tokenizer.learn(gathered)
        return self.tokenizer.train(chain.from_iterable(gathered))

    def load(self, artifact: bytes) -> None:
        """Take the artifact that ``train`` gave."""
        self.tokenizer.load(artifact)

    @property
    def trainable(self) -> bool:
        """Whether the tokenizer learns from text."""
        return self.tokenizer.trainable

    @property
    def vocab_size(self) -> int:
        """Ids in all, the four special ones among them."""
        return self.tokenizer.vocab_size

    def encode(self, text: str) -> list[int]:
        """Ids of raw text, without begin and end."""
        return self.tokenizer.encode(self.prepare(text))

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many raw texts."""
        prepare = self._recall if self._prepared else self.prepare
        return self.tokenizer.encode_batch(list(map(prepare, texts)))

    def _remember(self, text: str) -> str:
        prepared = self.prepare(text)
        if self._prepared is None:
            return prepared
        if len(self._prepared) < _MOST_REMEMBERED and len(text) <= _LONGEST_REMEMBERED:
            self._prepared[text] = prepared
        return prepared

    def _recall(self, text: str) -> str:
        assert self._prepared is not None
        prepared = self._prepared.pop(text, None)
        return self.prepare(text) if prepared is None else prepared

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_prepared": None}

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; special ids are left out."""
        text = self.tokenizer.decode(ids)
        if self.segmenter is None or self.segmenter.separator:
            return text
        return text.replace(" ", "").replace(VISIBLE_SPACE, " ")

    def pieces(self, text: str) -> list[str]:
        """The pieces of raw text, as people read them."""
        return self.tokenizer.pieces(self.encode(text))

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """For each id of ``encode(text)``, the half-open span of the raw string, in code points, that it
        stands for.
        """
        aligned = self.align(text)
        joined, places = self._places(aligned.text)
        found = self.tokenizer.offsets(joined)
        return [aligned.raw_span(*_cover(places, start, end)) for start, end in found]

    def _cut(self, text: str) -> tuple[list[tuple[int, int]], list[str]]:
        assert self.segmenter is not None
        spans = self.segmenter.spans(text)
        if self.segmenter.surface:
            return spans, [text[start:end] for start, end in spans]
        return spans, self.segmenter.words(text)

    def _places(self, text: str) -> tuple[str, list[tuple[int, int]]]:
        """What the tokenizer sees of normalised ``text``, and the span in ``text`` of each of its code
        points.
        """
        if self.segmenter is None:
            return text, [(i, i + 1) for i in range(len(text))]
        spans, words = self._cut(text)
        visible = not self.segmenter.separator
        joined = ""
        places: list[tuple[int, int]] = []
        for word, start, end in _pieces(text, spans=spans, words=words, visible=visible):
            if joined:
                joined += " "
                places.append((places[-1][1], start))
            joined += word
            same = len(word) == end - start
            places += [(start + i, start + i + 1) if same else (start, end) for i in range(len(word))]
        return joined, places

    def fingerprint(self) -> dict[str, JSON]:
        """What decides the ids: each step's own fingerprint."""
        from unicodedata import unidata_version

        return {
            "unicode": unidata_version,
            "normalize": [_name(step) for step in self.normalizers],
            "segment": self.segmenter.fingerprint() if self.segmenter is not None else None,
            "tokenizer": self.tokenizer.fingerprint(),
        }

    def round_trip(self, texts: Iterable[str], *, examples: int = 5) -> RoundTrip:
        """Encode and decode every text and count what comes back."""
        return _round_trip(self, texts, examples)


def _pieces(
    text: str, *, spans: list[tuple[int, int]], words: list[str], visible: bool
) -> Iterator[tuple[str, int, int]]:
    """Words and, where white space is to be seen, the gaps between them."""
    position = 0
    for (start, end), word in zip(spans, words, strict=True):
        if visible and start > position and text[position:start].isspace():
            yield VISIBLE_SPACE * (start - position), position, start
        yield word, start, end
        position = end
    if visible and position < len(text) and text[position:].isspace():
        yield VISIBLE_SPACE * (len(text) - position), position, len(text)


def _cover(places: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """The span that the places from ``start`` to ``end`` cover; empty where there are none."""
    if start >= end:
        at = places[start][0] if start < len(places) else (places[-1][1] if places else 0)
        return at, at
    return places[start][0], places[end - 1][1]


def _name(step: Normalizer) -> dict[str, JSON]:
    config = getattr(step, "config", None)
    settings: Mapping[str, JSON] = config.model_dump(mode="json") if config is not None else {}
    kind = config.component[1] if config is not None else type(step).__name__
    return {"type": kind, **settings}


def _round_trip(processor: TextProcessor, texts: Iterable[str], examples: int) -> RoundTrip:
    lines = exact = normalized = tokens = unknown = fallback = 0
    failed: list[tuple[str, str]] = []
    source = iter(texts)
    while chunk := list(islice(source, 512)):
        for text, ids in zip(chunk, processor.encode_batch(chunk), strict=True):
            back = processor.decode(ids)
            lines += 1
            exact += back == text
            normalized += back == processor.normalize(text)
            tokens += len(ids)
            unknown += ids.count(1)
            fallback += sum(_is_byte(piece) for piece in processor.tokenizer.pieces(ids))
            if back != text and len(failed) < examples:
                failed.append((text, back))
    return RoundTrip(lines, exact, normalized, tokens, unknown, fallback, tuple(failed))


def _is_byte(piece: str) -> bool:
    return len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">")
