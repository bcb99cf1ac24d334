"""What the data engine works with: the built components of the ``data`` part, their fingerprints and the
seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from seqspec.data.store.code_version import code_of
from seqspec.schema.diagnostic import blamed

if TYPE_CHECKING:
    from seqspec.data.corpus.audio import AudioReader
    from seqspec.data.corpus.record import BadRow, Record
    from seqspec.schema.data import Data
    from seqspec.schema.types import Type

Role = Literal["source", "target"]


class Adapter(Protocol):
    """What a built adapter can do."""

    def splits(self) -> tuple[str, ...]:
        """The splits that the corpus has."""
        ...

    def files(self, split: str) -> Iterable[Path]:
        """Every file that is read for a split."""
        ...

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        """The records of a split, in the corpus's order."""
        ...

    def audio(self) -> AudioReader | None:
        """How ``AudioRef`` values are read; ``None`` for a corpus without audio."""
        ...

    @property
    def root(self) -> Path:
        """The corpus folder."""
        ...


class TextSteps(Protocol):
    """Normalise, segment, tokenise, and back; ``data/text/text_pipeline.py`` is the one implementation.
    Picklable.
    """

    @property
    def trainable(self) -> bool:
        """Whether ``train`` must run before the first text is encoded."""
        ...

    @property
    def vocab_size(self) -> int:
        """Ids, the four special ones included."""
        ...

    def train(self, texts: Iterable[str]) -> bytes:
        """Learn a vocabulary; gives what ``load`` takes."""
        ...

    def load(self, artifact: bytes) -> None:
        """Take up what ``train`` gave."""
        ...

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text again."""
        ...

    def fingerprint(self) -> dict[str, Any]:
        """Everything that decides the ids, as JSON."""
        ...


class Feature(Protocol):
    """Frames from samples."""

    def __call__(self, samples: Any) -> Any:
        """``[frames, dim]`` float32 tensor of ``[T]`` float32 samples."""
        ...

    def num_frames(self, num_samples: int) -> int:
        """Frames of so many samples."""
        ...


@dataclass(frozen=True)
class DataParts:
    """The built ``data`` part of one plan; ``compile/build/program.py`` makes it."""

    config: Data
    adapter: Adapter
    roles: Mapping[str, Type]
    """What the adapter's records hold: the raw type of ``source`` and ``target``."""
    text: Mapping[str, TextSteps] = field(default_factory=dict)
    """Steps by role; both roles hold the same object where the spec says ``shared``."""
    feature: Feature | None = None
    """What is computed from a waveform."""
    augments: Sequence[Any] = ()
    """Augmentation of training examples: of frames, or of pictures."""
    fingerprints: Mapping[str, object] = field(default_factory=dict)
    """``source`` and ``features``: the configs of these components as plain data, fields that affect no
    result left out.
    """
    seed: int = 1
    target_unit: Literal["tokens", "tokens_and_end", "examples"] = "tokens_and_end"
    """What a loss sums over: the target's tokens, these and an end symbol, or examples."""

    def pipeline(self, role: str) -> str:
        """The name under ``data.text`` of the steps for a role."""
        return role if getattr(self.config.text, role) is not None else "shared"

    def source_fingerprint(self) -> object:
        """What decides the records besides the bytes of the files."""
        given = self.fingerprints.get("source")
        if given is None:
            source = self.config.source
            given = {"type": source.component[1], **source.model_dump(mode="json", exclude={"root"})}
        return {
            "adapter": given,
            "version": getattr(self.adapter, "version", 1),
            "code": code_of(self.adapter),
        }

    def feature_fingerprint(self) -> object:
        """What decides the frames of a waveform."""
        given = self.fingerprints.get("features")
        if given is None and self.config.audio is not None:
            features = self.config.audio.features
            given = {"type": features.component[1], **features.model_dump(mode="json")}
        return {"features": given, "code": code_of(self.feature)}

    def text_fingerprint(self, role: str) -> object:
        """What decides the ids of a role, before anything is learned."""
        steps = self.text[role]
        held = [
            *getattr(steps, "normalizers", ()),
            getattr(steps, "segmenter", None),
            getattr(steps, "tokenizer", None),
        ]
        with blamed("data", "text", self.pipeline(role)):
            return {"steps": steps.fingerprint(), "code": code_of(*held)}
