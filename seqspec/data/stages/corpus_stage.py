"""The first stage: what stands in which split, and the records of each, cached under what decides them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqspec.data.corpus.adapter import Listing
from seqspec.data.corpus.corpus_check import no_examples
from seqspec.data.corpus.splitting import cut
from seqspec.data.corpus.synthetic import synthetic
from seqspec.data.printable import show
from seqspec.data.progress import Progress
from seqspec.data.stages.parts import DataParts
from seqspec.data.stages.recordings import FramesAhead
from seqspec.data.stages.records import write_records
from seqspec.data.stages.row_shards import Shard, Write, judged_rows, shared_store
from seqspec.data.store.cache import Cache, key_of
from seqspec.data.store.hashes import Stamped, first_changed, name_below, stamped_files, unreadable
from seqspec.data.store.listings import Remembered, remember, remembered
from seqspec.data.store.store import Store
from seqspec.data.worker_processes import Workers
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import SEQUENCES, AnswerSpans, Classes, Counted

Ahead = Callable[[], AbstractContextManager[FramesAhead]]

ABSENT = "SQ401"
"""The code of a corpus that is not there at all."""


class Look(NamedTuple):
    """What was found of a split's files."""

    began: int
    """When it was looked, in nanoseconds since 1970."""
    files: Sequence[Path]
    memory: Path | None = None
    """Where they are remembered; ``None`` where folders may have to be read to find them."""
    last: Remembered | None = None
    """Those of the last time, where nothing has changed."""
    tables: Sequence[str] = ()
    absent: Sequence[Path] = ()
    """What tables name and is not there."""


@dataclass
class CorpusStage:
    """Records by split; every store that was opened is kept."""

    parts: DataParts
    cache: Cache
    progress: Progress
    workers: Workers
    stores: dict[tuple[str, ...], Store] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    read: dict[str, Mapping[str, Stamped]] = field(default_factory=dict)
    """The files that splits are read from, as they were when they were first asked for."""
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
        files = self._files(base)
        return self.absent[base] if files is None else {name: one.sha256 for name, one in files.items()}

    def _files(self, base: str) -> Mapping[str, Stamped] | None:
        """The files of a split by name; ``None`` where its corpus is not here but known elsewhere."""
        if base in self.read:
            return self.read[base]
        try:
            look = self._look(base)
        except OSError as error:
            raise unreadable(error, self.parts.adapter.root) from None
        except DataError as error:
            if error.code != ABSENT or self.cache.elsewhere is None:
                raise
            if base not in self.absent:
                known = self.cache.elsewhere.files_of(self.source_of(base), base)
                if known is None:
                    raise
                self.absent[base] = known
            return None
        self.read[base], self.keys[base] = self._known(base, look)
        return self.read[base]

    def _look(self, base: str) -> Look:
        """Find the files of a split."""
        adapter, began = self.parts.adapter, time.time_ns()
        listed: Callable[[str], Listing | None] | None = getattr(adapter, "listing", None)
        listing = None if listed is None else listed(base)
        if listing is None:
            return Look(began, list(adapter.files(base)))
        key = key_of([self._decided(base), str(adapter.root)])
        memory = self.cache.root / "hashes" / f"{key}.split.json"
        tables = [str(path) for path in listing.tables]
        last = remembered(memory, root=adapter.root, tables=tables)
        if last is not None:
            return Look(began, [], memory, last)
        named = listing.looked_up()
        return Look(began, [*listing.tables, *named.found], memory, tables=tables, absent=named.absent)

    def _known(self, base: str, look: Look) -> tuple[Mapping[str, Stamped], str]:
        """The files of a split with their hashes, and the key of its records."""
        if look.last is not None:
            return look.last.files, look.last.key
        root, hashes = self.parts.adapter.root, self.cache.root / "hashes"
        files = stamped_files(look.files, root=root, memory=hashes, progress=self.progress)
        key = key_of({**self._decided(base), "files": {name: one.sha256 for name, one in files.items()}})
        if look.memory is not None:
            absent = [name_below(path, root) for path in look.absent]
            remember(look.memory, Remembered(files, key), tables=look.tables, absent=absent, began=look.began)
        return files, key

    def _decided(self, base: str) -> dict[str, object]:
        """What decides the records of a split besides its files."""
        on_error = self.parts.config.on_error
        return {
            "source": self.source_of(base),
            "split": base,
            "on_error": on_error if isinstance(on_error, str) else on_error.model_dump(),
        }

    def records_key(self, base: str) -> str:
        """What decides the records of a split."""
        if base not in self.keys and self._files(base) is None:
            self.keys[base] = key_of({**self._decided(base), "files": self.absent[base]})
        return self.keys[base]

    def require_unchanged(self, base: str, folder: Path) -> None:
        """Raises ``DataError`` where a file of a split is no longer what it was when it was hashed; what was
        made of it in ``folder`` is taken away.
        """
        changed = first_changed(self.read.get(base, {}), self.parts.adapter.root)
        if changed is not None:
            shutil.rmtree(folder, ignore_errors=True)
            raise DataError(
                "the file was changed, or taken away, while the corpus was being prepared",
                corpus=getattr(self.parts.adapter, "corpus", ""),
                file=show(changed),
                help="run again once nothing writes to the corpus",
            )

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
                try:
                    self.require_unchanged(base, folder)
                except DataError:
                    if frames is not None:
                        frames.discard()
                    raise

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
