"""Row R8: every single edit is reported by the lock, and nothing else is."""

from __future__ import annotations

import importlib.metadata
import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness.trials import COMMON, FAMILIES, Laboratory

Row = dict[str, Any]


def honesty(lab: Laboratory, *, edits: int, seed: int) -> Row:
    """Edits of data, spec, code, versions and threads are found; comments, order and times raise no alarm."""
    bench = _Bench(lab)
    random_ = random.Random(seed)
    found = alarms = 0
    missed: list[str] = []
    kinds = list(bench.edits())
    for number in range(edits):
        name, edit = kinds[number % len(kinds)]
        with edit(random_):
            seen = bench.drifts()
        found += bool(seen)
        if not seen:
            missed.append(name)
    harmless = list(bench.harmless())
    for number in range(edits):
        name, edit = harmless[number % len(harmless)]
        with edit(random_):
            seen = bench.drifts()
        alarms += bool(seen)
        if seen:
            missed.append(f"alarm: {name}: {seen[0]}")
    return {
        "row": "R8",
        "edits": edits,
        "found": found,
        "harmless": edits,
        "false_alarms": alarms,
        "notes": missed[:5],
    }


Edit = Callable[[random.Random], Any]


class _Bench:
    """A small corpus with its spec, a copy of the package's code, and the lock of it all."""

    def __init__(self, lab: Laboratory) -> None:
        import seqspec

        self.root = lab.root / "lock"
        shutil.rmtree(self.root, ignore_errors=True)
        self.corpus = self.root / "corpus"
        self.corpus.mkdir(parents=True)
        for split, count in (("train", 60), ("dev", 8)):
            for language in ("de", "en"):
                text = "".join(
                    f"{language} line {i} {'abcdefgh'[i % 8] * (i % 5 + 1)}\n" for i in range(count)
                )
                (self.corpus / f"{split}.{language}").write_text(text)
        self.code = self.root / "seqspec"
        shutil.copytree(
            Path(seqspec.__file__).parent, self.code, ignore=shutil.ignore_patterns("__pycache__")
        )
        self.content = {"name": "lock", **COMMON, **FAMILIES["seq2seq"]}
        source = {
            "type": "bitext",
            "root": str(self.corpus),
            "source_language": "de",
            "target_language": "en",
        }
        self.content["data"] = {**FAMILIES["seq2seq"]["data"], "source": source}
        self.spec = lab.spec("lock", self.content)
        self.lab = lab
        self.package = self.code / "__init__.py"
        self.lock = self.now()

    def now(self) -> dict[str, Any]:
        """The lock as things stand; the code is hashed in the copy."""
        import seqspec
        from seqspec.compile.pipeline import compile as compile_spec
        from seqspec.runtime.devices.launch import Launch
        from seqspec.runtime.run_stages.preparation import locked_now

        file, seqspec.__file__ = seqspec.__file__, str(self.package)
        try:
            return locked_now(compile_spec(self.spec), launch=Launch(threads=1, device="cpu", quiet=True))
        finally:
            seqspec.__file__ = file

    def drifts(self) -> list[str]:
        from seqspec.runtime.reproducibility.lock import drifts

        return [str(drift) for drift in drifts(self.lock, self.now())]

    def edits(self) -> Iterator[tuple[str, Edit]]:
        yield "data byte", self._byte
        yield "component source", self._source
        yield "spec field", self._field
        yield "package version", self._version
        yield "threads", self._threads

    def harmless(self) -> Iterator[tuple[str, Edit]]:
        yield "comment", self._comment
        yield "key order", self._order
        yield "time of a file", self._touch
        yield "a default spelled out", self._spelled

    @contextmanager
    def _byte(self, random_: random.Random) -> Iterator[None]:
        path = self.corpus / random_.choice(["train.de", "train.en", "dev.de", "dev.en"])
        data = bytearray(path.read_bytes())
        at = random_.choice([i for i, byte in enumerate(data) if byte in b"abcdefgh"])
        data[at] = data[at] ^ 1 if data[at] != ord("a") else ord("b")
        with _changed(path, bytes(data)):
            yield

    @contextmanager
    def _source(self, random_: random.Random) -> Iterator[None]:
        inside = (
            "components/encoder/transformer.py",
            "schema/optimizer/adamw.py",
            "data/batching/order.py",
            "runtime/training/training_module.py",
            "components/_layers/attention.py",
            "components/loss/cross_entropy.py",
        )
        path = self.code / random_.choice(inside)
        with _changed(path, path.read_bytes() + b"\n# another line\n"):
            yield

    @contextmanager
    def _field(self, random_: random.Random) -> Iterator[None]:
        changed = random_.choice([
            {"seed": random_.randint(4, 1000)},
            {"train": {**COMMON["train"], "clip_norm": random_.uniform(0.1, 0.9)}},  # type: ignore[dict-item]
            {"train": {**COMMON["train"], "max_steps": random_.randint(25, 99)}},  # type: ignore[dict-item]
            {"loss": {"type": "cross_entropy", "label_smoothing": random_.uniform(0.01, 0.3)}},
        ])  # fmt: skip
        with self._respec({**self.content, **changed}):
            yield

    @contextmanager
    def _version(self, random_: random.Random) -> Iterator[None]:
        from seqspec.runtime.reproducibility import lock

        name = random_.choice(["torch", "numpy", "lightning", "sentencepiece"])
        kept = lock.version
        lock.version = lambda asked: "0.0.1" if asked == name else importlib.metadata.version(asked)
        lock.package_versions.cache_clear()  # as a process begins that finds the other version
        try:
            yield
        finally:
            lock.version = kept
            lock.package_versions.cache_clear()

    @contextmanager
    def _threads(self, random_: random.Random) -> Iterator[None]:
        from seqspec.runtime.run_stages import preparation

        kept = preparation.this_machine
        from dataclasses import replace

        preparation.this_machine = lambda device: replace(kept(device), threads=random_.randint(2, 64))
        try:
            yield
        finally:
            preparation.this_machine = kept

    @contextmanager
    def _comment(self, random_: random.Random) -> Iterator[None]:
        with _changed(self.spec, b"# a remark\n" + self.spec.read_bytes() + b"\n# and another\n"):
            yield

    @contextmanager
    def _order(self, random_: random.Random) -> Iterator[None]:
        keys = list(self.content)
        random_.shuffle(keys)
        with self._respec({key: self.content[key] for key in keys}):
            yield

    @contextmanager
    def _touch(self, random_: random.Random) -> Iterator[None]:
        os.utime(random_.choice(sorted(self.corpus.iterdir())))
        yield

    @contextmanager
    def _spelled(self, random_: random.Random) -> Iterator[None]:
        train: dict[str, Any] = {**COMMON["train"], "accumulate": 1, "l2": 0.0}  # type: ignore[dict-item]
        with self._respec({**self.content, "train": train}):
            yield

    @contextmanager
    def _respec(self, content: Mapping[str, Any]) -> Iterator[None]:
        kept = self.spec.read_bytes()
        self.lab.spec("lock", content)
        try:
            yield
        finally:
            self.spec.write_bytes(kept)


@contextmanager
def _changed(path: Path, data: bytes) -> Iterator[None]:
    kept = path.read_bytes()
    path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(kept)
