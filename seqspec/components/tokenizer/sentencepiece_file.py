"""A SentencePiece model that was trained elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from seqspec.components.tokenizer._by_model import ByModel
from seqspec.components.tokenizer._sentencepiece_model import SentencepieceModel
from seqspec.components.tokenizer._vocabulary import sha256
from seqspec.data.regular_file import read_regular
from seqspec.schema.diagnostic import DataError
from seqspec.schema.environment import expand
from seqspec.schema.tokenizer.sentencepiece_file import SentencepieceFileConfig
from seqspec.schema.types import Type


class SentencepieceFile(ByModel[SentencepieceModel]):
    """``train`` reads the file, so that what was read travels with the run."""

    def __init__(self, config: SentencepieceFileConfig, source: Type) -> None:
        super().__init__()
        self.config = config
        self._file = config.model

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

    def fingerprint(self) -> dict[str, Any]:
        """The file's bytes and the library's version; not where the file lies."""
        from importlib.metadata import version

        artifact = self._model.artifact if self._model is not None else self.train(())
        return {"type": "sentencepiece_file", "sha256": sha256(artifact), "library": version("sentencepiece")}
