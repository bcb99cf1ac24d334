"""Features of a synthetic speech corpus worked out on Ray by one worker and by two, and whether the stores
are the same to the byte.

    python benchmarks/prepare_on_ray.py --recordings 800

The corpus is made, hashed and read, and its vocabulary learned, before the clock starts: those are done once,
by whoever comes first.  What is timed is the command with its shards and their joining, on a Ray cluster of
this machine that runs already and whose workers have loaded the program.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

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
    spec = write_corpus(folder / "corpus", told.recordings)
    first = folder / "records"
    # Parts of more parts than rows hold no row: records and vocabulary are there then, and no frames.
    for split in ("train", "dev"):
        prepare(spec, first, "--split", split, "--shard", f"1/{told.recordings + 1}")
        for stage in ("ids_shards", "frames_shards"):
            shutil.rmtree(first / stage, ignore_errors=True)
    seconds, stores = {}, {}
    for workers in told.workers:
        cache, warm = folder / f"cache{workers}", folder / f"warm{workers}"
        shutil.copytree(first, cache)
        shutil.copytree(first, warm)
        with cluster(workers) as address:
            prepare(
                spec, warm, "--split", "dev", "--on", "ray", "--shards", str(4 * workers), address=address
            )
            began = time.perf_counter()
            prepare(
                spec, cache, "--split", "train", "--on", "ray", "--shards", str(told.shards), address=address
            )
            seconds[workers] = time.perf_counter() - began
        stores[workers] = bytes_of(cache)
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        rate = told.recordings / seconds[workers]
        print(f"{workers} workers: {seconds[workers]:.1f} s, {rate:.1f} recordings/s; load {load} on {os.cpu_count()} cores",
              flush=True)  # fmt: skip
    one, many = min(told.workers), max(told.workers)
    same = all(stores[one] and found == stores[one] for found in stores.values())
    print(json.dumps({"seconds": seconds, "speedup": seconds[one] / seconds[many], "same_bytes": same}))


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


def prepare(spec: Path, cache: Path, *more: str, address: str = "") -> None:
    environment = {**os.environ, "SEQSPEC_CACHE": str(cache), "RAY_ADDRESS": address, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "seqspec", "data", "prepare", str(spec), "--quiet", *more]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def bytes_of(cache: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(cache)): file.read_bytes()
        for stage in ("frames", "ids", "index")
        for file in sorted((cache / stage).rglob("*"))
        if file.is_file() and file.name != "manifest.json"
    }


if __name__ == "__main__":
    main()
