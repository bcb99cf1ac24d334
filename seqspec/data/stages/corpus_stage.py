"""The first stage: what stands in which split, and the records of each, cached under what decides them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from seqspec.data.corpus.corpus_check import no_examples
from seqspec.data.corpus.splitting import cut
from seqspec.data.corpus.synthetic import synthetic
from seqspec.data.progress import Progress
from seqspec.data.stages.parts import DataParts
from seqspec.data.stages.recordings import FramesAhead
from seqspec.data.stages.records import write_records
from seqspec.data.stages.row_shards import Shard, Write, judged_rows, shared_store
from seqspec.data.store.cache import Cache, key_of
from seqspec.data.store.hashes import file_hashes, unreadable
from seqspec.data.store.store import Store
from seqspec.data.worker_processes import Workers
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import SEQUENCES, AnswerSpans, Classes, Counted

Ahead = Callable[[], AbstractContextManager[FramesAhead]]

ABSENT = "SQ401"
"""The code of a corpus that is not there at all."""


@dataclass
class CorpusStage:
    """Records by split; every store that was opened is kept."""

    parts: DataParts
    cache: Cache
    progress: Progress
    workers: Workers
    stores: dict[tuple[str, ...], Store] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    read: dict[str, dict[str, str]] = field(default_factory=dict)
    """SHA-256 of the files that splits are read from, as they were when they were first asked for."""
    absent: dict[str, dict[str, str]] = field(default_factory=dict)
    """SHA-256 of the files of splits whose corpus is not here, though their stores are found."""
    shard: Shard | None = None
    """The part of the rows that this call works out."""

    @classmethod
    def of(
        cls,
        parts: DataParts,
        cache: Cache,
        progress: Progress,
        workers: Workers,
        shard: Shard | None = None,
    ) -> CorpusStage:
        """The stage over the corpus that the spec names: the synthetic one where it asks for that."""
        count = getattr(parts.config.source, "synthetic", 0)
        if count:
            print_ = parts.source_fingerprint()
            adapter = synthetic(parts.adapter, cache=cache.root, fingerprint=print_, count=count, seed=0)
            parts = replace(parts, adapter=adapter)
        more = [role for role in parts.roles if role not in ("target", *parts.roles_of(AnswerSpans))]
        if parts.config.pack is not None and (more or "target" not in parts.roles):
            others = ", ".join(more)
            message = f"`data.pack` joins the texts of a language model, and this corpus has a {others}"
            raise DataError(message)
        counted = {name: _fitting(one, parts) for name, one in parts.counted.items()}
        return cls(replace(parts, counted=counted), cache, progress, workers, shard=shard)

    def store(self, stage: str, name: tuple[str, ...], parts: object, build: Callable[[Path], None]) -> Store:
        """The store of ``parts``, opened once."""
        where = (stage, *name)
        if where not in self.stores:
            self.stores[where] = self.cache.store(stage, parts, build)
        return self.stores[where]

    def rows_store(
        self, stage: str, name: tuple[str, ...], parts: object, write: Write, *, what: str
    ) -> Store:
        """The store of a stage that makes a row of each record of the split ``name[0]``.

        Raises ``Unfinished`` where shards of it are missing.  ``what`` its rows are called in messages.
        """
        if self.shard is None:
            return self.store(stage, name, parts, lambda folder: write(folder, rows=None))
        where = (stage, *name)
        if where not in self.stores:
            rows = self.records(name[0]).rows
            corpus = getattr(self.parts.adapter, "corpus", "")
            check = judged_rows(self.parts.config.on_error, what=what, rows=rows, corpus=corpus)
            self.stores[where] = shared_store(
                self.cache, stage, parts, shard=self.shard, total=rows, write=write, check=check
            )
        return self.stores[where]

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

    def source_of(self, base: str) -> object:
        """What decides the records of a split besides the bytes of its files."""
        return _only(self.parts.source_fingerprint(), base)

    def root(self, base: str) -> Path:
        """The corpus folder; of a split whose corpus is not here a folder that nothing can be read from."""
        return Path("/nonexistent") if base in self.absent else self.parts.adapter.root

    def hashes(self, base: str) -> dict[str, str]:
        """SHA-256 of every file that a split is read from, as whoever prepared it told where there is no
        corpus here.
        """
        if base in self.read:
            return self.read[base]
        adapter = self.parts.adapter
        try:
            files = list(adapter.files(base))
        except OSError as error:
            raise unreadable(error, adapter.root) from None
        except DataError as error:
            if error.code != ABSENT or self.cache.elsewhere is None:
                raise
            if base not in self.absent:
                known = self.cache.elsewhere.files_of(self.source_of(base), base)
                if known is None:
                    raise
                self.absent[base] = known
            return self.absent[base]
        memory = self.cache.root / "hashes"
        self.read[base] = file_hashes(files, root=adapter.root, memory=memory, progress=self.progress)
        return self.read[base]

    def records_key(self, base: str) -> object:
        """What decides the records of a split."""
        if base not in self.keys:
            on_error = self.parts.config.on_error
            self.keys[base] = key_of(
                {
                    "source": self.source_of(base),
                    "split": base,
                    "files": self.hashes(base),
                    "on_error": on_error if isinstance(on_error, str) else on_error.model_dump(),
                }
            )
        return self.keys[base]

    def records(self, base: str, ahead: Ahead | None = None) -> Store:
        """The records of a split of the corpus; where they are not there yet, ``ahead`` gives what takes
        their frames meanwhile.
        """

        def build(folder: Path) -> None:
            root = self.parts.adapter.root
            workers = self.workers if self.shard is None else Workers()  # a part may be too small for several
            with nullcontext() if ahead is None else ahead() as frames:
                write_records(
                    folder, parts=self.parts, split=base, root=root, workers=workers,
                    progress=self.progress, ahead=frames,
                )  # fmt: skip

        store = self.store("records", (base,), {"records": self.records_key(base)}, build)
        if base == "train" and not store.rows:
            raise no_examples(self.parts.adapter, "train")
        expected = self.parts.config.expect.get(base)
        if expected is not None and store.rows != expected:
            message = f"{base} has {store.rows:,} examples, and the spec expects {expected:,}"
            raise DataError(message, help=f"check the corpus, or fix `data.expect.{base}`")
        return store

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
        """What decides the training examples: the records, and what is cut out of them."""
        config = self.parts.config.split
        return [self.records_key("train"), None if config is None else config.model_dump(mode="json")]


def _fitting(counted: Counted, parts: DataParts) -> Counted:
    """What a loss counts here: examples where its field has no length, and no ends in packed rows."""
    type_ = parts.roles.get(counted.field)
    if parts.config.pack is not None and isinstance(type_, AnswerSpans):
        return Counted("target", "tokens")
    if type_ is not None and not isinstance(type_, SEQUENCES):
        return counted._replace(unit="examples")
    if parts.config.pack is not None and counted.unit == "tokens_and_end":
        return counted._replace(unit="tokens")
    return counted


def _only(fingerprint: Any, base: str) -> Any:
    """A source's fingerprint without what it says of other splits: they may change and this one stand."""
    adapter = dict(fingerprint["adapter"])
    for name in ("splits", "parts"):
        if isinstance(adapter.get(name), dict) and base in adapter[name] and not adapter.get("cut"):
            adapter[name] = {base: adapter[name][base]}
    return {**fingerprint, "adapter": adapter}
