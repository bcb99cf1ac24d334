"""Rows about files: R3 kills in mid-write, R5 flipped bits, and the same over Lightning's own checkpoints."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import time
from pathlib import Path
from typing import Any

from benchmarks.harness.trials import Laboratory, kill_after

Row = dict[str, Any]
MEGABYTES = 10


def torn_files(lab: Laboratory, *, kills: int, seed: int) -> Row:
    """R3: kill while 10 MB checkpoints are written one by one; what is loaded is whole and newest.

    Each trial waits for a first checkpoint, so that there is one to be loaded.
    """
    found: dict[str, int] = {}
    for name, folder in _places(lab):
        bad = 0
        for trial in range(kills // 2):
            place = folder / "torn"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            number = lab.child(lambda place=place: _write_for_ever(place))  # type: ignore[misc]
            _first_checkpoint(place)
            kill_after(number, random.Random(seed + trial).uniform(0.01, 0.25))
            bad += not _sound(place)
        found[name] = bad
        shutil.rmtree(folder / "torn", ignore_errors=True)
    return {
        "row": "R3",
        "kills": 2 * (kills // 2),
        "torn_files_loaded": sum(found.values()),
        "by_place": found,
        "seed": seed,
    }


def _first_checkpoint(place: Path, *, timeout: float = 100.0) -> None:
    deadline = time.monotonic() + timeout
    while not any(place.glob("step-*")):
        assert time.monotonic() < deadline, f"no checkpoint is written in {place.name}"
        time.sleep(0.002)


def torn_by_lightning(lab: Laboratory, *, kills: int, seed: int) -> Row:
    """The same over ``Trainer.save_checkpoint``: files under their final name that cannot be loaded."""
    import torch

    found: dict[str, int] = {}
    for name, folder in _places(lab):
        torn = 0
        for trial in range(kills // 2):
            place = folder / "torn"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            number = lab.child(lambda place=place: _lightning_for_ever(place))  # type: ignore[misc]
            while not (place / "ready").exists():
                time.sleep(0.002)
            kill_after(number, random.Random(seed + trial).uniform(0.05, 0.6))
            for file in place.glob("*.ckpt"):
                try:
                    torch.load(file, weights_only=True)
                except Exception:
                    torn += 1
        found[name] = torn
        shutil.rmtree(folder / "torn", ignore_errors=True)
    return {
        "row": "R3-lightning",
        "kills": 2 * (kills // 2),
        "torn_files": sum(found.values()),
        "by_place": found,
    }


def flipped_bits(lab: Laboratory, *, flips: int, seed: int) -> Row:
    """R5: one flipped bit anywhere in a checkpoint, or in a store of the data cache, is always found."""
    random_ = random.Random(seed)
    half = flips // 2
    checkpoint = _flip_checkpoint(lab, half, random_)
    with contextlib.redirect_stderr(io.StringIO()):
        cache = _flip_cache(lab, flips - half, random_)
    return {
        "row": "R5",
        "flips": flips,
        "detected": checkpoint + cache,
        "checkpoint": checkpoint,
        "cache": cache,
        "seed": seed,
    }


def _flip_checkpoint(lab: Laboratory, flips: int, random_: random.Random) -> int:
    import torch

    from seqspec.runtime.checkpoints.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
    from seqspec.runtime.checkpoints.tensor_file import Damaged

    place = lab.root / "flips"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    tensors = {
        "weights": {"w": torch.randn(200, 200), "b": torch.randn(7)},
        "optimizer": {"w/step": torch.tensor(3.0)},
    }
    folder = write_checkpoint(place, Checkpoint(1, tensors, {"a": 1.5}))
    return sum(
        _noticed(path, random_, lambda: read_checkpoint(folder), Damaged)
        for path in _chosen(folder, flips, random_)
    )


def _flip_cache(lab: Laboratory, flips: int, random_: random.Random) -> int:
    """The cache repairs what it finds damaged: a flip is detected where the store was built anew, the flip
    gone.
    """
    import numpy as np

    from seqspec.data.store.cache import Cache
    from seqspec.data.store.store import Column, StoreWriter, ragged

    root = lab.root / "flip-cache"
    shutil.rmtree(root, ignore_errors=True)
    builds: list[Path] = []

    def build(folder: Path) -> None:
        builds.append(folder)
        with StoreWriter(folder, {"ids": Column("int32")}) as writer:
            rows = [np.arange(50) + i for i in range(200)]
            writer.append({"ids": ragged(rows, "int32")})
            writer.commit()

    cache = Cache(root, verify=True)
    folder = cache.store("ids", {"test": 1}, build).folder
    detected = 0
    for path in _chosen(folder, flips, random_):
        before = len(builds)
        _flip(path, random_)
        try:
            cache.store("ids", {"test": 1}, build)
        except Exception:
            detected += 1
            shutil.rmtree(folder, ignore_errors=True)
            cache.store("ids", {"test": 1}, build)
            continue
        detected += len(builds) > before
    return detected


def _chosen(folder: Path, flips: int, random_: random.Random) -> list[Path]:
    """Files by their size, so that every bit is as likely as any other; each file at least sometimes."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.stat().st_size)
    weights = [path.stat().st_size + 2000 for path in files]
    return random_.choices(files, weights, k=flips)


def _noticed(path: Path, random_: random.Random, read: Any, expected: type[Exception]) -> bool:
    whole = path.read_bytes()
    _flip(path, random_)
    try:
        read()
    except expected:
        return True
    else:
        return False
    finally:
        path.write_bytes(whole)


def _flip(path: Path, random_: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
    path.write_bytes(bytes(data))


def _places(lab: Laboratory) -> list[tuple[str, Path]]:
    """The laboratory's filesystem, and another one where the temporary folder is not."""
    places = [("same", lab.root)]
    shared = Path("/dev/shm")
    if shared.is_dir() and os.access(shared, os.W_OK):
        other = shared / f"seqspec-reliability-{os.getpid()}"
        other.mkdir(exist_ok=True)
        places.append(("across", other))
    return places if len(places) == 2 else places * 2


def _write_for_ever(place: Path) -> int:
    import torch

    from seqspec.runtime.checkpoints.checkpoint import Checkpoint, write_checkpoint
    from seqspec.runtime.checkpoints.retention import Retention, prune

    step = 0
    while True:
        step += 1
        weights = {f"w{i}": torch.full((MEGABYTES * 1024 * 32,), float(step)) for i in range(8)}
        write_checkpoint(place, Checkpoint(step, {"weights": weights}, {"step": step}))
        prune(place, retention=Retention(last=2), scores={})


def _lightning_for_ever(place: Path) -> int:
    import lightning
    import torch

    class Plain(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(MEGABYTES * 1024 * 256))

        def training_step(self, batch: Any, index: int) -> Any:
            if index:
                self.trainer.save_checkpoint(place / f"step={index}.ckpt")
            else:
                (place / "ready").touch()
            return self.weight[:1].sum()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    import warnings

    warnings.simplefilter("ignore")
    trainer = lightning.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu"
    )
    trainer.fit(Plain(), [torch.zeros(1)] * 10_000)
    return 0


def _sound(place: Path) -> bool:
    """The newest checkpoint loads and holds what its step says; nothing else carries a final name."""
    from seqspec.runtime.checkpoints.checkpoint import sweep
    from seqspec.runtime.checkpoints.retention import newest_sound

    sweep(place)
    passed: list[str] = []
    newest = newest_sound(place, passed.append)
    if passed:
        return False
    return (
        newest is not None
        and all(bool((t == newest.step).all()) for t in newest.tensors["weights"].values())
        and newest.state["step"] == newest.step
    )
