"""Characters or words by a vocabulary that another run has learned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from seqspec.components.tokenizer._vocabulary import parse, sha256
from seqspec.components.tokenizer.characters import Characters
from seqspec.components.tokenizer.words import Words
from seqspec.data.regular_file import read_regular
from seqspec.schema.diagnostic import DataError
from seqspec.schema.environment import expand
from seqspec.schema.tokenizer.characters import CharactersConfig
from seqspec.schema.tokenizer.symbols_file import SymbolsFileConfig
from seqspec.schema.tokenizer.words import WordsConfig
from seqspec.schema.types import Type


class SymbolsFile:
    """``train`` reads the file, so that what was read travels with the run."""

    trainable = True

    def __init__(self, config: SymbolsFileConfig, source: Type) -> None:
        self._file, self._unit = config.vocabulary, config.unit
        self._artifact: bytes | None = None
        self._symbols: Characters | Words
        if config.unit == "characters":
            self._symbols = Characters(CharactersConfig(), source)
        else:
            self._symbols = Words(WordsConfig(), source)

    def train(self, texts: Iterable[str]) -> bytes:
        """Read the file; the texts are not looked at.  Raises ``DataError`` if it is missing or no list of
        symbols.
        """
        artifact = _read(Path(expand(self._file)).expanduser())
        self.load(artifact)
        return artifact

    def load(self, artifact: bytes) -> None:
        """Take the vocabulary that ``train`` gave."""
        self._symbols.load(artifact)
        self._artifact = artifact

    @property
    def vocab_size(self) -> int:
        """Ids in all."""
        return self._symbols.vocab_size

    def encode(self, text: str) -> list[int]:
        """One id a symbol."""
        return self._symbols.encode(text)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return self._symbols.encode_batch(texts)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids."""
        return self._symbols.decode(ids)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The symbols of ids."""
        return self._symbols.pieces(ids)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``."""
        return self._symbols.offsets(text)

    def fingerprint(self) -> dict[str, Any]:
        """The unit and the file's bytes; not where the file lies."""
        artifact = self._artifact if self._artifact is not None else self.train(())
        return {"type": "symbols_file", "unit": self._unit, "sha256": sha256(artifact)}


def _read(path: Path) -> bytes:
    help = "set `vocabulary` to a file under `vocabularies/` of a run with `characters` or `words`"
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"`{path}` is no file", help=help, code="SQ431")
        artifact = read_regular(path)
    except (OSError, ValueError) as error:  # no path holds a NUL
        why = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"the vocabulary `{path}` cannot be read: {why}", help=help, code="SQ431") from None
    try:
        symbols = parse(artifact)
    except DataError:
        raise DataError(f"`{path}` holds no list of symbols in JSON", help=help, code="SQ431") from None
    if len(set(symbols)) < len(symbols):
        raise DataError(f"`{path}` names a symbol twice", help=help, code="SQ431")
    return artifact
