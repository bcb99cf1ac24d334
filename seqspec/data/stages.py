"""The stages of one preparation, each cached under the key of what decides it; what was opened is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from seqspec.data.cache import Cache, key_of
from seqspec.data.classes import class_names
from seqspec.data.encode import artifact_of, joined, texts_of, write_ids, write_vocabulary
from seqspec.data.examples import Split
from seqspec.data.features import frames_type, num_frames, write_features
from seqspec.data.hashes import file_hashes, unreadable
from seqspec.data.lengths import write_index
from seqspec.data.normalize import Statistics
from seqspec.data.pack import PackedSplit
from seqspec.data.parts import DataParts
from seqspec.data.progress import Progress
from seqspec.data.records import write_records
from seqspec.data.split import PLACES, cut
from seqspec.data.statistics import write_statistics
from seqspec.data.store import Store
from seqspec.data.synthetic import synthetic
from seqspec.schema.diagnostic import DataError, blamed
from seqspec.schema.types import Classes, Image, Text, Unknown, Waveform

AnySplit = Split | PackedSplit


@dataclass
class Stages:
    """The stages of one preparation; what was opened is kept."""

    parts: DataParts
    cache: Cache
    progress: Progress
    processes: int
    prints: Mapping[str, Any]
    """Fingerprints of the text steps by role, taken before anything was learned."""
    opened: dict[str, AnySplit] = field(default_factory=dict)
    stores: dict[tuple[str, ...], Store] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: DataParts, cache: Cache, progress: Progress, processes: int) -> Stages:
        count = getattr(parts.config.source, "synthetic", 0)
        if count:
            print_ = parts.source_fingerprint()
            adapter = synthetic(parts.adapter, cache=cache.root, fingerprint=print_, count=count, seed=0)
            parts = replace(parts, adapter=adapter)
        if parts.config.pack is not None:
            if set(parts.roles) != {"target"}:
                raise DataError(
                    "`data.pack` joins the texts of a language model, and this corpus has a source"
                )
            parts = replace(parts, target_unit="tokens")
        if isinstance(parts.roles.get("target"), Classes):
            parts = replace(parts, target_unit="examples")
        return cls(
            parts,
            cache,
            progress,
            processes,
            {role: parts.text_fingerprint(role) for role in parts.text},
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Splits of the corpus and those that the spec cuts out of train."""
        config = self.parts.config.split
        cut_out = [name for name in ("dev", "test") if config is not None and getattr(config, name)]
        return tuple(dict.fromkeys([*self.parts.adapter.splits(), *cut_out]))

    def base(self, name: str) -> str:
        """The split of the corpus that a split's rows stand in."""
        return name if name in self._whole else "train"

    @cached_property
    def _whole(self) -> tuple[str, ...]:
        config = self.parts.config.split
        cut_out = {name for name in ("dev", "test") if config is not None and getattr(config, name)}
        clash = sorted(cut_out & set(self.parts.adapter.splits()))
        if clash:
            message = (
                f"`data.split` cuts `{clash[0]}` out of train, and the corpus has a `{clash[0]}` of its own"
            )
            raise DataError(
                message, help=f"take `{clash[0]}` out of `data.split`, or out of the adapter's splits"
            )
        return self.parts.adapter.splits()

    # Stage 1: records.

    def hashes(self, base: str) -> dict[str, str]:
        adapter = self.parts.adapter
        try:
            files = list(adapter.files(base))
        except OSError as error:
            raise unreadable(error, adapter.root) from None
        return file_hashes(
            files, root=adapter.root, memory=self.cache.root / "hashes", progress=self.progress
        )

    def records_key(self, base: str) -> object:
        if ("key", base) not in self.keys:
            on_error = self.parts.config.on_error
            self.keys["key", base] = key_of(
                {
                    "source": _only(self.parts.source_fingerprint(), base),
                    "split": base,
                    "files": self.hashes(base),
                    "on_error": on_error if isinstance(on_error, str) else on_error.model_dump(),
                }
            )
        return self.keys["key", base]

    @cached_property
    def keys(self) -> dict[tuple[str, str], str]:
        return {}

    def records(self, base: str) -> Store:
        def build(folder: Path) -> None:
            root = self.parts.adapter.root
            write_records(folder, parts=self.parts, split=base, root=root, progress=self.progress)

        store = self._store("records", (base,), {"records": self.records_key(base)}, build)
        if base == "train" and not store.rows:
            raise DataError(
                "split `train` holds no examples", corpus=getattr(self.parts.adapter, "corpus", "")
            )
        expected = self.parts.config.expect.get(base)
        if expected is not None and store.rows != expected:
            message = f"{base} has {store.rows:,} examples, and the spec expects {expected:,}"
            raise DataError(message, help=f"check the corpus, or mend `data.expect.{base}`")
        return store

    # Stage 2: vocabularies and ids.

    @cached_property
    def places(self) -> np.ndarray | None:
        """Where each training record goes, if dev or test are cut out of train."""
        config = self.parts.config.split
        if config is None:
            return None
        labels = [role for role, type_ in self.parts.roles.items() if isinstance(type_, Classes)]
        if config.by == "label" and not labels:
            raise DataError("`data.split.by` is `label`, and the corpus has no labels", help="cut by `hash`")
        if config.by == "speaker" and "speaker" not in self.records("train"):
            raise DataError("`data.split.by` is `speaker`, and the records name none", help="cut by `hash`")
        return cut(self.records("train"), config, label_role=labels[0] if labels else None)

    def train_key(self) -> object:
        config = self.parts.config.split
        return [self.records_key("train"), None if config is None else config.model_dump(mode="json")]

    @cached_property
    def artifacts(self) -> dict[str, bytes]:
        """What each tokenizer learned, taken up by the tokenizers as well."""
        found: dict[str, bytes] = {}
        for pipeline, roles in self.pipelines.items():
            steps = self.parts.text[roles[0]]
            if steps.trainable:
                found[f"data.text.{pipeline}.tokenizer"] = artifact = self._learn(pipeline, roles)
                steps.load(artifact)
        return found

    @cached_property
    def pipelines(self) -> dict[str, list[str]]:
        """Roles by the name of their steps."""
        found: dict[str, list[str]] = {}
        for role, type_ in self.parts.roles.items():
            if isinstance(type_, Text):
                found.setdefault(self.parts.pipeline(role), []).append(role)
        return found

    def _learn(self, pipeline: str, roles: Sequence[str]) -> bytes:
        steps = self.parts.text[roles[0]]

        def build(folder: Path) -> None:
            store = self.records("train")
            kept = None if self.places is None else self.places == 0
            texts = joined(*(texts_of(store, role, kept) for role in roles))
            total = len(roles) * (store.rows if kept is None else int(kept.sum()))
            with blamed("data", "text", pipeline):
                write_vocabulary(folder, steps=steps, texts=texts, total=total, progress=self.progress)

        parts = {"train": self.train_key(), "roles": list(roles), "steps": self.prints[roles[0]]}
        return artifact_of(self._store("vocabulary", (pipeline,), parts, build))

    @property
    def vocabularies(self) -> dict[str, int]:
        """The vocabulary sizes, as facts."""
        self.artifacts  # noqa: B018  trained tokenizers must be loaded
        return {
            f"data.text.{pipeline}.tokenizer.vocab": self.parts.text[roles[0]].vocab_size
            for pipeline, roles in self.pipelines.items()
        }

    def ids(self, base: str, role: str) -> Store:
        pipeline = self.parts.pipeline(role)
        artifact = self.artifacts.get(f"data.text.{pipeline}.tokenizer")
        learned = None if artifact is None else hashlib.sha256(artifact).hexdigest()

        def build(folder: Path) -> None:
            write_ids(
                folder, steps=self.parts.text[role], records=self.records(base), role=role, split=base,
                on_error=self.parts.config.on_error, processes=self.processes, progress=self.progress,
            )  # fmt: skip

        parts = {
            "records": self.records_key(base),
            "role": role,
            "steps": self.prints[role],
            "learned": learned,
        }
        return self._store("ids", (base, role), parts, build)

    # Stage 3: frames.

    @cached_property
    def audio_role(self) -> str | None:
        return next((role for role, type_ in self.parts.roles.items() if isinstance(type_, Waveform)), None)

    def frames(self, base: str) -> Store | None:
        """Cached frames, or none where there is no audio or too much of it."""
        role, feature, audio = self.audio_role, self.parts.feature, self.parts.config.audio
        if role is None or feature is None or audio is None:
            return None
        dim = frames_type(self.parts).dim
        records = self.records(base)
        gigabytes = float(num_frames(records, role, feature=feature).sum()) * dim * 4 / 1e9
        if gigabytes > audio.cache_gigabytes:
            return None

        def build(folder: Path) -> None:
            reader = self.parts.adapter.audio()
            assert reader is not None
            write_features(
                folder, feature=feature, records=records, role=role, reader=reader, dim=dim,
                root=self.parts.adapter.root, split=base, on_error=self.parts.config.on_error,
                processes=self.processes, progress=self.progress,
            )  # fmt: skip

        parts = {"records": self.records_key(base), "features": self.parts.feature_fingerprint()}
        return self._store("frames", (base,), parts, build)

    # Stage 4: the index.

    def index(self, name: str) -> Store:
        base = self.base(name)
        config = self.parts.config
        texts = [role for role, type_ in self.parts.roles.items() if isinstance(type_, Text)]
        ids = {role: self.ids(base, role) for role in texts}
        frames = self.frames(base)

        def build(folder: Path) -> None:
            write_index(
                folder,
                config=config,
                split=name,
                records=self.records(base),
                places=self.places if base == "train" else None,
                place=PLACES.get(name, 0),
                roles=self.parts.roles,
                ids=ids,
                frames=frames,
                feature=self.parts.feature,
                frames_per_second=self.frames_per_second,
            )

        parts = {
            "split": name,
            "records": self.train_key() if base == "train" else self.records_key(base),
            "ids": {role: store.folder.name for role, store in ids.items()},
            "features": self.parts.feature_fingerprint() if self.audio_role else None,
            "filter": config.filter.model_dump(mode="json"),
            "last_bucket": config.batch.buckets[-1] if isinstance(config.batch.buckets, list) else None,
        }
        return self._store("index", (name,), parts, build)

    @property
    def frames_per_second(self) -> float | None:
        return float(frames_type(self.parts).rate) if self.audio_role else None

    def split(self, name: str) -> AnySplit:
        """The split, prepared now if it was not."""
        if name not in self.opened:
            opened, pack = self._open(name), self.parts.config.pack
            self.opened[name] = opened if pack is None else PackedSplit(opened, pack)
        return self.opened[name]

    def _open(self, name: str) -> Split:
        base, parts = self.base(name), self.parts
        index = self.index(name)
        if not index.rows:
            raise self._nothing_left(name, index)
        self._known_labels(base)
        audio, image = parts.config.audio, parts.config.image
        return Split(
            name=name,
            index=index,
            records=self.records(base),
            roles=parts.roles,
            ids={
                role: self.ids(base, role) for role, type_ in parts.roles.items() if isinstance(type_, Text)
            },
            frames=self.frames(base),
            root=parts.adapter.root,
            feature=parts.feature,
            reader=parts.adapter.audio() if self.audio_role else None,
            normalize={
                "audio": audio.normalize if audio else "none",
                "image": image.normalize if image else "unit",
            },
            statistics=self.statistics,
            labels=self.labels,
            frames_per_second=self.frames_per_second,
        )

    def _nothing_left(self, name: str, index: Store) -> DataError:
        rows = self.records(self.base(name)).rows
        if name != self.base(name) and not index.state["candidates"]:
            message = f"`data.split` cuts none of the {rows:,} training examples out as {name}"
            return DataError(message, help=f"raise `data.split.{name}`, or give {name} a file of its own")
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in self.dropped(name).items())
        if not reasons:
            return DataError(f"split `{name}` holds no examples")
        return DataError(f"no example of {name} is left ({reasons})", help="loosen `data.filter`")

    def dropped(self, name: str) -> dict[str, int]:
        """Rows left out of a split, unreadable ones included, by reason."""
        counts: dict[str, int] = dict(self.records(self.base(name)).state["drops"]["counts"])
        for reason, count in self.index(name).state["dropped"].items():
            counts[reason] = counts.get(reason, 0) + count
        return counts

    # Labels and statistics of the training split.

    @cached_property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """The classes in the order of their numbers: the adapter's, or those of the training records."""
        return {
            role: class_names(
                self.records("train").state["labels"].get(role, {}),
                num=type_.num,
                known=getattr(self.parts.adapter, "label_names", None),
            )
            for role, type_ in self.parts.roles.items()
            if isinstance(type_, Classes)
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
            strange = sorted(set(self.records(base).state["labels"].get(role, {})) - set(names))
            if strange:
                raise DataError(f"{base} has the label {strange[0]!r}, which never occurs in train")

    @cached_property
    def statistics(self) -> dict[str, Statistics]:
        """Mean and variance of the training split, where the spec normalises by them."""
        audio, image = self.parts.config.audio, self.parts.config.image
        found = {}
        if self.audio_role and audio is not None and audio.normalize == "global":
            found["audio"] = self._measure("audio", self.audio_role)
        pictures = [role for role, type_ in self.parts.roles.items() if isinstance(type_, Image)]
        if pictures and image is not None and image.normalize == "global":
            found["image"] = self._measure("image", pictures[0])
        return found

    def _measure(self, kind: str, role: str) -> Statistics:
        index = self.index("train")

        def build(folder: Path) -> None:
            write_statistics(
                folder, kind=kind, role=role, rows=index.values("rows"), records=self.records("train"),
                frames=self.frames("train"), feature=self.parts.feature, reader=self.parts.adapter.audio(),
                root=self.parts.adapter.root, progress=self.progress,
            )  # fmt: skip

        store = self._store("statistics", (kind,), {"index": index.folder.name, "kind": kind}, build)
        mean, std = store.values("statistics").reshape(2, -1)
        return Statistics(np.asarray(mean), np.asarray(std))

    def _store(self, stage: str, name: tuple[str, ...], parts: object, build: Any) -> Store:
        where = (stage, *name)
        if where not in self.stores:
            self.stores[where] = self.cache.store(stage, parts, build)
        return self.stores[where]


def _only(fingerprint: Any, base: str) -> Any:
    """A source's fingerprint without what it says of other splits: they may change and this one stand."""
    adapter = dict(fingerprint["adapter"])
    for name in ("splits", "parts"):
        if isinstance(adapter.get(name), dict) and base in adapter[name] and not adapter.get("cut"):
            adapter[name] = {base: adapter[name][base]}
    return {**fingerprint, "adapter": adapter}
