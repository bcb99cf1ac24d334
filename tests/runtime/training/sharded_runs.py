"""What each of the processes does that ``test_sharded_model.py`` starts: ``SPEC FOLDER``."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.checkpoints.checkpoint import read_checkpoint
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.devices.processes import agree, gather, together
from seqspec.runtime.devices.sharded_tensors import gathered, local
from seqspec.runtime.run import resume, run
from seqspec.runtime.training.strategies.sharded_model import ShardedModel
from seqspec.runtime.training.training_module import Training


def main(spec: Path, folder: Path) -> None:
    launch = Launch(
        device="cpu", devices=int(os.environ["WORLD_SIZE"]), strategy="fsdp", threads=1, quiet=True
    )
    compiled = compile_spec(spec)
    with together(launch) as place:
        whole = run(compiled, runs=folder / "whole", launch=launch).folder
        again = agree(None if place.rank else cut(whole.path, folder / "again"), place)
        for path in (again, next((folder / "grown").glob("*/2*"))):
            resume(path, launch=launch)
        found = _restored(compiled, whole.checkpoints / "step-00000002", place)
        if not place.rank:
            (folder / "found.json").write_text(json.dumps(found))


def cut(path: Path, folder: Path) -> Path:
    """A copy of a run that stopped after the first of its checkpoints."""
    copy = folder / path.parent.name / path.name
    shutil.copytree(path, copy)
    shutil.rmtree(copy / "checkpoints" / "step-00000004")
    return copy


def _restored(compiled, checkpoint, place):
    """A module that a checkpoint is put into: what it holds, and what of it lies in each process."""
    assembled = assemble(compiled)
    sharded = ShardedModel(assembled.program.model, place, device="cpu")
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
