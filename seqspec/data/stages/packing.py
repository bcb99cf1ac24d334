"""Packing for language models: the tokens of many texts as rows of one length.

The texts of a split run on as one stream of labels.  Texts that stand apart are each followed by an end
symbol; those whose records the adapter calls ``joined`` are one text.  The input at each place is the label
before it: at the start of the stream, and of each document where documents are masked from one another, the
begin symbol.  The stream is never written down: row *r* is read from the memory-mapped ids in O(log n).
Of texts with answers only these are targets; the inputs hold everything.

With ``remainder: drop`` training reads whole rows only, as ``group_texts`` of transformers' ``run_clm`` makes
them; there the first token of each row is no target, while here it is learned from the one before.
"""

# U tokens of a row

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seqspec.data.seeds import seed_of
from seqspec.data.stages.examples import Example, Split
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import BOS, EOS, PAD, AnswerSpans, Type

if TYPE_CHECKING:
    from seqspec.schema.sections.data import Pack


_BLOCK = 4096
"""Texts whose targets are counted at once."""


class Row(NamedTuple):
    """One packed row; all ``[U]`` int64."""

    inputs: np.ndarray
    labels: np.ndarray
    """``PAD`` where the place is no target."""
    segments: np.ndarray | None
    """The document of each place, from 1, where documents are masked from one another."""


@dataclass(frozen=True)
class PackedSplit:
    """A split whose examples are packed rows."""

    texts: Split
    config: Pack
    num_lanes: int | None = None
    """Stretches that the rows are cut into, where those of a batch follow those of the batch before; in
    training all are of one length.
    """

    @property
    def lanes(self) -> int | None:
        """The same, no more than there are rows."""
        return None if self.num_lanes is None else min(self.num_lanes, len(self))

    @property
    def name(self) -> str:
        """Name of the split."""
        return self.texts.name

    @property
    def roles(self) -> Mapping[str, Type]:
        """What the records hold."""
        return self.texts.roles

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """No classes."""
        return self.texts.labels

    @property
    def rates(self) -> Mapping[str, float]:
        """No audio."""
        return {}

    @property
    def measured(self) -> tuple[str, ...]:
        """Inputs stand as the source and labels as the target."""
        return ("source", "target")

    def lengths_of(self, role: str) -> np.ndarray:
        """``[R]``: places of each row, or how many of them are targets."""
        found: np.ndarray = self.lengths[:, self.measured.index(role)]
        return found

    def sides(self, measured: str | None) -> np.ndarray:
        """The lengths by which rows are sorted: all but the last are equal."""
        return self.lengths

    @property
    def dropped(self) -> dict[str, int]:
        """How many texts were left out, by reason."""
        return self.texts.dropped

    def __len__(self) -> int:
        beyond = self.num_tokens - self.config.length
        if self.num_lanes and self._whole:
            return self.num_tokens // self.config.length // self.num_lanes * self.num_lanes
        if self._whole:
            return beyond // self._stride + 1
        return max(1, -(-beyond // self._stride) + 1)

    def __post_init__(self) -> None:
        if self.num_lanes and self._whole and not len(self):
            raise DataError(
                f"{self.name} holds {self.num_tokens:,} tokens, fewer than a row of "
                f"{self.config.length:,} for each of {self.num_lanes:,} lanes",
                help="make `data.batch.size` smaller, or `data.pack.length`",
            )
        if self._whole and self.num_tokens < self.config.length:
            raise DataError(
                f"{self.name} holds {self.num_tokens:,} tokens, and `data.pack` makes rows of "
                f"{self.config.length:,} and drops what fills none",
                help="shorten `data.pack.length`, or set `remainder: row`",
            )

    @property
    def num_left_out(self) -> int:
        """Tokens after the last whole row, which no epoch reads; none where rows start anywhere."""
        if not self._whole or self.config.sample == "offsets":
            return 0
        return self.num_tokens - self._end(len(self) - 1)

    @cached_property
    def lengths(self) -> np.ndarray:
        """``[R, 2]`` int32: places of each row, and how many of them are targets."""
        rows = np.full((len(self), 2), self.config.length, np.int32)
        start = (len(self) - 1) * self._stride
        rows[-1] = self._end(len(self) - 1) - start
        if self._counts_once:
            rows[1:, 1] -= self.config.length - self._stride
        if self._answers is not None:
            ends = np.arange(len(self)) * self._stride + rows[:, 0]
            rows[:, 1] = self._learned_before(ends) - self._learned_before(ends - rows[:, 1])
        return rows

    def row(self, index: int, *, seed: int = 0, epoch: int = 0) -> Row:
        """Row ``index``; with ``sample: offsets`` another one each epoch while training."""
        start = index * self._stride
        length = min(self.config.length, self.num_tokens - start)
        if self._moves:
            room = self.num_tokens - self.config.length + 1
            start = seed_of(seed, "offsets", epoch, index) % room if room > 0 else 0
        row = self._read(start, length)
        if self._counts_once and index:
            row.labels[: self.config.length - self._stride] = PAD
        return row

    def example(self, index: int) -> Example:
        """A row with its text."""
        row = self.row(index)
        values = {"source": row.inputs, "target": row.labels}
        return Example(index, f"row {index}", values, {"target": self.text("target", index)}, {})

    def text(self, role: str, index: int) -> str:
        """The texts that begin in a row and not in the next, joined: over all rows, every character once,
        but those of texts that begin in what is left out.
        """
        ends = self._end(index) if index == len(self) - 1 else (index + 1) * self._stride
        first, last = np.searchsorted(self._starts[:-1], [index * self._stride, ends])
        return "".join(self.texts.text(role, document) for document in range(int(first), int(last)))

    def id(self, index: int) -> str:
        """The row's number."""
        return f"row {index}"

    @cached_property
    def num_tokens(self) -> int:
        """Labels in the stream."""
        return int(self._starts[-1])

    @cached_property
    def _stride(self) -> int:
        return self.config.stride or self.config.length

    def _end(self, index: int) -> int:
        """The place in the stream after a row's last."""
        return min(index * self._stride + self.config.length, self.num_tokens)

    @cached_property
    def _whole(self) -> bool:
        """Whether every row is as long as the others."""
        dropped = self.config.remainder == "drop" or self.num_lanes is not None
        return dropped and self.name == "train"

    @cached_property
    def _counts_once(self) -> bool:
        """Rows that overlap: outside training each token is a target in one of them only."""
        return self._stride < self.config.length and self.name != "train"

    @cached_property
    def _moves(self) -> bool:
        """Rows start somewhere else in each epoch."""
        return self.config.sample == "offsets" and self.name == "train"

    @property
    def _ends(self) -> int:
        """Labels that follow each text: its end, or none where records run on."""
        return 0 if self.texts.records.state.get("joined") else 1

    @cached_property
    def _starts(self) -> np.ndarray:
        """``[M + 1]``: where each text starts in the stream of labels, and where the last ends."""
        starts = np.zeros(len(self.texts) + 1, np.int64)
        np.cumsum(self.texts.lengths_of("target").astype(np.int64) + self._ends, out=starts[1:])
        return starts

    @cached_property
    def _answers(self) -> str | None:
        """The field that says which tokens are targets; none where all are."""
        kinds = self.texts.roles.items()
        return next((name for name, kind in kinds if isinstance(kind, AnswerSpans)), None)

    def _learned_before(self, places: np.ndarray) -> np.ndarray:
        """``[R]``: how many targets stand before each place of the stream."""
        assert self._answers is not None
        found = np.zeros(len(places), np.int64)
        for first in range(0, len(self.texts), _BLOCK):
            texts = range(first, min(first + _BLOCK, len(self.texts)))
            learned = [self._starts[text] + self._learned(text) for text in texts]
            found += np.searchsorted(np.concatenate(learned), places)
        return found

    def _learned(self, text: int) -> np.ndarray:
        """The places of a text's targets, its end's among them."""
        return np.asarray(self.texts.value(self._answers, text), np.int64)  # type: ignore[arg-type]

    def _read(self, start: int, length: int) -> Row:
        """Labels ``start`` to ``start + length`` of the stream, with the inputs before them."""
        stream = self._stream(start - 1, start + length)
        inputs, labels = stream[:-1].copy(), stream[1:]
        segments = None
        if self.config.document_mask:
            own = self._documents(start, start + len(labels))
            first = np.concatenate([[True], own[1:] != own[:-1]])
            starts_here = self._starts[own] == np.arange(start, start + length)
            inputs = np.where(first & starts_here, BOS, inputs)
            segments = np.cumsum(first)
        if self._answers is not None:
            labels = self._only_answers(labels, start)
        return Row(inputs, labels, segments)

    def _only_answers(self, labels: np.ndarray, start: int) -> np.ndarray:
        """The labels from place ``start`` on, with ``PAD`` where none is learned."""
        found = np.full_like(labels, PAD)
        end = start + len(labels)
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        for text in range(first, int(np.searchsorted(self._starts, end, side="left"))):
            places = self._starts[text] + self._learned(text) - start
            places = places[(places >= 0) & (places < len(labels))]
            found[places] = labels[places]
        return found

    def _stream(self, start: int, end: int) -> np.ndarray:
        """``[end - start]`` labels of the stream, before which stands the begin symbol; of its texts no more
        is read than what stands there.
        """
        starts = self._starts
        first = max(int(starts.searchsorted(start, side="right")) - 1, 0)
        last = int(starts.searchsorted(end, side="left"))
        found = np.empty(end - start, np.int64)
        found.fill(EOS)
        if start < 0:
            found[0] = BOS
        for document, begin in enumerate(starts[first:last].tolist(), first):
            ids: Any = self.texts.value("target", document)
            part = ids[max(start - begin, 0) : end - begin]
            place = max(begin - start, 0)
            found[place : place + len(part)] = part
        return found

    def _documents(self, start: int, end: int) -> np.ndarray:
        """The text that each label of the stream belongs to."""
        found: np.ndarray = np.searchsorted(self._starts, np.arange(start, end), side="right") - 1
        return found

    def __getstate__(self) -> dict[str, object]:
        """Without what is worked out again."""
        return {"texts": self.texts, "config": self.config, "num_lanes": self.num_lanes}

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
