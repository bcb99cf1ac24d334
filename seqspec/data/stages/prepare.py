"""Prepare: from the built ``data`` part to memory-mapped splits, stage by stage, each stage cached under what
decides it.

    records → vocabularies → ids → frames → index → split

Changing one input makes anew what depends on it and nothing else.  A split is prepared when it is first asked
for, so a part of the corpus that is not there stops only those who read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seqspec.data.progress import Progress, silent
from seqspec.data.stages.learned import Learned
from seqspec.data.stages.parts import DataParts
from seqspec.data.stages.row_shards import Shard
from seqspec.data.stages.stages import AnySplit, Stages
from seqspec.data.store.cache import Cache, storage
from seqspec.data.store.hashes import file_hashes
from seqspec.data.store.prepared_store import named_store
from seqspec.data.worker_processes import Workers, cores, require_started
from seqspec.schema.diagnostic import blamed


@dataclass(frozen=True)
class Prepared:
    """Prepared data: what the plan was waiting for, and the splits."""

    facts: Mapping[str, int]
    """Numbers that only the data can tell, by the name of the unknown."""
    artifacts: Mapping[str, bytes]
    """What each trained tokenizer learned, by the tokenizer's place in the experiment."""
    splits: Mapping[str, AnySplit]
    """Splits by name; one that has not been prepared yet is prepared when it is looked up."""
    parts: DataParts
    """The parts, their tokenizers trained and loaded; the adapter reads the synthetic corpus where the
    spec says so.
    """
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the classes by role."""
    label_counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Training records of each class by role."""

    @property
    def stages(self) -> Stages:
        """What they were prepared by."""
        assert isinstance(self.splits, _Splits)
        return self.splits.stages

    @property
    def dropped(self) -> dict[str, dict[str, int]]:
        """Rows left out of the splits prepared so far, by reason."""
        stages = self.stages
        return {name: stages.dropped(name) for name in stages.opened}

    @property
    def dropped_at(self) -> dict[str, dict[str, str]]:
        """File and row of the first of the rows that could not be read, by split and reason."""
        stages = self.stages
        return {name: stages.dropped_at(name) for name in stages.opened}

    @property
    def files(self) -> dict[str, dict[str, str]]:
        """SHA-256 of every file that was read, by split and name below the corpus folder."""
        stages = self.stages
        return {name: stages.corpus.hashes(stages.corpus.base(name)) for name in stages.opened}

    def paths(self, base: str) -> tuple[Path, ...]:
        """The files that a split of the corpus is read from; none where its corpus is not here."""
        return () if base in self.stages.corpus.absent else tuple(self.parts.adapter.files(base))

    @property
    def augment_files(self) -> dict[str, dict[str, str]]:
        """SHA-256 of every recording that augmentation reads, by its place in the spec and name.  Raises
        ``DataError`` where a folder has none.
        """
        cache = self.splits.stages.corpus.cache  # type: ignore[attr-defined]
        found = {}
        for place, folder in self.parts.recordings.items():
            with blamed(*place):
                name = ".".join(map(str, place))
                found[name] = file_hashes(folder.files, root=folder.root, memory=cache.root / "hashes")
        return found


def prepare(
    parts: DataParts,
    *,
    cache: Path,
    splits: Sequence[str] | None = None,
    progress: Progress = silent,
    processes: int | None = None,
    verify: bool = False,
    learned: Learned | None = None,
) -> Prepared:
    """Prepare ``splits`` (all that the spec has, if none are named) and the vocabularies that the training
    split decides; with ``learned`` these are a run's, and the training split is read only where it is named.

    Raises ``DataError`` with corpus, file, row and byte where the data are not what the spec says.
    """
    require_started()
    if splits is None or "train" in splits:
        _require_recordings(parts)
    with storage(cache), Workers(processes or cores()) as workers:
        stages = Stages.of(parts, Cache(cache, verify, named_store(progress)), progress, workers, learned)
        found = _Splits(stages)
        for name in stages.corpus.names if splits is None else splits:
            found[name]
        facts = {**stages.texts.vocabularies, **stages.class_counts}
        return Prepared(
            facts, stages.texts.artifacts, found, stages.corpus.parts, stages.labels, stages.label_counts
        )


def _require_recordings(parts: DataParts) -> None:
    """What augmentation reads is there: said before hours are spent on the corpus."""
    for place, folder in parts.recordings.items():
        with blamed(*place):
            folder.files  # noqa: B018


def prepare_shard(
    parts: DataParts,
    shard: Shard,
    *,
    cache: Path,
    split: str,
    progress: Progress = silent,
    processes: int | None = None,
    verify: bool = False,
) -> set[int]:
    """Work out a part of the rows of a split, and join the parts where all are there; gives the numbers of
    those that are not.

    The corpus is read and vocabularies are learned by the first that comes; the others wait for it.
    """
    require_started()
    with storage(cache), Workers(processes or cores()) as workers:
        stages = Stages.of(parts, Cache(cache, verify, named_store(progress)), progress, workers, shard=shard)
        return stages.missing_shards(split)


class _Splits(Mapping[str, AnySplit]):
    """Splits by name, prepared on first look-up."""

    def __init__(self, stages: Stages) -> None:
        self.stages = stages

    def __getitem__(self, name: str) -> AnySplit:
        if name not in self.stages.corpus.names:
            raise KeyError(name)
        with storage(self.stages.corpus.cache.root):
            return self.stages.split(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.stages.corpus.names)

    def __len__(self) -> int:
        return len(self.stages.corpus.names)
