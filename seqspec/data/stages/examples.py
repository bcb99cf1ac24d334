"""A split of prepared data: memory-mapped, with a length index, read example by example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqspec.data.corpus.record import AudioRef
from seqspec.data.stages.features import audio_of, frames_of
from seqspec.data.stages.normalize import Statistics, normalize_frames, normalize_picture
from seqspec.data.stages.parts import Feature
from seqspec.data.store.store import Store
from seqspec.schema.types import Classes, Image, Text, Type, Waveform

Value = np.ndarray | int


class Example(NamedTuple):
    """One example as a model gets it, and the text that a person reads."""

    index: int  # type: ignore[assignment]
    id: str
    source: Value | None
    """Ids, frames ``[T, D]``, a picture ``[C, H, W]``; none where the corpus has no source."""
    target: Value
    """Ids without begin and end, or the number of a label."""
    texts: Mapping[str, str]
    """Raw text by role, where the role is text or a label."""
    audio: AudioRef | None = None


@dataclass(frozen=True)
class Split:
    """The examples of one split that are left after every filter, in the corpus's order."""

    name: str
    index: Store
    """``rows`` of the records, and their ``lengths``: source and target, in ids or frames."""
    records: Store
    roles: Mapping[str, Type]
    ids: Mapping[str, Store]
    """Encoded texts by role."""
    frames: Store | None = None
    """Cached frames; without them they are computed from the audio."""
    root: Path = Path()
    feature: Feature | None = None
    reader: Any = None
    normalize: Mapping[str, str] = field(default_factory=dict)
    """How frames (``audio``) and pictures (``image``) are normalised."""
    statistics: Mapping[str, Statistics] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the classes by role, in the order of their numbers."""
    frames_per_second: float | None = None

    def __len__(self) -> int:
        return self.index.rows

    @cached_property
    def rows(self) -> np.ndarray:
        """The row of the records that each example stands in."""
        return self.index.values("rows")

    @cached_property
    def lengths(self) -> np.ndarray:
        """``[N, 2]`` int32: ids or frames of source and of target; 0 where there is none, 1 for a
        picture or a label.
        """
        return self.index.values("lengths")

    @property
    def dropped(self) -> dict[str, int]:
        """How many rows were left out, by reason."""
        found: dict[str, int] = self.index.state["dropped"]
        return found

    def example(self, index: int) -> Example:
        """One example, whole."""
        row = int(self.rows[index])
        texts = {
            role: self.records.text(role, row)
            for role, kind in self.roles.items()
            if isinstance(kind, Text | Classes)
        }
        audio = [role for role, kind in self.roles.items() if isinstance(kind, Waveform)]
        reference = audio_of(self.records, audio[0], row, root=self.root) if audio else None
        source = self.value("source", index) if "source" in self.roles else None
        target = self.value("target", index)
        return Example(index, self.records.text("id", row), source, target, texts, reference)

    def value(self, role: str, index: int) -> Value:
        """What the model gets for a role."""
        row = int(self.rows[index])
        match self.roles[role]:
            case Text():
                return self.ids[role].row("ids", row)
            case Classes():
                return self.numbers[role][self.records.text(role, row)]
            case Waveform():
                known = self.statistics.get("audio")
                return normalize_frames(self.raw_frames(role, row), self.normalize["audio"], known)  # type: ignore[arg-type]
            case Image():
                shape = self.records.values(f"{role}_shape")[row]
                picture = self.records.row(role, row).reshape(shape)
                return normalize_picture(picture, self.normalize["image"], self.statistics.get("image"))  # type: ignore[arg-type]
        return self.records.row(role, row)

    def padded_ids(self, role: str, examples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids of many examples at once: ``[B, T]`` int64 with zeros after each, and ``[B]`` lengths."""
        values, offsets = self.ids[role].values("ids"), self.ids[role].offsets("ids")
        rows = np.asarray(self.rows[examples], np.int64)
        starts = np.asarray(offsets[rows])
        lengths = np.asarray(offsets[rows + 1]) - starts
        places = np.arange(int(lengths.max(initial=0)))
        held = places < lengths[:, None]
        ids = np.zeros(held.shape, np.int64)
        ids[held] = values[(starts[:, None] + places)[held]]
        return ids, lengths

    def text(self, role: str, index: int) -> str:
        """The raw text or label of a role."""
        return self.records.text(role, int(self.rows[index]))

    def id(self, index: int) -> str:
        """The adapter's id of an example."""
        return self.records.text("id", int(self.rows[index]))

    @cached_property
    def numbers(self) -> dict[str, dict[str, int]]:
        """The number of each label by role."""
        return {
            role: {name: number for number, name in enumerate(names)} for role, names in self.labels.items()
        }

    def raw_frames(self, role: str, row: int) -> np.ndarray:
        """Frames of a row of the records, before they are normalised."""
        if self.frames is not None:
            return self.frames.row("frames", row)
        assert self.feature is not None
        reference = audio_of(self.records, role, row, root=self.root)
        return frames_of(reference, feature=self.feature, reader=self.reader)

    def __getstate__(self) -> dict[str, Any]:
        """Without the maps: each process opens its own."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
