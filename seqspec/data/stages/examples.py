"""A split of prepared data: memory-mapped, with a length index, read example by example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqspec.data.corpus.record import AudioRef
from seqspec.data.stages.features import audio_of, frames_of
from seqspec.data.stages.lengths import sides
from seqspec.data.stages.normalize import Statistics, normalize_frames, normalize_image
from seqspec.data.stages.parts import Feature
from seqspec.data.store.store import Store
from seqspec.schema.types import (
    Classes,
    Image,
    Mask,
    PlacesIn,
    Scalar,
    Text,
    Type,
    Vector,
    Waveform,
    in_order,
)

Value = np.ndarray | int | float


class Example(NamedTuple):
    """One example as a model gets it, and the text that a person reads."""

    index: int  # type: ignore[assignment]  # a tuple has a method of the name
    id: str
    values: Mapping[str, Value]
    """By field: ids without begin and end, frames ``[T, D]``, an image ``[C, H, W]``, a label's number, …"""
    texts: Mapping[str, str]
    """Raw text by field, where the field is text or a label."""
    audio: Mapping[str, AudioRef]
    """Recordings by field."""

    @property
    def source(self) -> Value | None:
        """What the model reads; none where the corpus has no source."""
        return self.values.get("source")

    @property
    def target(self) -> Value:
        """What the model learns to give."""
        return self.values["target"]


@dataclass(frozen=True)
class Split:
    """The examples of one split that are left after every filter, in the corpus's order."""

    name: str
    index: Store
    """``rows`` of the records, and the ``lengths`` of their fields."""
    records: Store
    roles: Mapping[str, Type]
    ids: Mapping[str, Store]
    """Encoded texts by field."""
    frames: Mapping[str, Store] = field(default_factory=dict)
    """Cached frames by audio field; of one without, they are computed from the audio."""
    root: Path = Path()
    features: Mapping[str, Feature] = field(default_factory=dict)
    readers: Mapping[str, Any] = field(default_factory=dict)
    normalize: Mapping[str, str] = field(default_factory=dict)
    """How frames and images are normalised, by field."""
    statistics: Mapping[str, Statistics] = field(default_factory=dict)
    """Mean and deviation over the training split of the fields that are normalised by them."""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the classes by field, in the order of their numbers."""
    rates: Mapping[str, float] = field(default_factory=dict)
    """Frames a second of the fields that have them."""

    def __len__(self) -> int:
        return self.index.rows

    @cached_property
    def rows(self) -> np.ndarray:
        """The row of the records that each example stands in."""
        return self.index.values("rows")

    @cached_property
    def lengths(self) -> np.ndarray:
        """``[N, K]`` int32: ids, frames or values of each of the ``measured`` fields; 1 for what has no
        length, such as an image or a label.
        """
        return self.index.values("lengths")

    @property
    def measured(self) -> tuple[str, ...]:
        """The fields whose lengths stand in the columns of ``lengths``."""
        return in_order(self.roles)

    def lengths_of(self, role: str) -> np.ndarray:
        """``[N]``: the lengths of one field."""
        found: np.ndarray = self.lengths[:, self.measured.index(role)]
        return found

    def sides(self, measured: str | None) -> np.ndarray:
        """``[N, 2]``: the two lengths by which examples are sorted into batches."""
        return sides(self.lengths, self.measured, measured)

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
        values = {role: self.value(role, index) for role in in_order(self.roles)}
        audio = {
            role: audio_of(self.records, role, row, root=self.root)
            for role, kind in self.roles.items()
            if isinstance(kind, Waveform)
        }
        return Example(index, self.records.text("id", row), values, texts, audio)

    def value(self, role: str, index: int) -> Value:
        """What the model gets for a role."""
        row = int(self.rows[index])
        match self.roles[role]:
            case Text() | PlacesIn():
                return self.ids[role].row("ids", row)
            case Classes():
                return self.numbers[role][self.records.text(role, row)]
            case Waveform():
                known = self.statistics.get(role)
                return normalize_frames(self.raw_frames(role, row), self.normalize[role], known)  # type: ignore[arg-type]
            case Image():
                how, known = self.normalize[role], self.statistics.get(role)
                return normalize_image(self._pixels(role, row), how, known)  # type: ignore[arg-type]
            case Mask():
                return np.asarray(self._pixels(role, row)[0])
            case Scalar():
                return float(self.records.values(role)[row])
            case Vector():
                return np.asarray(self.records.row(role, row)[0])
        return self.records.row(role, row)

    def values(self, role: str, examples: np.ndarray) -> Sequence[Value] | np.ndarray:
        """``value`` of many examples; images and masks in one array ``[B, …]``."""
        rows = self.rows[examples]
        match self.roles[role]:
            case Classes():
                numbers = self.numbers_of_bytes[role]
                return [numbers[name.tobytes()] for name in self.records.rows_of(role, rows)]
            case Image() if (how := self.normalize[role]) != "image":
                return normalize_image(self._stacked(role, rows), how, self.statistics.get(role))  # type: ignore[arg-type]
            case Mask():
                return self._stacked(role, rows)[:, 0]
        return [self.value(role, index) for index in examples.tolist()]

    def _stacked(self, role: str, rows: np.ndarray) -> np.ndarray:
        """``[B, C, H, W]`` pixels."""
        shapes = self.records.values(f"{role}_shape")[rows]
        if (shapes == shapes[0]).all():
            size = int(shapes[0].prod())
            return self.records.stacked(role, rows, size=size).reshape(-1, *shapes[0].tolist())
        images = zip(self.records.rows_of(role, rows), shapes.tolist(), strict=True)
        return np.stack([pixels.reshape(shape) for pixels, shape in images])

    def _pixels(self, role: str, row: int) -> np.ndarray:
        return self.records.row(role, row).reshape(self.records.values(f"{role}_shape")[row])

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

    @cached_property
    def numbers_of_bytes(self) -> dict[str, dict[bytes, int]]:
        """The same by the label's bytes, as the records hold them."""
        return {
            role: {name.encode("utf-8", "surrogatepass"): number for name, number in numbers.items()}
            for role, numbers in self.numbers.items()
        }

    def samples(self, role: str, index: int) -> np.ndarray:
        """``[L]``: the recording of an example."""
        reference = audio_of(self.records, role, int(self.rows[index]), root=self.root)
        found: np.ndarray = self.readers[role](reference)
        return found

    def framed(self, role: str, samples_L: np.ndarray) -> np.ndarray:
        """What the model gets of samples of an audio field: their frames, normalised."""
        frames = np.asarray(self.features[role](samples_L), np.float32)
        return normalize_frames(frames, self.normalize[role], self.statistics.get(role))  # type: ignore[arg-type]

    def raw_frames(self, role: str, row: int) -> np.ndarray:
        """Frames of a row of the records, before they are normalised."""
        if role in self.frames:
            return self.frames[role].row("frames", row)
        reference = audio_of(self.records, role, row, root=self.root)
        return frames_of(reference, feature=self.features[role], reader=self.readers[role])

    def __getstate__(self) -> dict[str, Any]:
        """Without the maps: each process opens its own."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
