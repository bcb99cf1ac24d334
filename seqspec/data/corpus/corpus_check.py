"""Whether a corpus is what the spec says: files are there, rows read, counts and sides agree.

The check goes through the same reading code as training does, row by row in bounded memory, but decodes no
audio beyond the first utterances.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from seqspec.data.corpus.adapter import Adapter
from seqspec.data.corpus.drops import BadRows
from seqspec.data.corpus.record import AudioRef, BadRow, without_details
from seqspec.data.corpus.unknown_labels import unknown_labels
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Classes, Unknown

LISTENED = 32
"""Utterances of each split whose audio is opened, and decoded where it is not long."""
LONG_SECONDS = 60
MOST_LABELS = 100_000
"""Of more, none is looked for in the other splits."""


def corpus_problems(
    adapter: Adapter[Any], splits: Iterable[str], *, expect: Mapping[str, int], may_drop: float = 0.0
) -> Iterator[DataError]:
    """What is wrong with each split; a corpus that is not there at all is told once.

    Bad rows up to the share ``may_drop`` are what ``on_error`` allows, and pass.
    """
    told: set[str] = set()
    labels: dict[str, Counter[str]] = {}
    for split in splits:
        for error in _split_problems(adapter, split, expect.get(split), may_drop, labels):
            if str(error) not in told:
                told.add(str(error))
                yield error
    if not told:
        yield from _strange_labels(adapter, labels)


def _strange_labels(adapter: Adapter[Any], labels: Mapping[str, Counter[str]]) -> Iterator[DataError]:
    """Labels of other splits that train does not have."""
    known = labels.get("train")
    for split, found in labels.items():
        if known and len(known) <= MOST_LABELS and found.keys() - known.keys():
            rows = adapter.examples(split)
            yield unknown_labels(rows, "target", found, tuple(known), split=split)


@dataclass
class _Seen:
    """What went by while one split was read."""

    rows: int = 0
    bad: list[BadRow] = field(default_factory=list)
    """The first row of each reason."""
    reasons: Counter[str] = field(default_factory=Counter)
    ids: array[int] = field(default_factory=lambda: array("Q"))
    audio: list[tuple[str, AudioRef]] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    """How often each label stands, where the target is one and the corpus tells which there are."""


def _split_problems(
    adapter: Adapter[Any],
    split: str,
    expected: int | None,
    may_drop: float,
    labels: dict[str, Counter[str]],
) -> Iterator[DataError]:
    try:
        seen = _read(adapter, split)
    except DataError as error:
        yield error
        return
    labels[split] = seen.labels
    yield from _bad_audio(adapter, seen)
    if sum(seen.reasons.values()) > may_drop * (seen.rows + sum(seen.reasons.values())):
        yield from _bad_rows(adapter, seen)
    if expected is not None and seen.rows != expected:
        message = f"split `{split}` has {seen.rows:,} examples, and the spec expects {expected:,}"
        yield DataError(message, corpus=adapter.corpus, help=f"fix the corpus, or `data.expect.{split}`")
    if seen.rows == 0 and not seen.bad:
        yield no_examples(adapter, split)
    elif _repeats(seen.ids):
        yield _one_id(adapter, split)


def no_examples(adapter: Any, split: str) -> DataError:
    """What is told of a split without a single row, with the files that were read."""
    files = [str(file) for file in islice(adapter.files(split), 4)]
    listed = ", ".join(f"`{show(file)}`" for file in files[:3]) + (", …" if len(files) > 3 else "")
    return DataError(
        f"split `{split}` holds no examples",
        corpus=getattr(adapter, "corpus", ""),
        help=f"it was read from {listed}" if files else None,
    )


def _read(adapter: Adapter[Any], split: str) -> _Seen:
    seen = _Seen()
    learns_labels = _learns_labels(adapter)
    for row in adapter.examples(split):
        if isinstance(row, BadRow):
            kind = without_details(row.reason)
            if kind not in seen.reasons:
                seen.bad.append(row)
            seen.reasons[kind] += 1
            continue
        seen.rows += 1
        if learns_labels and len(seen.labels) <= MOST_LABELS:
            seen.labels[str(row["target"])] += 1
        digest = hashlib.blake2b(str(row["id"]).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        seen.ids.append(int.from_bytes(digest))
        if len(seen.audio) < LISTENED:
            seen.audio += [(role, value) for role, value in row.items() if isinstance(value, AudioRef)]
    return seen


def _learns_labels(adapter: Adapter[Any]) -> bool:
    """Whether the target is a label, and only the corpus tells which there are.

    Other labels, such as speakers, are there whether or not a model reads them.
    """
    kind = adapter.config.roles().get("target")
    named = getattr(adapter, "label_names", None) is not None
    return isinstance(kind, Classes) and isinstance(kind.num, Unknown) and not named


def _one_id(adapter: Adapter[Any], split: str) -> DataError:
    """The first id that stands twice, and whether it has two targets: read a second time to find it."""
    held: dict[str, Any] = {}
    help = "name a column of unique names, or none" if "id" in adapter.config.model_fields_set else None
    for row in adapter.examples(split):
        if isinstance(row, BadRow):
            continue
        name, target = str(row["id"]), row.get("target")
        known = held.setdefault(name, (target, row.get("row")))
        if known[1] == row.get("row") and known[0] is target:
            continue
        message = f"two examples of split `{split}` have one id, `{show(name[:60])}`"
        if isinstance(target, str) and target != known[0]:
            message += f", and differ: `{show(str(known[0])[:40])}` and `{show(target[:40])}`"
        return DataError(
            message, corpus=adapter.corpus, file=show(row.get("file", "")), row=_number(row.get("row")),
            help=help,
        )  # fmt: skip
    return DataError(f"two examples of split `{split}` have one id", corpus=adapter.corpus, help=help)


def _number(row: object) -> int | None:
    return row if isinstance(row, int) else None


def _bad_rows(adapter: Adapter[Any], seen: _Seen) -> Iterator[DataError]:
    bad = sum(seen.reasons.values())
    for row in seen.bad:
        count = seen.reasons[without_details(row.reason)]
        rows = BadRows(row.reason, count, show(row.file), row.row, row.byte, row.remedy)
        yield rows.error(rows=seen.rows + bad, bad=bad, corpus=adapter.corpus)


def _bad_audio(adapter: Adapter[Any], seen: _Seen) -> Iterator[DataError]:
    for role, ref in seen.audio:
        reader = adapter.audio_of(role)
        if reader is None:
            return
        try:
            if reader.num_samples(ref) <= LONG_SECONDS * reader.rate:
                reader(ref)
        except DataError as error:
            yield error
            return


def _repeats(ids: array[int]) -> bool:
    import numpy as np

    sorted_ids = np.sort(np.frombuffer(ids, np.uint64)) if ids else np.zeros(0, np.uint64)
    return bool((sorted_ids[1:] == sorted_ids[:-1]).any())
