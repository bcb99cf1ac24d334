"""How long recordings are, read from their heads, and their frames from the same opening of the file.

To open a recording and set its decoder up takes up to a sixth of what its frames take.  So where frames are
to be kept, those of a record are written when it is measured, to the store that the stage of frames then
finds begun: it goes on behind them, or has nothing left to do.
"""

from __future__ import annotations

import itertools
import shutil
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seqspec.data.corpus.record import AudioRef, BadRow, Record
from seqspec.data.progress import Advance
from seqspec.data.stages.features import ALONE, BLOCK, HANDED, FramesWriter, frames_or_error, one_thread
from seqspec.data.stages.handed_arrays import handed_in_order
from seqspec.data.stages.parts import DataParts, Feature
from seqspec.data.worker_processes import FEW, Workers
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Waveform

if TYPE_CHECKING:
    from seqspec.data.corpus.audio import AudioReader

Row = Record | BadRow


class FramesAhead:
    """The frames' stores that grow with the records, by audio field."""

    def __init__(self, writers: Mapping[str, FramesWriter], *, parts: DataParts, files: int) -> None:
        self.writers = dict(writers)
        self._parts = parts
        self._files = files
        self._most = {role: most_frames(parts, role) for role in writers}
        self._frames = {role: writer.store.elements("frames") for role, writer in writers.items()}

    @classmethod
    def none(cls, parts: DataParts) -> FramesAhead:
        """Frames are left to their own stage."""
        return cls({}, parts=parts, files=0)

    @property
    def pending(self) -> int:
        """Frames that are not committed."""
        return sum(writer.pending for writer in self.writers.values())

    def behind(self, rows: int) -> None:
        """Leave out what has not as many rows as the records: its own stage goes on with it."""
        for role in [role for role, writer in self.writers.items() if writer.rows != rows]:
            self.writers.pop(role).close()

    def append(self, read: Sequence[_Read], *, whole: bool) -> None:
        """Add the frames of records, of a group whose rows they are if that is ``whole``."""
        if not whole and self._parts.config.on_error == "fail":
            self.discard()  # no records, and so no frames, come of this
        for role in [*self.writers] if read else ():
            lengths = [one.record[f"{role}_samples"] for one in read]
            self._append(role, lengths, [one.frames[role] for one in read])

    def _append(self, role: str, lengths: Sequence[int], found: Sequence[Any]) -> None:
        feature, writer = self._parts.features[role], self.writers[role]
        self._frames[role] += sum(map(feature.num_frames, lengths))
        if self._too_many(role, writer.rows + len(found)):
            self.discard(role)
        elif self._parts.config.on_error == "fail" and any(isinstance(one, DataError) for one in found):
            writer.commit()
            self.writers.pop(role).close()  # told by its own stage, behind what is wrong with records
        else:
            writer.append(found)

    def _too_many(self, role: str, rows: int) -> bool:
        """Whether they will not be kept: counted, and expected of whole recordings once some were read."""
        frames = self._frames[role]
        expected = frames / rows * self._files if rows >= FEW * BLOCK else 0.0
        return max(frames, expected) > self._most[role]

    def discard(self, role: str | None = None) -> None:
        """Take frames away that will not be used."""
        for name in [*self.writers] if role is None else [role]:
            writer = self.writers.pop(name)
            writer.close()
            shutil.rmtree(writer.folder, ignore_errors=True)

    def commit(self) -> None:
        """Make all frames so far survive whatever comes."""
        for writer in self.writers.values():
            writer.commit()

    def __enter__(self) -> FramesAhead:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self.writers.values():
            writer.close()


def most_frames(parts: DataParts, role: str) -> float:
    """The frames of a split that are kept at most."""
    assert parts.config.audio is not None
    gigabytes = float(parts.config.audio.pipeline(role).cache_gigabytes)
    return gigabytes * 1e9 / (4 * parts.frames_type(role).dim)


def readers_of(parts: DataParts) -> dict[str, AudioReader]:
    """How the recordings of each audio field are read."""
    found = {role: parts.reader(role) for role in parts.roles_of(Waveform)}
    return {role: reader for role, reader in found.items() if reader is not None}


def measured(
    rows: Iterator[Row],
    *,
    parts: DataParts,
    workers: Workers,
    ahead: FramesAhead,
    folder: Path,
    advance: Advance,
) -> Iterator[Row]:
    """The rows in their order, records with the samples of their recordings; one whose recording cannot be
    read is bad.  ``folder`` is where the records grow.
    """
    readers = readers_of(parts)
    head = list(itertools.islice(rows, FEW * BLOCK))
    groups = _Groups(itertools.chain(head, rows), readers, ahead, advance)
    listen, count = _Listen(readers, parts.features), len(head) // BLOCK
    tasks = groups.tasks(BLOCK if workers.shares(count) else ALONE)
    return groups.read(handed_in_order(workers, listen, tasks, count=count, folder=folder / HANDED))


class _Read(NamedTuple):
    """A record, and the frames of its recordings that were asked for, or the errors in their places."""

    record: dict[str, Any]
    frames: Mapping[str, Any]


_Task = tuple[list[dict[str, AudioRef]], frozenset[str]]


class _Groups:
    """Rows that are handed out in groups and come back measured.  Blocks of records are of whole groups, so
    that as many rows of frames stand on disk whenever both are committed.
    """

    def __init__(
        self,
        rows: Iterator[Row],
        readers: Mapping[str, AudioReader],
        ahead: FramesAhead,
        advance: Advance,
    ) -> None:
        self._rows, self._readers, self._ahead, self._advance = rows, readers, ahead, advance
        self._under_way: deque[list[Row]] = deque()

    def tasks(self, size: int) -> Iterator[_Task]:
        """The recordings of each group, and the fields whose frames are wanted."""
        while group := list(itertools.islice(self._rows, size)):
            self._under_way.append(group)
            records: list[Any] = [row for row in group if not isinstance(row, BadRow)]
            references = [{role: record[role] for role in self._readers} for record in records]
            yield references, frozenset(self._ahead.writers)

    def read(self, answers: Iterator[Sequence[Any]]) -> Iterator[Row]:
        """The rows, with what ``_Listen`` says of each group."""
        for answer in answers:
            told = iter(answer)
            group = [row if isinstance(row, BadRow) else self._noted(row, told)
                     for row in self._under_way.popleft()]  # fmt: skip
            read = [one for one in group if isinstance(one, _Read)]
            self._ahead.append(read, whole=len(read) == len(group))
            self._advance(len(group))
            yield from (one.record if isinstance(one, _Read) else one for one in group)

    def _noted(self, record: Record, told: Iterator[Any]) -> _Read | BadRow:
        frames, fault = {}, None
        for role in self._readers:
            length, frames[role] = next(told), next(told)
            record[f"{role}_samples"] = length
            fault = fault or (length if isinstance(length, DataError) else None)
        if fault is None:
            return _Read(record, frames)
        file, row = str(record.get("file", fault.file)), record.get("row")
        message = f"{fault.message}: `{fault.file}`"
        return BadRow(str(record["id"]), message, file, row, remedy=fault.help or "")  # type: ignore[arg-type]


class _Listen:
    """Samples and frames of the recordings of some records, one behind the other; picklable.  An error stands
    in place of what cannot be read, and nothing in place of what is not asked for.
    """

    def __init__(self, readers: Mapping[str, AudioReader], features: Mapping[str, Feature]) -> None:
        self.readers, self.features = readers, features

    def __call__(self, task: _Task) -> list[Any]:
        references, wanted = task
        with one_thread() if wanted else nullcontext():
            return [
                one
                for record in references
                for role, reference in record.items()
                for one in self._one(role, reference, role in wanted)
            ]

    def _one(self, role: str, reference: AudioRef, wanted: bool) -> tuple[Any, Any]:
        reader = self.readers[role]
        try:
            if not wanted:
                return reader.num_samples(reference), None
            length, samples = reader.with_length(reference)
        except DataError as error:
            return error, None
        if isinstance(samples, DataError):
            return length, samples
        return length, frames_or_error(samples, self.features[role])
