"""WordPiece over a vocabulary file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import regex

from seqspec.components.tokenizer import _vocabulary
from seqspec.components.tokenizer._table import Cut, Table
from seqspec.data.regular_file import read_regular
from seqspec.schema.diagnostic import DataError
from seqspec.schema.environment import expand
from seqspec.schema.tokenizer.wordpiece import WordpieceConfig
from seqspec.schema.types import BOS, EOS, PAD, UNK, Type

_SPECIAL = frozenset({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "<pad>", "<unk>", "<s>", "</s>"})
_MOST_KNOWN = 200_000
"""Words whose ids are kept."""
_WORD = regex.compile(r"[^ \t\n\r]+")
_WORD_OR_MARK = regex.compile(r"[\p{P}\p{S}]|[^\p{P}\p{S} \t\n\r]+")


class Wordpiece:
    """``train`` reads the file, so that what was read travels with the run."""

    trainable = True

    def __init__(self, config: WordpieceConfig, source: Type) -> None:
        self.config = config
        self._file, self._continuing, self._longest = config.vocab, config.continuing, config.max_word_length
        self._word = _WORD_OR_MARK if config.split_punctuation else _WORD
        self._artifact: bytes | None = None
        self._table = Table(())
        self._known = _Known(self._spell)

    def train(self, texts: Iterable[str]) -> bytes:
        """Read the vocabulary file; the texts are not looked at.  Raises ``DataError`` where it is missing or
        not one.
        """
        artifact = _vocabulary.dump(_read(Path(expand(self._file)).expanduser()))
        self.load(artifact)
        return artifact

    def load(self, artifact: bytes) -> None:
        """Take the vocabulary that ``train`` gave."""
        self._table = Table(_vocabulary.parse(artifact))
        self._artifact = artifact
        self._known = _Known(self._spell)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_known"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._known = _Known(self._spell)

    @property
    def vocab_size(self) -> int:
        """Ids in all."""
        return self._table.size

    def encode(self, text: str) -> list[int]:
        """Ids of the longest pieces, word by word; a word that cannot be spelt is one UNK."""
        return list(chain.from_iterable(map(self._known.__getitem__, text.split(" "))))

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids: words with spaces between them."""
        text = ""
        for id in ids:
            if id in (PAD, BOS, EOS):
                continue
            piece = self._table.piece(id)
            if self._continuing and piece.startswith(self._continuing) and id != UNK:
                text += piece[len(self._continuing) :]
            else:
                text += (" " if text else "") + piece
        return text

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The pieces of ids."""
        return [self._table.piece(id) for id in ids]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``."""
        return [(cut.start, cut.end) for cut in self._cuts(text)]

    def fingerprint(self) -> dict[str, Any]:
        """Settings and the vocabulary's hash; not where its file lies."""
        artifact = self._artifact if self._artifact is not None else self.train(())
        return {
            key: value
            for key, value in _vocabulary.fingerprint(self.config, artifact).items()
            if key != "vocab"
        }

    def _spell(self, text: str) -> tuple[int, ...]:
        return tuple(self._table.encode([cut.symbol for cut in self._cuts(text)]))

    def _cuts(self, text: str) -> Iterator[Cut]:
        for match in self._word.finditer(text):
            yield from self._word_cuts(match.group(), match.start())

    def _word_cuts(self, word: str, at: int) -> list[Cut]:
        found: list[Cut] = []
        start = 0
        while start < len(word) <= self._longest:
            prefix = self._continuing if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if prefix + word[start:end] in self._table.ids), None)
            if end is None:
                return [Cut("", at, at + len(word))]
            found.append(Cut(prefix + word[start:end], at + start, at + end))
            start = end
        return found or [Cut("", at, at + len(word))]


class _Known(dict[str, tuple[int, ...]]):
    """The ids of what stands between two spaces, kept for the next time: words repeat."""

    def __init__(self, spell: Callable[[str], tuple[int, ...]]) -> None:
        self._spell = spell

    def __missing__(self, text: str) -> tuple[int, ...]:
        ids = self._spell(text)
        if len(self) < _MOST_KNOWN:
            self[text] = ids
        return ids


def _read(path: Path) -> list[str]:
    try:
        lines = read_regular(path).decode("utf-8-sig").split("\n")
    except FileNotFoundError:
        raise DataError(
            f"the vocabulary file `{path}` does not exist", help="set `vocab` to its path", code="SQ431"
        ) from None
    except OSError as error:
        message = f"the vocabulary file `{path}` cannot be read: {error.strerror}"
        raise DataError(message, help="set `vocab` to its path", code="SQ431") from None
    except UnicodeDecodeError as error:
        raise DataError(
            "the vocabulary is not UTF-8", file=str(path), byte=error.start, code="SQ431"
        ) from None
    pieces = [line.rstrip("\r") for line in lines]
    while pieces and not pieces[-1]:
        pieces.pop()
    seen: dict[str, int] = {}
    for row, piece in enumerate(pieces, start=1):
        if piece in seen:
            raise DataError(
                f"`{piece}` stands twice, first in row {seen[piece]}", file=str(path), row=row, code="SQ431"
            )
        seen[piece] = row
    return [piece for piece in pieces if piece not in _SPECIAL]
