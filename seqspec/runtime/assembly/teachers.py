"""Teachers beside the model of a program: opened from their runs, compared with what they teach, recorded."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from seqspec.compile.build.program import Program
from seqspec.compile.infer.objectives import read_by
from seqspec.runtime.assembly.assembled import Record
from seqspec.runtime.assembly.teacher_answers import ByExample
from seqspec.runtime.checkpoints.checkpoint import folder_name
from seqspec.runtime.checkpoints.model_tensors import load_tensors, state_tensors
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.checkpoints.tensor_file import digest_all
from seqspec.runtime.devices.sharded_tensors import gathered
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.schema.diagnostic import Exit, RunError, SpecError
from seqspec.schema.environment import expand
from seqspec.schema.loss._loss import teacher_of
from seqspec.schema.sections.teacher import Teacher
from seqspec.schema.types import Tokens

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Plan
    from seqspec.data.stages.parts import TextSteps
    from seqspec.runtime.assembly.assembled import Reopened

Open = Callable[[RunFolder], "Reopened"]


class Still(nn.Module):
    """A model that only answers: it has no gradients, and stays in evaluation whatever the rest does."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Still:
        return self

    def outputs(self, batch: Any, *, only: Any = None) -> Any:
        """Those of the model."""
        return self.model.outputs(batch, only=only)


class MovingAverage(Still):
    """The trained model as it was of late: Tarvainen & Valpola (2017)."""

    def __init__(self, model: Any, decay: float) -> None:
        super().__init__(copy.deepcopy(model))
        self.decay = decay

    @torch.no_grad()
    def follow(self, model: nn.Module) -> None:
        """One step towards the trained weights; what is no weight is taken as it is.

        All processes call it.
        """
        trained = state_tensors(model)
        for name, tensor in state_tensors(self.model).items():
            whole = gathered(trained[name])
            if tensor.is_floating_point():
                tensor.lerp_(whole, 1 - self.decay)
            else:
                tensor.copy_(whole)

    def tensors(self) -> dict[str, Tensor]:
        """For a checkpoint."""
        return state_tensors(self.model)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Back from a checkpoint."""
        load_tensors(self.model, dict(tensors))


def expect_teachers(plan: Plan) -> None:
    """Raises ``RunError`` where the run of a teacher is not there: before hours are spent on the data."""
    for name, wanted in _asked(plan).items():
        if wanted.run is not None:
            _folder(name, wanted)


def teach(program: Program, text: Mapping[str, TextSteps], *, open: Open) -> dict[str, Record]:
    """Put the teachers that the plan names beside the model of ``program``; gives a record of each that is a
    run's.

    ``text`` are the loaded text steps of the program by role.  Raises ``RunError`` naming both places where a
    teacher does not fit.
    """
    records: dict[str, Record] = {}
    for name, wanted in _asked(program.plan).items():
        if wanted.run is None:
            program.losses.teachers[name] = MovingAverage(program.module, wanted.ema or 0.0)
            continue
        folder = _folder(name, wanted)
        try:
            whole, checkpoint = open(folder), chosen(folder.checkpoints, wanted.checkpoint)
        except RunError as error:
            raise _refused(name, str(error), help=error.help, exit=error.exit) from None
        use_weights(whole.program.module, checkpoint)
        run = _of_task(name, wanted.task, folder, whole)
        _check(name, folder.path, program, run, text)
        still = Still(run.program.module)
        program.losses.teachers[name] = (
            ByExample(still, megabytes=wanted.keep_megabytes) if wanted.answers == "example" else still
        )
        records[name] = {
            "checkpoint": folder_name(checkpoint.step),
            "model": run.compiled.plan.digests["model"],
            "weights": digest_all(state_tensors(run.program.module)),
        }
    return records


def _of_task(name: str, task: str | None, folder: RunFolder, run: Reopened) -> Reopened:
    """What the run has learned of the task that is to teach."""
    if (task or "") in run.each:
        return run.each[task or ""]
    listed = ", ".join(f"`{one}`" for one in run.each if one)
    if not listed:
        raise _refused(name, f"{folder.path} has one task, which has no name", help="leave `task` out")
    asked = f"has no task `{task}`" if task else "has learned several tasks"
    raise _refused(name, f"{folder.path} {asked}", help=f"set `teachers.{name}.task` to one of {listed}")


def _check(name: str, path: Path, program: Program, run: Reopened, text: Mapping[str, TextSteps]) -> None:
    plan, theirs = program.plan, run.compiled.plan
    _check_inputs(name, path, plan, theirs)
    for place, loss in plan.losses.items():
        if teacher_of(loss) != name:
            continue
        on, where = read_by(loss, plan.outputs), ".".join(map(str, place))
        if on not in theirs.outputs:
            known = ", ".join(f"`{one}`" for one in theirs.outputs)
            raise _refused(name, f"`{where}` reads `{on}`, and {path} gives {known}", exit=Exit.DATA)
        expected, width = getattr(plan.config(place), "teacher_width", None), _width(theirs)
        if expected is not None and width is not None and expected != width:
            raise _refused(
                name,
                f"the states of {path} have {width} features, and `{where}` compares {expected}",
                help=f"set `{where}.teacher_dim` to {width}",
                exit=Exit.DATA,
            )
    for role in text.keys() & run.parts.text.keys():
        _check_pieces(name, path, role, text[role], run.parts.text[role])


def _check_inputs(name: str, path: Path, ours: Plan, theirs: Plan) -> None:
    """Both read the same batch, so it must be of the same types; vocabularies are compared piece by piece."""
    mine, other = (dict(plan.node("model").takes) for plan in (ours, theirs))
    for role in mine.keys() | other.keys():
        here, there = mine.get(role), other.get(role)
        if here != there and not (isinstance(here, Tokens) and isinstance(there, Tokens)):
            raise _refused(
                name,
                f"{path} reads {there or 'nothing'} as its {role}, and this experiment has {here or 'none'}",
                help="give both the same fields and features",
                exit=Exit.DATA,
            )


def _check_pieces(name: str, path: Path, role: str, ours: Any, theirs: Any) -> None:
    """Distributions can be compared only where the same id is the same piece of text."""
    mine, other = (list(steps.tokenizer.pieces(range(steps.vocab_size))) for steps in (ours, theirs))
    differing = next((id_ for id_, (a, b) in enumerate(zip(mine, other, strict=False)) if a != b), None)
    if differing is not None:
        how = f"id {differing} of the {role} text is {other[differing]!r} there and {mine[differing]!r} here"
    elif len(mine) != len(other):
        how = f"the {role} text has {len(other):,} ids there and {len(mine):,} here"
    else:
        return
    raise _refused(
        name,
        f"{path} has another vocabulary than `data.text` here: {how}",
        help="use that run's vocabulary, which lies under its `vocabularies/`: tokenizer "
        "`sentencepiece_file` or `symbols_file` reads it",
        exit=Exit.DATA,
    )


def _width(plan: Plan) -> int | None:
    node = next((node for node in plan.nodes if node.path == ("model", "head")), None)
    hidden = dict(node.takes).get("hidden") if node is not None else None
    return getattr(hidden, "dim", None)


def _asked(plan: Plan) -> dict[str, Teacher]:
    """The teachers that a loss of this experiment compares with, by name; those of other tasks are not."""
    asked = {teacher_of(loss) for loss in plan.losses.values()}
    return {name: one for name, one in sorted((plan.experiment.teachers or {}).items()) if name in asked}


def _folder(name: str, wanted: Teacher) -> RunFolder:
    try:
        path = Path(os.path.expanduser(expand(wanted.run or "")))  # a path of no user stays as it is
        return open_folder(path)
    except SpecError as error:
        told = error.diagnostics[0]
        raise _refused(name, told.message, help=told.help) from None
    except RunError as error:
        raise _refused(name, str(error), help=error.help, exit=error.exit) from None


def _refused(name: str, why: str, *, help: str | None = None, exit: Exit = Exit.USAGE) -> RunError:
    return RunError(f"`teachers.{name}`: {why}", exit=exit, help=help)
