"""The tokenizer of a folder in Hugging Face's layout, by the package ``tokenizers``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from seqspec.components.tokenizer._by_model import ByModel
from seqspec.components.tokenizer._hf_artifact import HFArtifact
from seqspec.components.tokenizer._hf_folder import read_artifact
from seqspec.components.tokenizer._hf_model import HFModel
from seqspec.components.tokenizer._vocabulary import sha256
from seqspec.data.pretrained.hf_folder import path_of
from seqspec.schema.tokenizer.hf import HfConfig
from seqspec.schema.types import Type


class Hf(ByModel[HFModel]):
    """``train`` reads the folder, so that what was read travels with the run."""

    def __init__(self, config: HfConfig, source: Type) -> None:
        super().__init__()
        self._folder = config.folder
        self._template = config.template

    def train(self, texts: Iterable[str]) -> bytes:
        """Read the folder; the texts are not looked at.  Raises ``DataError`` where it has no tokenizer."""
        artifact = read_artifact(path_of(self._folder)).dump()
        self.load(artifact)
        return artifact

    def load(self, artifact: bytes) -> None:
        """Take what ``train`` gave."""
        self._model = HFModel(HFArtifact.parse(artifact), template=self._template)
        self._model.tokenizer  # noqa: B018  raises where the text is no tokenizer

    def original_ids(self) -> tuple[int, ...]:
        """The folder's id of each of ours; -1 where it has none."""
        return self._loaded().order

    def exported(self, special: Sequence[int]) -> dict[str, bytes]:
        """The files of a folder whose model has these ids of padding, unknown, begin and end."""
        return self._loaded().exported(special)

    def fingerprint(self) -> dict[str, Any]:
        """The tokenizer's bytes, its special ids and the library's version; not where the folder lies."""
        from importlib.metadata import version

        held = self._model.held if self._model is not None else read_artifact(path_of(self._folder))
        digest = sha256(json.dumps(held, sort_keys=True).encode())
        return {
            "type": "hf", "sha256": digest, "template": self._template, "library": version("tokenizers"),
        }  # fmt: skip
