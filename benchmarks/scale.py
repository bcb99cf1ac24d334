"""A corpus of millions of lines: prepared, indexed, bucketed and resumed in bounded memory.

    python benchmarks/scale.py --lines 1000000 --folder /tmp/scale

Writes a synthetic bitext once, prepares it in a process of its own whose peak memory is watched, opens it
again, and asks for batches near the beginning and near the end of time.  Prints one JSON line a size;
`--lines` may be given several times, and the cost of a line should not grow.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

WORDS = 4000


def write_corpus(folder: Path, *, lines: int) -> float:
    """Two files of parallel lines of 1 to 30 words; gives the seconds it took."""
    import numpy as np

    begun = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    names = {
        "ja": np.array([f"源{n}" for n in range(WORDS)]),
        "en": np.array([f"word{n}" for n in range(WORDS)]),
    }
    rng = np.random.default_rng(0)
    files = {side: (folder / f"train.{side}").open("w", encoding="utf-8", newline="\n") for side in names}
    for start in range(0, lines, 50_000):
        count = min(50_000, lines - start)
        lengths = np.clip(rng.gamma(4.0, 2.5, count), 1, 30).astype(int)
        for side, words in names.items():
            sizes = np.maximum(1, lengths + rng.integers(-1, 2, count))
            chosen = words[(rng.random(int(sizes.sum())) ** 3 * WORDS).astype(int)]
            ends = np.cumsum(sizes).tolist()
            held = chosen.tolist()
            files[side].writelines(" ".join(held[a:b]) + "\n" for a, b in zip([0, *ends], ends, strict=False))
    for file in files.values():
        file.close()
    return time.perf_counter() - begun


def make_parts(folder: Path) -> Any:
    """The data part of a translation experiment over that folder."""
    from seqspec.components.adapter.bitext import Bitext
    from seqspec.components.tokenizer.words import Words
    from seqspec.data.stages.parts import DataParts
    from seqspec.data.text.text_pipeline import TextProcessor
    from seqspec.schema.catalogue import Catalogue
    from seqspec.schema.sections.data import Data

    pipeline = {"tokenizer": {"type": "words"}}
    config = Data.model_validate(
        {
            "source": {
                "type": "bitext",
                "root": str(folder),
                "source_language": "en",
                "target_language": "ja",
                "splits": {"train": "train"},
            },
            "text": {"source": pipeline, "target": pipeline},
            "filter": {"max_source_tokens": 64, "duplicates": "drop"},
            "batch": {"unit": "tokens", "size": 25_000.0},
        },
        context=Catalogue(),
    )
    roles = config.source.roles()
    text = {r: TextProcessor(tokenizer=Words(getattr(config.text, r).tokenizer, roles[r])) for r in roles}
    return DataParts(
        config=config, adapter=Bitext(config.source), roles=roles, text=text, fingerprints={}, seed=1
    )


class Peak:
    """Watches the memory that is this process's own: pages of mapped files can be dropped at any time."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self.bytes = max(self.bytes, _anonymous())


def _anonymous() -> int:
    """Resident anonymous memory, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def prepare_once(folder: str, cache: str, queue: Any) -> None:
    """Prepare, then plan; figures go to the queue."""
    from seqspec.data.batching.cached_layouts import stored_layout
    from seqspec.data.stages.prepare import prepare

    parts = make_parts(Path(folder))
    with Peak() as peak:
        begun, cpu = time.perf_counter(), time.process_time()
        prepared = prepare(parts, cache=Path(cache), processes=1)
        split = prepared.splits["train"]
        seconds, used = time.perf_counter() - begun, time.process_time() - cpu
        begun = time.perf_counter()
        stored_layout(split, parts)
        planned = time.perf_counter() - begun
    queue.put(
        {
            "examples": len(split),
            "prepare_seconds": round(seconds, 3),
            "prepare_cpu_seconds": round(used, 3),
            "layout_seconds": round(planned, 3),
            "peak_anonymous_mib": round(peak.bytes / 2**20, 1),
        }
    )


def open_again(folder: str, cache: str, queue: Any) -> None:
    """Open what is prepared; time it, and single batches."""
    from seqspec.data.batching.loader import training_order
    from seqspec.data.stages.prepare import prepare

    parts = make_parts(Path(folder))
    with Peak() as peak:
        begun = time.perf_counter()
        prepared = prepare(parts, cache=Path(cache), processes=1)
        split = prepared.splits["train"]
        order = training_order(parts, split)
        opened = time.perf_counter() - begun
        order.batch(0)
        times = {}
        for number in (1, 10**4, 10**8, 10**12):
            begun = time.perf_counter()
            for further in range(20):
                order.batch(number + further)
            times[str(number)] = round((time.perf_counter() - begun) / 20 * 1e6, 1)
        waste = _waste(order, split)
    queue.put(
        {
            "open_seconds": round(opened, 4),
            "batch_microseconds": times,
            "batches_an_epoch": order.batches(0),
            "padding": round(waste, 5),
            "open_peak_anonymous_mib": round(peak.bytes / 2**20, 1),
        }
    )


def _waste(order: Any, split: Any) -> float:
    cells = real = 0
    for number in range(min(300, order.batches(0))):
        held = split.lengths[order.batch(number).examples]
        cells += int(held.max(axis=0).sum()) * len(held)
        real += int(held.sum())
    return 1 - real / cells


def apart(work: Any, *args: str) -> dict[str, Any]:
    """Run in a fresh process and give what it reports."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=work, args=(*args, queue))
    process.start()
    while process.is_alive() and queue.empty():
        time.sleep(0.05)
    if queue.empty():
        raise SystemExit(f"{work.__name__} failed with exit code {process.exitcode}")
    found: dict[str, Any] = queue.get()
    process.join()
    return found


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, action="append", help="lines of the corpus; may be repeated")
    parser.add_argument("--folder", type=Path, required=True, help="where the corpora and caches go")
    given = parser.parse_args()
    from seqspec.data.store.hashes import SETTLED_NS

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for lines in given.lines or [1_000_000]:
        corpus, cache = given.folder / f"corpus{lines}", given.folder / f"cache{lines}"
        if not (corpus / "done").exists():
            print(f"writing {lines:,} lines: {write_corpus(corpus, lines=lines):.0f} s", file=sys.stderr)
            (corpus / "done").touch()
            time.sleep(SETTLED_NS / 1e9 + 0.5)  # a younger corpus is hashed again when it is next opened
        size = sum(path.stat().st_size for path in corpus.iterdir())
        row = {"lines": lines, "corpus_bytes": size}
        row |= apart(prepare_once, str(corpus), str(cache))
        row |= apart(open_again, str(corpus), str(cache))
        row["cache_bytes"] = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
        row["prepare_cpu_microseconds_a_line"] = round(row["prepare_cpu_seconds"] / lines * 1e6, 2)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
