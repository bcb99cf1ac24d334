"""What the processes do that ``test_sharded_model.py`` starts: ``SPEC FOLDER``.

One process imports everything and forks the others, so that this is paid for once; it trains nothing itself,
since a fork does not take the threads of torch along.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.checkpoints.checkpoint import read_checkpoint
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.devices.processes import agree, gather, together
from seqspec.runtime.devices.sharded_tensors import gathered, local
from seqspec.runtime.run import resume, run
from seqspec.runtime.training.strategies.shardable import shard
from seqspec.runtime.training.training_module import Training


def main(spec: Path, folder: Path) -> None:
    alone = launch_of(1, "auto")
    forked(1, lambda: whole_run(spec, folder / "one", alone))
    one = next((folder / "one").glob("*/2*"))
    cut(one, folder / "grown")
    cut(one, folder / "split_grown")
    forked(2, lambda: whole_run(spec, folder / "ddp", launch_of(2, "ddp")))
    forked(2, lambda: halves(spec, folder, launch_of(2, "fsdp"), ""))
    forked(2, lambda: halves(spec, folder, launch_of(2, "tp"), "split_"))
    for name in ("", "split_"):
        whole = next((folder / f"{name}whole").glob("*/2*"))
        part = cut(whole, folder / f"{name}shrunk")
        forked(1, partial(resume, part, launch=alone))
    four_two_one(spec, folder / "fewer")


def launch_of(count: int, strategy: str, **more: int) -> Launch:
    return Launch(device="cpu", devices=count, strategy=strategy, threads=1, quiet=True, **more)


def forked(count: int, work: Callable[[], object]) -> None:
    """``work`` in each of ``count`` processes that find each other."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = []
    for rank in range(count):
        started.append(os.fork())
        if started[-1] == 0:
            os.environ.update({**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)})
            try:
                work()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            sys.stdout.flush()
            os._exit(0)
    if any([os.waitpid(one, 0)[1] for one in started]):
        sys.exit("a process failed")


def whole_run(spec: Path, runs: Path, launch: Launch) -> None:
    run(compile_spec(spec), runs=runs, launch=launch)


def halves(spec: Path, folder: Path, launch: Launch, name: str) -> None:
    """A whole run, its second half again, and the second half of one that a single process began."""
    compiled = compile_spec(spec)
    with together(launch) as place:
        whole = run(compiled, runs=folder / f"{name}whole", launch=launch).folder
        again = agree(None if place.rank else cut(whole.path, folder / f"{name}again"), place)
        for path in (again, next((folder / f"{name}grown").glob("*/2*"))):
            resume(path, launch=launch)
        found = _restored(compiled, whole.checkpoints / "step-00000002", place, launch)
        if not place.rank:
            (folder / f"{name}found.json").write_text(json.dumps(found))


def four_two_one(spec: Path, runs: Path) -> None:
    """One run, a stretch of which is done by four processes, one by two, and one by one."""
    forked(4, lambda: whole_run(spec, runs, launch_of(4, "fsdp", pause_at=1)))
    path = next(runs.glob("*/2*"))
    forked(2, lambda: resume(path, launch=launch_of(2, "fsdp", pause_at=3)))
    forked(1, lambda: resume(path, launch=launch_of(1, "auto")))


def cut(path: Path, folder: Path) -> Path:
    """A copy of a run that stopped after the first of its checkpoints."""
    copy = folder / path.parent.name / path.name
    shutil.copytree(path, copy)
    shutil.rmtree(copy / "checkpoints" / "step-00000004")
    return copy


def _restored(compiled, checkpoint, place, launch):
    """A module that a checkpoint is put into: what it holds, and what of it lies in each process."""
    assembled = assemble(compiled)
    sharded = shard(assembled.program.model, place, launch)
    module = Training(assembled.program, micro_batches=4, place=place, sharded=sharded)
    saved = read_checkpoint(checkpoint)
    module.restore(saved.tensors, saved.state)
    now = module.tensors()
    equal = [
        torch.equal(gathered(now[file][name]), tensor)
        for file, tensors in saved.tensors.items()
        for name, tensor in sorted(tensors.items())
    ]
    names = {file: sorted(held) for file, held in now.items()} == {
        file: sorted(held) for file, held in saved.tensors.items()
    }
    held = sum(local(one).numel() for tensors in now.values() for one in tensors.values())
    total = sum(one.numel() for tensors in now.values() for one in tensors.values())
    return {"equal": all(equal) and names, "held": gather(held), "total": total}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
