"""Weights of a finished run, chosen by name: ``best``, ``last``, ``average``, ``average:N``, ``step-…`` or
its number alone, or a file that ``seqspec average`` wrote.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from seqspec.compile.language.suggestions import which
from seqspec.data.store.durable import write_durably, writing
from seqspec.runtime.checkpoints.checkpoint import Checkpoint, folder_name, read_checkpoint
from seqspec.runtime.checkpoints.model_tensors import load_tensors
from seqspec.runtime.checkpoints.retention import best_steps, newest_sound, steps_of
from seqspec.runtime.checkpoints.tensor_file import Damaged, pieces, read_metadata, read_tensors
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.schema.diagnostic import Exit, RunError

SUFFIX = ".safetensors"
DIGITS = 15
"""Of the largest step that is asked for by its number."""


@dataclass(frozen=True)
class Chosen:
    """Weights and what they are called."""

    checkpoint: Checkpoint
    name: str
    """``step-…``; of a mean ``average-N-to-step-…``; of a file ``file-`` and the first digits of its
    SHA-256.
    """
    steps: tuple[int, ...] = ()
    """The steps of a mean."""


def choose(checkpoints: Path, name: str) -> Chosen:
    """The weights that ``name`` means; raises ``RunError`` where there are none that are sound."""
    if name.removeprefix("average:").endswith(SUFFIX):
        return _of_file(Path(name.removeprefix("average:")))
    checkpoint = chosen(checkpoints, name)
    if not name.startswith("average"):
        return Chosen(checkpoint, folder_name(checkpoint.step))
    planned = _kept(checkpoints).planned
    steps = tuple(planned if name == "average" else _newest(planned, name))
    return Chosen(checkpoint, f"average-{len(steps)}-to-{folder_name(steps[-1])}", steps)


def _of_file(path: Path) -> Chosen:
    """The mean that ``seqspec average`` wrote."""
    if not path.is_file():
        raise RunError(
            f"there is no file {path}", exit=Exit.USAGE, help="`seqspec average RUN --output FILE` writes one"
        )
    try:
        tensors, about = read_tensors(path), read_metadata(path)
        steps = tuple(int(step) for step in about.get("steps", "").split(",") if step)
    except (Damaged, ValueError) as error:
        raise RunError(f"{path} cannot be used: {error}", exit=Exit.STORAGE,
                       help="write it anew with `seqspec average`") from None  # fmt: skip
    name = f"file-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
    return Chosen(Checkpoint(max(steps, default=0), {"weights": tensors}, {}, path), name, steps)


def chosen(checkpoints: Path, name: str) -> Checkpoint:
    """The checkpoint that ``name`` means; raises ``RunError`` where there is none that is sound."""
    if name.removeprefix("average:").endswith(SUFFIX):
        return _of_file(Path(name.removeprefix("average:"))).checkpoint
    newest, training_state, planned = _kept(checkpoints)
    scores, present = training_state.scores, steps_of(checkpoints)
    match name:
        case "last":
            return newest
        case "best":
            ranked = best_steps([step for step in planned if step in scores], scores)
            return _sound(checkpoints, ranked[0]) if ranked else newest
        case "average":
            return averaged([_sound(checkpoints, step) for step in planned])
    if name.startswith("average:"):
        return averaged([_sound(checkpoints, step) for step in _newest(planned, name)])
    number = name.removeprefix("step-")  # as the folder is called, or the step alone
    if number.isascii() and number.isdigit() and len(number) <= DIGITS and int(number) in present:
        return _sound(checkpoints, int(number))
    known = ("best", "last", "average", "average:N", f"FILE{SUFFIX}", *map(folder_name, present))
    help = which(name, known, there="there are")
    raise RunError(f"there is no checkpoint {name!r}", exit=Exit.USAGE, help=help)


class _Kept(NamedTuple):
    """What a run has kept."""

    newest: Checkpoint
    training_state: TrainingState
    planned: list[int]
    """Steps whose checkpoints may be chosen: those of the plan; where a signal came before the first, all."""


def _kept(checkpoints: Path) -> _Kept:
    newest = newest_sound(checkpoints, lambda text: print(text, file=sys.stderr))
    if newest is None:
        raise RunError(
            f"{checkpoints} holds no sound checkpoint",
            exit=Exit.STORAGE,
            help="copy the run directory again, or train the run anew",
        )
    with readable(newest.step):
        training_state = TrainingState.from_json(newest.state["standing"])
    present = steps_of(checkpoints)
    return _Kept(
        newest, training_state, [step for step in present if training_state.planned(step)] or present
    )


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
    """The checkpoint's weights: the running average where it has one.  Raises ``RunError`` where they are not
    of this model.
    """
    with readable(checkpoint.step, file=checkpoint.file):
        load_tensors(model, {**checkpoint.tensors["weights"], **checkpoint.tensors.get("average", {})})


@contextmanager
def readable(step: int, *, file: Path | None = None) -> Iterator[None]:
    """Says of a checkpoint whose content is not that of this run which one it is and what does not fit."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        if file is not None:
            help = "name weights that `seqspec average` wrote of this run"
            raise RunError(f"{file} is not of this run: {why}", exit=Exit.STORAGE, help=help) from None
        raise RunError(
            f"checkpoint {folder_name(step)} does not fit the run's model: {why}",
            exit=Exit.STORAGE,
            help="leave out a `--set` that changes the model; without its folder the one before it is used",
        ) from None


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
    steps = _kept(folder.checkpoints).planned[-last if last else None :]
    mean = averaged([_sound(folder.checkpoints, step) for step in steps])
    about = {"format": "pt", "steps": ",".join(map(str, steps)), "run": folder.path.name}
    data = b"".join(bytes(data) for _, data in pieces(mean.tensors["weights"], about=about))
    with writing(output, help="name another place with --output"):
        write_durably(output, data)
    return steps


def _sound(checkpoints: Path, step: int) -> Checkpoint:
    try:
        return read_checkpoint(checkpoints / folder_name(step), step=step)
    except Damaged as error:
        raise RunError(
            f"{folder_name(step)} is damaged: {error}", exit=Exit.STORAGE, help="use another checkpoint"
        ) from None
