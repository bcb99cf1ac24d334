"""Features of a synthetic speech corpus worked out on Ray by one worker and by two, and whether the stores
are the same to the byte.

    python benchmarks/prepare_on_ray.py --recordings 800

The corpus is made, hashed and read, and its vocabulary learned, before the clock starts: those are done once,
by whoever comes first.  What is timed is the whole command on a Ray cluster of this machine that
runs already: its start, that of the workers, which each load the program, the shards and their joining.  The
same with a quarter of the recordings tells what each further one costs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from harness.critical_path import run

RATE, SECONDS = 16_000, 15
SPEC = """\
seqspec: 1
extends: base.yaml
name: prepare_on_ray
data:
  source:
    type: jsonl
    root: {folder}
    splits: {{train: train.jsonl, dev: dev.jsonl}}
    source: {{audio: file, rate: 16000}}
    target: {{text: text, language: en}}
evaluate: {{splits: [dev]}}
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--recordings", type=int, default=800)
    options.add_argument("--shards", type=int, default=8)
    options.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(told, Path(folder))


def measure(told: argparse.Namespace, folder: Path) -> None:
    """The whole command, and a quarter of its recordings: between the two no start counts."""
    clock: dict[int, list[float]] = {}
    critical: dict[int, list[float]] = {}
    same = True
    for number, count in enumerate((told.recordings, told.recordings // 4)):
        stores = {}
        for workers, (seconds, path, found) in _rows(told, folder / str(number), count):
            clock.setdefault(workers, []).append(seconds)
            critical.setdefault(workers, []).append(path)
            stores[workers] = found
            load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
            print(f"{count} recordings, {workers} workers: {seconds:.1f} s, {count / seconds:.1f} recordings/s, "
                  f"critical path {path:.1f} s; load {load} on {os.cpu_count()} cores", flush=True)  # fmt: skip
        first = stores[min(told.workers)]
        same &= bool(first) and all(found == first for found in stores.values())
    one, many = min(told.workers), max(told.workers)
    result: dict[str, object] = {"seconds": clock, "critical_path": critical, "same_bytes": same}
    for name, each in (("clock", clock), ("critical_path", critical)):
        (whole_one, few_one), (whole_many, few_many) = each[one], each[many]
        result[f"speedup_by_{name}"] = round(whole_one / whole_many, 2)
        result[f"speedup_by_{name}_beyond_a_quarter"] = round(
            (whole_one - few_one) / (whole_many - few_many), 2
        )
    print(json.dumps(result))


def _rows(
    told: argparse.Namespace, folder: Path, count: int
) -> Iterator[tuple[int, tuple[float, float, dict[str, str]]]]:
    """Seconds of the clock and of the critical path, and what was written, by workers."""
    folder.mkdir()
    spec = write_corpus(folder / "corpus", count)
    first = folder / "records"
    # Parts of more parts than rows hold no row: records and vocabulary are there then, and no frames.
    for split in ("train", "dev"):
        prepare(spec, first, "--split", split, "--shard", f"1/{count + 1}")
        for stage in ("ids_shards", "frames_shards"):
            shutil.rmtree(first / stage, ignore_errors=True)
    for workers in told.workers:
        cache = folder / f"cache{workers}"
        shutil.copytree(first, cache)
        os.sync()
        with cluster(workers) as address:
            began = time.perf_counter()
            path = prepare(
                spec, cache, "--split", "train", "--on", "ray", "--shards", str(told.shards), address=address
            )
            seconds = time.perf_counter() - began
        yield workers, (seconds, path, digests(cache))
        shutil.rmtree(cache)


def write_corpus(folder: Path, count: int) -> Path:
    """Recordings of noise, 15 s each, with a few words; gives the spec."""
    import soundfile

    folder.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, RATE * (SECONDS + 10)).astype("f4")
    rows = []
    for number in range(count):
        start = number * 997 % (RATE * 10)
        soundfile.write(
            folder / f"{number}.wav", noise[start : start + RATE * SECONDS], RATE, subtype="PCM_16"
        )
        rows.append(json.dumps({"file": f"{number}.wav", "text": f"word {number % 97} and {number % 89}"}))
    (folder / "train.jsonl").write_text("\n".join(rows) + "\n")
    (folder / "dev.jsonl").write_text("\n".join(rows[:8]) + "\n")
    base = Path(__file__).parents[1] / "seqspec" / "specs" / "asr_librispeech_ctc.yaml"
    shutil.copy(base, folder / "base.yaml")
    spec = folder / "spec.yaml"
    spec.write_text(SPEC.format(folder=folder))
    return spec


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """A Ray cluster of this machine with as many workers; gives its address."""
    import ray

    context = ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    try:
        yield context.address_info["address"]
    finally:
        ray.shutdown()


def prepare(spec: Path, cache: Path, *more: str, address: str = "") -> float:
    """Runs the command; gives the critical path in CPU seconds: its process and the busiest of Ray's workers."""
    environment = {**os.environ, "SEQSPEC_CACHE": str(cache), "RAY_ADDRESS": address, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "seqspec", "data", "prepare", str(spec), "--quiet", *more]
    return run(command, environment=environment, others=lambda _: rays_workers()).critical


def rays_workers() -> list[int]:
    """The processes of Ray that work for somebody."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if place.read_bytes().startswith(b"ray::"):
                found.append(int(place.parent.name))
        except OSError:  # gone meanwhile
            continue
    return found


def digests(cache: Path) -> dict[str, str]:
    """SHA-256 of every file of the stores but their manifests, which know when they were written."""
    found = {}
    for stage in ("frames", "ids", "index"):
        for file in sorted((cache / stage).rglob("*")):
            if file.is_file() and file.name != "manifest.json":
                with file.open("rb") as opened:
                    found[str(file.relative_to(cache))] = hashlib.file_digest(opened, "sha256").hexdigest()
    return found


if __name__ == "__main__":
    main()
