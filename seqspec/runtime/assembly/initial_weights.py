"""The first weights of a run, taken from another: opened, compared part by part, copied, recorded.

A run that has a checkpoint never opens the other run again: what it began with is in its lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from seqspec.compile.build.program import Program
from seqspec.compile.language.paths import NoSuchPath, parse_path
from seqspec.compile.plan.plan import of_model
from seqspec.components._layers.fake_quantize import without_ranges
from seqspec.runtime.assembly.assembled import Record
from seqspec.runtime.checkpoints.checkpoint import folder_name
from seqspec.runtime.checkpoints.model_tensors import own_tensors, state_tensors
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.checkpoints.tensor_file import digest_all
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.environment import expand
from seqspec.schema.sections.initialize import Initialize
from seqspec.schema.source import Path as Place
from seqspec.schema.types import Tokens

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Plan, PlanNode
    from seqspec.data.stages.parts import TextSteps
    from seqspec.runtime.assembly.assembled import Reopened

Open = Callable[[RunFolder], "Reopened"]
Texts = Mapping[str, Mapping[str, "TextSteps"]]
"""Text steps by task and role."""


def expect_runs(plan: Plan) -> None:
    """Raises ``RunError`` where a run that weights come from is not there: before hours are spent on the
    data.
    """
    for index, wanted in enumerate(plan.experiment.initialize):
        _folder(wanted, index)


def initialize(program: Program, texts: Texts, *, open: Open) -> tuple[Record, ...]:
    """Copy into ``program`` what its plan takes from other runs, in order; gives a record of each.

    ``texts`` are the loaded text steps of the program by task and role.  Raises ``RunError``
    naming both places where a part does not fit.
    """
    wanted = program.plan.experiment.initialize
    return tuple(_taken(program, texts, item, index, open) for index, item in enumerate(wanted))


def _taken(program: Program, texts: Texts, wanted: Initialize, index: int, open: Open) -> Record:
    folder = _folder(wanted, index)
    try:
        run, checkpoint = open(folder), chosen(folder.checkpoints, wanted.checkpoint)
    except RunError as error:
        raise _refused(index, str(error), help=error.help, exit=error.exit) from None
    use_weights(run.program.trained, checkpoint)
    for here, there in wanted.pairs.items():
        _copy(program, texts, run, index=index, here=here, there=there, path=folder.path)
    return {
        "checkpoint": folder_name(checkpoint.step),
        "model": run.compiled.plan.digests["model"],
        "parts": dict(wanted.pairs),
        "weights": digest_all(state_tensors(run.program.module)),
    }


def _copy(
    program: Program,
    texts: Texts,
    run: Reopened,
    *,
    index: int,
    here: str,
    there: str,
    path: Path,
) -> None:
    ours, theirs = _node(program.plan, here), _node(run.compiled.plan, there)
    if ours is None or theirs is None:
        where, plan = ("here", program.plan) if ours is None else (f"in {path}", run.compiled.plan)
        known = ", ".join(_parts(plan)[:8])
        name = here if ours is None else there
        raise _refused(index, f"there is no part `{name}` {where}", help=f"there are {known}")
    mine, other = (p.components[node.path] for p, node in ((program, ours), (run.program, theirs)))
    places = _Places(index, here, there, path, ours, theirs)
    places.require_same_tensors(*(without_ranges(own_tensors(part)) for part in (mine, other)))
    mine_text = texts[_task(ours, program.plan)]
    others = run.each[_task(theirs, run.compiled.plan)].parts.text
    places.require_same_pieces(program, mine_text, run, others)
    _assign(mine, other)


@torch.no_grad()
def _assign(mine: nn.Module, other: nn.Module) -> None:
    theirs = own_tensors(other)
    for name, tensor in without_ranges(own_tensors(mine)).items():
        tensor.copy_(theirs[name])


class _Places:
    """The two places that a part's weights go between, and what may keep them apart."""

    def __init__(
        self, index: int, here: str, there: str, path: Path, ours: PlanNode, theirs: PlanNode
    ) -> None:
        self.index, self.path, self.ours, self.theirs = index, path, ours, theirs
        self.here = f"`{here}` here ({_described(ours)})"
        self.there = f"`{there}` of {path} ({_described(theirs)})"

    def require_same_tensors(
        self, ours: Mapping[str, torch.Tensor], theirs: Mapping[str, torch.Tensor]
    ) -> None:
        lacking, extra = sorted(ours.keys() - theirs.keys()), sorted(theirs.keys() - ours.keys())
        if lacking or extra:
            name, holder = (lacking[0], "there") if lacking else (extra[0], "here")
            raise self._refused(f"there is no `{name}` {holder}")
        for name, tensor in ours.items():
            if tensor.shape != theirs[name].shape:
                sizes = f"{list(theirs[name].shape)} there and {list(tensor.shape)} here"
                raise self._refused(f"`{name}` is {sizes}")

    def require_same_pieces(
        self, program: Program, text: Mapping[str, TextSteps], run: Reopened, theirs: Mapping[str, TextSteps]
    ) -> None:
        """Rows of a table mean the same only where the same id is the same piece of text."""
        if not (_reads_tokens(program.plan, self.ours) and _reads_tokens(run.compiled.plan, self.theirs)):
            return
        for role in text.keys() & theirs.keys():
            mine, other = text[role], theirs[role]
            for id_, (our, their) in enumerate(zip(_pieces(mine), _pieces(other), strict=False)):
                if our != their:
                    raise self._refused(
                        f"id {id_} of the {role} text is {their!r} there and {our!r} here",
                        help="use that run's vocabulary, which lies under its `vocabularies/`: tokenizer "
                        "`sentencepiece_file` or `symbols_file` reads it",
                    )

    def _refused(self, why: str, *, help: str | None = None) -> RunError:
        message = f"{self.there} does not fit {self.here}: {why}"
        return _refused(
            self.index,
            message,
            help=help or "make the two parts alike, or name parts that are",
            exit=Exit.DATA,
        )


def _described(node: PlanNode) -> str:
    slot, name = node.component
    takes = ", ".join(str(type_) for _, type_ in node.takes)
    return f"{slot} {name}: {takes} → {node.gives}"


def _reads_tokens(plan: Plan, part: PlanNode) -> bool:
    below = [node for node in plan.nodes if node.path[: len(part.path)] == part.path]
    return any(isinstance(type_, Tokens) for node in below for _, type_ in node.takes)


def _pieces(steps: Any) -> list[str]:
    pieces: list[str] = steps.tokenizer.pieces(range(steps.vocab_size))
    return pieces


def _node(plan: Plan, part: str) -> PlanNode | None:
    try:
        path: Place = parse_path(part)
    except NoSuchPath:
        return None
    return next((node for node in plan.nodes if node.path == path and of_model(path)), None)


def _task(node: PlanNode, plan: Plan) -> str:
    """The task that a part belongs to; of a part that tasks share, the first that uses it."""
    if node.path[0] == "tasks":
        return str(node.path[1])
    used = (task for one in plan.shared if one.part == node.path[: len(one.part)] for task, _ in one.places)
    return next(used, "")


def _parts(plan: Plan) -> list[str]:
    from seqspec.compile.checks.parts_exist import model_parts

    return [f"`{part}`" for part in model_parts(plan)]


def _folder(wanted: Initialize, index: int) -> RunFolder:
    path = Path(os.path.expanduser(expand(wanted.run)))  # a path of no user stays as it is
    try:
        return open_folder(path)
    except RunError as error:
        raise _refused(index, str(error), help=error.help, exit=error.exit) from None


def _refused(index: int, why: str, *, help: str | None = None, exit: Exit = Exit.USAGE) -> RunError:
    return RunError(f"`initialize[{index}]`: {why}", exit=exit, help=help)
