"""The stages of one preparation, from records to splits; what was opened is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from seqspec.data.corpus.splitting import PLACES
from seqspec.data.corpus.unknown_labels import unknown_labels
from seqspec.data.progress import Progress
from seqspec.data.stages.classes import class_names
from seqspec.data.stages.corpus_stage import ABSENT, CorpusStage
from seqspec.data.stages.examples import Split
from seqspec.data.stages.features import FramesWriter, num_frames, write_features
from seqspec.data.stages.learned import Learned
from seqspec.data.stages.lengths import Measure, write_index
from seqspec.data.stages.normalize import Statistics
from seqspec.data.stages.packing import PackedSplit
from seqspec.data.stages.parts import DataParts
from seqspec.data.stages.recordings import FramesAhead, most_frames
from seqspec.data.stages.row_shards import Shard, waiting
from seqspec.data.stages.statistics import write_statistics
from seqspec.data.stages.text_stage import TextStage
from seqspec.data.store.cache import Cache
from seqspec.data.store.store import Store
from seqspec.data.worker_processes import Workers
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Classes, Image, PlacesIn, Text, Unknown, in_order

AnySplit = Split | PackedSplit


@dataclass
class Stages:
    """The stages after records and texts: frames, the index, and what training examples have in common."""

    corpus: CorpusStage
    texts: TextStage
    opened: dict[str, AnySplit] = field(default_factory=dict)
    learned: Learned | None = None
    """What a run has learned; nothing is learned again then, and the training split is not needed."""

    @classmethod
    def of(
        cls,
        parts: DataParts,
        cache: Cache,
        progress: Progress,
        workers: Workers,
        learned: Learned | None = None,
        shard: Shard | None = None,
    ) -> Stages:
        """The stages of one preparation, or of the part of it that ``shard`` is."""
        corpus = CorpusStage.of(parts, cache, progress, workers, shard)
        return cls(corpus, TextStage.of(corpus, learned), learned=learned)

    @property
    def parts(self) -> DataParts:
        """The built data part."""
        return self.corpus.parts

    # Frames.

    def frames(self, base: str) -> dict[str, Store]:
        """Cached frames by audio field; none of a field with too much of it."""
        found = {role: self._frames(base, role) for role in self.parts.features}
        return {role: store for role, store in found.items() if store is not None}

    def _frames(self, base: str, role: str) -> Store | None:
        feature, dim = self.parts.features[role], self.parts.frames_type(role).dim
        records = self.corpus.records(base)
        if num_frames(records, role, feature=feature).sum() > most_frames(self.parts, role):
            return None

        def write(folder: Path, *, rows: range | None) -> None:
            reader = self.parts.reader(role)
            assert reader is not None
            write_features(
                folder, feature=feature, records=records, role=role, reader=reader, dim=dim,
                root=self.parts.adapter.root, split=base, on_error=self.parts.config.on_error,
                workers=self.corpus.workers, progress=self.corpus.progress, rows=rows,
            )  # fmt: skip
            self.corpus.require_unchanged(base, folder)

        parts = self._frames_parts(base, role)
        return self.corpus.rows_store("frames", (base, role), parts, write, what=f"utterances of {base}")

    def _frames_parts(self, base: str, role: str) -> object:
        return {
            "records": self.corpus.records_key(base),
            "features": self.parts.feature_fingerprint(role),
            **({"field": role} if len(self.parts.features) > 1 else {}),
        }

    @contextmanager
    def _frames_ahead(self, base: str) -> Iterator[FramesAhead]:
        """Takes frames while records are read: those that are not there yet, and that no other process is
        computing.
        """
        with ExitStack() as held:
            writers = {}
            for role in self.parts.features if self.corpus.shard is None else ():
                growing = self.corpus.cache.ahead("frames", self._frames_parts(base, role))
                folder, reader = held.enter_context(growing), self.parts.reader(role)
                if folder is not None and reader is not None:
                    writers[role] = FramesWriter(
                        folder, dim=self.parts.frames_type(role).dim, split=base,
                        on_error=self.parts.config.on_error, corpus=reader.corpus,
                    )  # fmt: skip
            yield held.enter_context(
                FramesAhead(writers, parts=self.parts, files=len(self.corpus.hashes(base)))
            )

    def missing_shards(self, name: str) -> set[int]:
        """Work out this call's part of the rows that a split is made of; gives the shards that others still
        have to work out.
        """
        base, missing = self.corpus.base(name), set[int]()
        for role in self.parts.roles_of(Text, PlacesIn):
            with waiting(missing):
                self.texts.ids(base, role)
        for role in self.parts.features:
            with waiting(missing):
                self._frames(base, role)
        return missing

    # The index.

    def index(self, name: str) -> Store:
        """Which rows of the records a split keeps, and their lengths."""
        base = self.corpus.base(name)
        config = self.parts.config
        if self.parts.features:
            self.corpus.records(base, ahead=lambda: self._frames_ahead(base))
        ids = {role: self.texts.ids(base, role) for role in self.parts.roles_of(Text, PlacesIn)}
        frames = self.frames(base)

        roles, features = self.parts.roles, self.parts.features

        def build(folder: Path) -> None:
            write_index(
                folder,
                config=config,
                split=name,
                places=self.corpus.places if base == "train" else None,
                place=PLACES.get(name, 0),
                measure=Measure(self.corpus.records(base), roles, ids, frames, features),
                rates=self.parts.rates,
            )

        parts = {
            "split": name,
            "records": self.corpus.train_key() if base == "train" else self.corpus.records_key(base),
            "fields": {role: str(roles[role]) for role in in_order(roles)},
            "ids": {role: store.folder.name for role, store in ids.items()},
            "features": {role: self.parts.feature_fingerprint(role) for role in features},
            "filter": config.filter.model_dump(mode="json"),
            "last_bucket": config.batch.buckets[-1] if isinstance(config.batch.buckets, list) else None,
            "measured": config.batch.measured(roles),
        }
        return self.corpus.store("index", (name,), parts, build)

    def split(self, name: str) -> AnySplit:
        """The split, prepared now if it was not."""
        if name not in self.opened:
            opened, pack = self._open(name), self.parts.config.pack
            self.opened[name] = opened if pack is None else PackedSplit(opened, pack, self.parts.config.lanes)
        return self.opened[name]

    def _open(self, name: str) -> Split:
        base, parts = self.corpus.base(name), self.parts
        index = self.index(name)
        if not index.rows:
            raise self._nothing_left(name, index)
        self._known_labels(base)
        frames = self.frames(base)
        if base in self.corpus.absent:
            self._require_no_recordings(base, frames)
        return Split(
            name=name,
            index=index,
            records=self.corpus.records(base),
            roles=parts.roles,
            ids={role: self.texts.ids(base, role) for role in parts.roles_of(Text, PlacesIn)},
            frames=frames,
            root=self.corpus.root(base),
            features=parts.features,
            readers={role: parts.reader(role) for role in parts.features},
            normalize=parts.normalize,
            statistics=self.statistics,
            labels=self.labels,
            rates=parts.rates,
        )

    def _require_no_recordings(self, base: str, frames: Mapping[str, Store]) -> None:
        """Raises ``DataError`` where a split without its corpus reads recordings again and again."""
        augmented = self.parts.waveform_augments if base == "train" else {}
        for role in self.parts.features:
            if role not in frames or augmented.get(role):
                raise DataError(
                    f"training reads the recordings of `{role}` themselves, and the corpus is not here",
                    help="bring the corpus here; or take `waveform_augment` out and raise "
                    "`audio.cache_gigabytes` where the data are prepared",
                    at=("data", "source"),
                    code=ABSENT,
                )

    def _nothing_left(self, name: str, index: Store) -> DataError:
        rows = self.corpus.records(self.corpus.base(name)).rows
        if name != self.corpus.base(name) and not index.state["candidates"]:
            message = f"`data.split` cuts none of the {rows:,} training examples out as {name}"
            config = self.parts.config.split
            help = f"raise `data.split.{name}`, or give {name} a file of its own"
            if config is not None and config.by == "label":
                message += ": each label stands so rarely that its share of them rounds to none"
                help = f"cut by `by: hash`, give {name} a file of its own, or name the column of labels"
            return DataError(message, help=help)
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in self.dropped(name).items())
        if not reasons:
            return DataError(f"split `{name}` holds no examples")
        return DataError(f"no example of {name} is left ({reasons})", help="loosen `data.filter`")

    def dropped(self, name: str) -> dict[str, int]:
        """Rows left out of a split, by reason; unreadable ones count where the corpus has them."""
        base = self.corpus.base(name)
        counts: dict[str, int] = (
            dict(self.corpus.records(base).state["drops"]["counts"]) if name == base else {}
        )
        for reason, count in self.index(name).state["dropped"].items():
            counts[reason] = counts.get(reason, 0) + count
        return counts

    def dropped_at(self, name: str) -> dict[str, str]:
        """File and row of the first row of each reason that could not be read."""
        if name != self.corpus.base(name):
            return {}
        examples = self.corpus.records(name).state["drops"]["examples"]
        return {reason: places[0] for reason, places in examples.items() if places}

    # Labels and statistics of the training split.

    @cached_property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """The classes in the order of their numbers: the run's, the adapter's, or those of the training
        records.
        """
        classes = [role for role, type_ in self.parts.roles.items() if isinstance(type_, Classes)]
        if self.learned is not None:
            return {role: self.learned.names(role) for role in classes}
        return {
            role: class_names(
                self.corpus.records("train").state["labels"].get(role, {}),
                num=type_.num,
                known=getattr(self.parts.adapter, "label_names", None),
            )
            for role, type_ in self.parts.roles.items()
            if isinstance(type_, Classes)
        }

    @cached_property
    def label_counts(self) -> dict[str, tuple[int, ...]]:
        """Training records of each class, in the order of the classes; none where a run has kept none."""
        if self.learned is not None:
            return dict(self.learned.label_counts)
        known = getattr(self.parts.adapter, "label_names", None) is not None
        if not self.labels or (known and "train" not in self.opened):
            return {}
        found = self.corpus.records("train").state["labels"]
        return {
            role: tuple(found.get(role, {}).get(name, 0) for name in names)
            for role, names in self.labels.items()
        }

    @property
    def class_counts(self) -> dict[str, int]:
        """The numbers of classes, as facts."""
        types = {role: self.parts.roles[role] for role in self.labels}
        return {
            number.name or f"data.source.{role}.num": len(self.labels[role])
            for role, type_ in types.items()
            if isinstance(type_, Classes) and isinstance(number := type_.num, Unknown)
        }

    def _known_labels(self, base: str) -> None:
        for role, names in self.labels.items():
            found = self.corpus.records(base).state["labels"].get(role, {})
            if any(name not in names for name in found):
                rows = self.parts.adapter.examples(base)
                learned = self.learned is not None
                raise unknown_labels(rows, role, found, names, split=base, learned=learned)

    @cached_property
    def statistics(self) -> dict[str, Statistics]:
        """Mean and variance of the training split, where the spec normalises by them."""
        return {role: self._measure(role) for role, how in self.parts.normalize.items() if how == "global"}

    def _measure(self, role: str) -> Statistics:
        if self.learned is not None:
            return self.learned.moments(role)
        index, train = self.index("train"), self.corpus.records("train")
        kind: Literal["audio", "image"] = "image" if isinstance(self.parts.roles[role], Image) else "audio"

        def build(folder: Path) -> None:
            write_statistics(
                folder, kind=kind, role=role, rows=index.values("rows"), records=train,
                frames=self.frames("train").get(role), feature=self.parts.features.get(role),
                reader=self.parts.reader(role), root=self.parts.adapter.root, progress=self.corpus.progress,
            )  # fmt: skip

        parts = {"index": index.folder.name, "field": role}
        store = self.corpus.store("statistics", (role,), parts, build)
        mean, std = store.values("statistics").reshape(2, -1)
        return Statistics(np.asarray(mean), np.asarray(std))
