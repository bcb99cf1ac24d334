"""A SentencePiece model that was trained elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from seqspec.components.tokenizer._sentencepiece_model import SentencepieceModel
from seqspec.components.tokenizer._vocabulary import sha256
from seqspec.data.regular_file import read_regular
from seqspec.schema.diagnostic import DataError
from seqspec.schema.environment import expand
from seqspec.schema.tokenizer.sentencepiece_file import SentencepieceFileConfig
from seqspec.schema.types import Type


class SentencepieceFile:
    """``train`` reads the file, so that what was read travels with the run."""

    trainable = True

    def __init__(self, config: SentencepieceFileConfig, source: Type) -> None:
        self.config = config
        self._file = config.model
        self._model: SentencepieceModel | None = None

    def train(self, texts: Iterable[str]) -> bytes:
        """Read the file; the texts are not looked at.  Raises ``DataError`` if it is missing or no model."""
        path = Path(expand(self._file)).expanduser()
        try:
            artifact = read_regular(path)
        except OSError:
            message = f"the SentencePiece model `{path}` cannot be read"
            raise DataError(message, help="set `model` to the `.model` file", code="SQ431") from None
        self.load(artifact)
        return artifact

    def load(self, artifact: bytes) -> None:
        """Take the model that ``train`` gave."""
        self._model = SentencepieceModel(artifact)
        self._model.processor  # noqa: B018  raises where the bytes are no model

    @property
    def vocab_size(self) -> int:
        """Ids in all."""
        return self._loaded().size

    def encode(self, text: str) -> list[int]:
        """Ids of the best cut."""
        return self._loaded().encode(text)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts."""
        return self._loaded().encode_batch(texts)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids."""
        return self._loaded().decode(ids)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The pieces of ids."""
        return self._loaded().pieces(ids)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """The span of each id of ``encode(text)``."""
        return self._loaded().offsets(text)

    def fingerprint(self) -> dict[str, Any]:
        """The file's bytes and the library's version; not where the file lies."""
        from importlib.metadata import version

        artifact = self._model.artifact if self._model is not None else self.train(())
        return {"type": "sentencepiece_file", "sha256": sha256(artifact), "library": version("sentencepiece")}

    def _loaded(self) -> SentencepieceModel:
        if self._model is None:
            raise RuntimeError("the SentencePiece model is not loaded")
        return self._model
