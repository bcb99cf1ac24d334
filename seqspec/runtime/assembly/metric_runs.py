"""Runs that metrics name: found, opened, given to the metric, recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from seqspec.runtime.assembly.assembled import Record
from seqspec.runtime.checkpoints.checkpoint import folder_name
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import Exit, RunError, SpecError
from seqspec.schema.environment import expand

if TYPE_CHECKING:
    from seqspec.compile.build.program import Program
    from seqspec.compile.plan.plan import Plan
    from seqspec.runtime.assembly.assembled import Reopened

Open = Callable[[RunFolder], "Reopened"]


class ReadRun(Protocol):
    """What a metric asks of the run that it names; metrics are copied before each use, and this stays one."""

    @property
    def weights(self) -> str:
        """The digest of its weights."""
        ...

    def __deepcopy__(self, memo: Mapping[int, Any]) -> ReadRun: ...


class Asked(NamedTuple):
    """A metric that names a run."""

    number: int
    place: str
    """In the spec."""
    config: Any


def asked(plan: Plan, kind: type[Config]) -> list[Asked]:
    """The metrics of a kind that name a run."""
    start = f"tasks.{plan.task}." if plan.task else ""
    return [
        Asked(number, f"{start}evaluate.metrics[{number}]", one)
        for number, one in enumerate(plan.experiment.evaluate.metrics)
        if isinstance(one, kind)
    ]


def give_runs(
    program: Program,
    kind: type[Config],
    *,
    open: Open,
    require: Callable[[str, Path, Plan, Reopened], None],
    reader: Callable[[Reopened], ReadRun],
    to: str,
) -> dict[str, Record]:
    """Hand every metric of a kind what reads its run, as its attribute ``to``; gives a record of each, by the
    metric's place.  Raises ``RunError`` where there is no run, or ``require`` does.
    """
    records: dict[str, Record] = {}
    for number, place, config in asked(program.plan, kind):
        folder = run_folder(place, config)
        try:
            run, checkpoint = open(folder), chosen(folder.checkpoints, config.checkpoint)
        except RunError as error:
            raise refused(place, str(error), help=error.help, exit=error.exit) from None
        require(place, folder.path, program.plan, run)
        use_weights(run.program.module, checkpoint)
        made = reader(run)
        setattr(program.metrics[number], to, made)
        model = run.compiled.plan.digests["model"]
        records[place] = {
            "checkpoint": folder_name(checkpoint.step), "model": model, "weights": made.weights,
        }  # fmt: skip
    return records


def run_folder(place: str, wanted: Any) -> RunFolder:
    """The run that a metric names.  Raises ``RunError`` where there is none."""
    try:
        return open_folder(Path(os.path.expanduser(expand(wanted.run))))  # a path of no user stays as it is
    except SpecError as error:
        told = error.diagnostics[0]
        raise refused(place, told.message, help=told.help) from None
    except RunError as error:
        raise refused(place, str(error), help=error.help, exit=error.exit) from None


def refused(place: str, why: str, *, help: str | None = None, exit: Exit = Exit.USAGE) -> RunError:
    """The error of a run that a metric cannot use."""
    return RunError(f"`{place}`: {why}", exit=exit, help=help)
