"""What the processes do that ``test_sharded_model.py`` starts: ``SPEC FOLDER``.

One process imports everything, trains once, and forks the others, which then do all that is to be done.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.checkpoints.checkpoint import read_checkpoint
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.processes import agree, gather, together
from seqspec.runtime.devices.sharded_tensors import gathered, local
from seqspec.runtime.run import resume, run
from seqspec.runtime.training.strategies.shardable import shard
from seqspec.runtime.training.training_module import Training
from tests.runtime.training.process_groups import Scenes, forked, launch_of
from tests.runtime.training.split_parts import compared

ALONE = launch_of(1, "auto")


def main(spec: Path, folder: Path) -> None:
    whole_run(spec, folder / "one", ALONE)
    one = next((folder / "one").glob("*/2*"))
    cut(one, folder / "grown")
    cut(one, folder / "split_grown")
    cut(one, folder / "both_grown")
    grouped = spec.with_stem("grouped")
    whole_run(grouped, folder / "grouped_one", ALONE)
    factored = spec.with_stem("factored")
    whole_run(factored, folder / "factored_one", ALONE)
    forked(4, lambda: all_scenes(spec, grouped, factored, folder))


def all_scenes(spec: Path, grouped: Path, factored: Path, folder: Path) -> None:
    scenes = Scenes(folder)
    fewer = folder / "fewer"
    scenes.play(4, lambda: whole_run(spec, fewer, launch_of(4, "fsdp", pause_at=1)))
    scenes.play(2, lambda: go_on(fewer, launch_of(2, "fsdp", pause_at=3)))
    scenes.play(1, lambda: go_on(fewer, ALONE))
    mesh = folder / "mesh"
    scenes.play(4, lambda: whole_run(grouped, mesh, launch_of(4, "tp", tensor_parallel=2, pause_at=1)))
    scenes.play(2, lambda: go_on(mesh, launch_of(2, "tp", pause_at=3)))
    scenes.play(1, lambda: go_on(mesh, ALONE))
    both, again = folder / "both", launch_of(4, "fsdp", tensor_parallel=2)
    scenes.play(4, lambda: whole_run(grouped, both, replace(again, pause_at=1)))
    scenes.play(2, lambda: go_on(both, launch_of(2, "fsdp", pause_at=2)))
    scenes.play(1, lambda: go_on(both, replace(ALONE, pause_at=3)))
    scenes.play(4, lambda: go_on(both, again))
    factors = folder / "factored"
    scenes.play(4, lambda: whole_run(factored, factors, replace(again, pause_at=1)))
    scenes.play(2, lambda: go_on(factors, launch_of(2, "tp", pause_at=2)))
    scenes.play(2, lambda: go_on(factors, launch_of(2, "fsdp", pause_at=3)))
    scenes.play(4, lambda: go_on(factors, again))
    scenes.play(2, lambda: split_parts(folder))
    scenes.play(2, lambda: whole_run(spec, folder / "ddp", launch_of(2, "ddp")))
    for launch, name in ((launch_of(2, "fsdp"), ""), (launch_of(2, "tp"), "split_"), (again, "both_")):
        scenes.play(launch.devices, lambda: halves(spec, folder, launch, name))  # noqa: B023  called at once
        scenes.play(1, lambda: shrunk(folder, name))  # noqa: B023


def whole_run(spec: Path, runs: Path, launch: Launch) -> None:
    run(compile_spec(spec), runs=runs, launch=launch)


def go_on(runs: Path, launch: Launch) -> None:
    resume(next(runs.glob("*/2*")), launch=launch)


def shrunk(folder: Path, name: str) -> None:
    """The second half, by one process, of what two began."""
    whole = next((folder / f"{name}whole").glob("*/2*"))
    resume(cut(whole, folder / f"{name}shrunk"), launch=ALONE)


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


def split_parts(folder: Path) -> None:
    place = Place.here(launch_of(2, "tp"))
    (folder / f"parts-{place.rank}.json").write_text(json.dumps(compared(place)))


def cut(path: Path, folder: Path, last: str = "step-00000004") -> Path:
    """A copy of a run that stopped after the first of its checkpoints, before the ``last``."""
    copy = folder / path.parent.name / path.name
    shutil.copytree(path, copy)
    shutil.rmtree(copy / "checkpoints" / last)
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
