"""Weights of a finished run, chosen by name: ``best``, ``last``, ``average``, ``average:N`` or ``step-…``."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from seqspec.data.store.durable import write_durably
from seqspec.runtime.checkpoints.checkpoint import Checkpoint, folder_name, read_checkpoint
from seqspec.runtime.checkpoints.model_tensors import load_tensors
from seqspec.runtime.checkpoints.retention import best_steps, newest_sound, steps_of
from seqspec.runtime.checkpoints.tensor_file import Damaged, pieces
from seqspec.runtime.checkpoints.training_state import Standing
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.schema.diagnostic import Exit, RunError


def chosen(checkpoints: Path, name: str) -> Checkpoint:
    """The checkpoint that ``name`` means; raises ``RunError`` where there is none that is sound."""
    newest = newest_sound(checkpoints, lambda text: print(text, file=sys.stderr))
    if newest is None:
        raise RunError(f"{checkpoints} holds no sound checkpoint", exit=Exit.STORAGE)
    present = steps_of(checkpoints)
    scores = Standing.from_json(newest.state["standing"]).scores
    match name:
        case "last":
            return newest
        case "best":
            ranked = best_steps([step for step in present if step in scores], scores)
            return _sound(checkpoints, ranked[0]) if ranked else newest
        case "average":
            return averaged([_sound(checkpoints, step) for step in present])
    if name.startswith("average:"):
        return averaged([_sound(checkpoints, step) for step in _newest(present, name)])
    if name in {folder_name(step) for step in present}:
        return _sound(checkpoints, int(name.removeprefix("step-")))
    known = ", ".join(["best", "last", "average", "average:N", *map(folder_name, present)])
    raise RunError(f"there is no checkpoint {name!r}", exit=Exit.USAGE, help=f"there are {known}")


def _newest(present: list[int], name: str) -> list[int]:
    """The newest N steps of ``average:N``; fewer are not passed off as N."""
    number = name.removeprefix("average:")
    if not (number.isascii() and number.isdigit() and int(number)):
        raise RunError(
            f"{name!r} names no number of checkpoints", exit=Exit.USAGE, help="write it as `average:5`"
        )
    if int(number) > len(present):
        raise RunError(
            f"the run has kept {len(present)} checkpoints, and {name!r} needs {number}",
            exit=Exit.USAGE,
            help="`train.keep_last` says how many of the newest are kept",
        )
    return present[-int(number) :]


def use_weights(model: torch.nn.Module, checkpoint: Checkpoint) -> None:
    """The checkpoint's weights: the running average where it has one."""
    load_tensors(model, {**checkpoint.tensors["weights"], **checkpoint.tensors.get("average", {})})


def averaged(checkpoints: list[Checkpoint]) -> Checkpoint:
    """The mean of the weights of several checkpoints, summed in float64; whole numbers are the last one's."""
    last = checkpoints[-1]
    held = [{**c.tensors["weights"], **c.tensors.get("average", {})} for c in checkpoints]
    mean = {name: _mean([one[name] for one in held]) for name in held[-1]}
    return Checkpoint(last.step, {"weights": mean}, last.state)


def _mean(values: list[Tensor]) -> Tensor:
    if not values[-1].is_floating_point():
        return values[-1]
    return torch.stack([value.double() for value in values]).mean(0).to(values[-1].dtype)


def write_average(path: Path, *, output: Path, last: int | None) -> list[int]:
    """The mean of the newest ``last`` checkpoints (without it, of all) as a safetensors file; gives
    their steps.
    """
    folder = open_folder(path)
    steps = steps_of(folder.checkpoints)[-last if last else None :]
    if not steps:
        raise RunError(f"{path} holds no checkpoint", exit=Exit.STORAGE)
    mean = averaged([_sound(folder.checkpoints, step) for step in steps])
    write_durably(output, b"".join(bytes(data) for _, data in pieces(mean.tensors["weights"])))
    return steps


def _sound(checkpoints: Path, step: int) -> Checkpoint:
    try:
        return read_checkpoint(checkpoints / folder_name(step))
    except Damaged as error:
        raise RunError(
            f"{folder_name(step)} is damaged: {error}", exit=Exit.STORAGE, help="use another checkpoint"
        ) from None
