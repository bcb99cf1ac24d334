"""What the commands do that train, evaluate or use a run.  torch loads after the spec has been found good."""

from __future__ import annotations

import errno
import json
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from seqspec.compile.commands import Outcome, overlays
from seqspec.compile.diagnostics.report import render
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.data.store.durable import writing
from seqspec.runtime.assembly.default_search import check_hypotheses, check_probabilities
from seqspec.runtime.commands.guard import guarded, of_system, told
from seqspec.runtime.commands.result_text import Format, evaluation_text, result_outcome
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.processes import agree, together
from seqspec.runtime.prediction.field_inputs import told_fields
from seqspec.runtime.prediction.inputs import check_names, check_output
from seqspec.runtime.prediction.output_stream import output_stream
from seqspec.runtime.run_folder.compiled_run import compile_run, task_of
from seqspec.runtime.run_folder.folder import open_folder, require_place
from seqspec.runtime.run_folder.latest import is_finished, latest
from seqspec.runtime.run_folder.loggers import require as require_loggers
from seqspec.runtime.run_folder.run_owner import owned
from seqspec.runtime.training.signals import telling_ends
from seqspec.schema.diagnostic import Exit, RunError

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Compiled
    from seqspec.runtime.evaluation.record import Evaluation
    from seqspec.runtime.run_folder.folder import RunFolder
    from seqspec.runtime.run_stages.carry_out import Result

__all__ = ["evaluate", "overlays", "predict", "run"]

PredictionFormat = Literal["text", "json", "jsonl", "csv", "tsv"]


AUTO = Path("auto")
"""In place of a run directory beside a spec: the newest run of the plan, or a new one."""


def run(
    spec: Path | None,
    *,
    over: Sequence[Overlay],
    runs: Path,
    resume: Path | None,
    locked: bool,
    lock: Path | None,
    allow_drift: bool,
    launch: Launch,
    format: Format,
    command: Sequence[str],
    until: int | None = None,
) -> Outcome:
    """``seqspec run SPEC``, ``seqspec run --resume RUN`` and ``seqspec run SPEC --resume auto``."""

    def work() -> Outcome:
        require_loggers(launch.loggers)
        if resume == AUTO and spec is not None:
            return automatic(compiled_for(spec))
        if resume is not None:
            if spec is not None or any(one.kind != "set" for one in over):
                raise RunError("--resume goes on with the run's own spec", exit=Exit.USAGE,
                               help="leave the spec, --profile and --task out; --set may say where "
                               "things lie, and --until how long the run goes on")  # fmt: skip
            return gone_on(open_folder(resume), over)
        if until is not None:
            raise RunError("--until is for a run that goes on", exit=Exit.USAGE,
                           help="a new run takes `--set train.max_steps=…`")  # fmt: skip
        if spec is None:
            raise RunError("name a spec, or --resume RUN", exit=Exit.USAGE)
        return begun(compiled_for(spec))

    def compiled_for(spec: Path) -> Compiled:
        compiled = compile_spec(spec, overlays=over)
        if compiled.warnings and not Place.here(launch).rank:
            print(render(compiled.warnings, color=sys.stderr.isatty()), file=sys.stderr)
        return compiled

    def begun(compiled: Compiled) -> Outcome:
        from seqspec.runtime.run import run as begin

        assert spec is not None
        agreed = (lock or lock_beside(spec)) if locked or lock else None
        return told(begin(compiled, runs=runs, launch=launch, locked=agreed, command=command))

    def gone_on(folder: RunFolder, changes: Sequence[Overlay]) -> Outcome:
        # Before torch is loaded: whoever comes second is to leave at once.
        with nullcontext() if Place.here(launch).rank else owned(folder.path):
            from seqspec.runtime.run import resume as go_on
            from seqspec.runtime.run_folder.continuation import Continuation

            change = Continuation(tuple(changes), until)
            return told(go_on(folder.path, launch=launch, allow_drift=allow_drift, change=change))

    def automatic(compiled: Compiled) -> Outcome:
        """Go on with the newest run of this plan, or begin one; the first process decides for all."""
        if until is not None:
            raise RunError("--until is for a run that is named", exit=Exit.USAGE,
                           help="write `--resume RUN --until STEP`")  # fmt: skip
        plan = compiled.plan
        with together(launch) as place:
            found = None
            if not place.rank:
                found = latest(runs, name=plan.experiment.name, digest=plan.digests["all"])
            path = agree(str(found.path) if found else None, place)
            if path is None:
                return begun(compiled)
            folder = open_folder(Path(path))
            if agree(is_finished(folder), place):
                print(f"{folder.path} is finished", file=sys.stderr)
                return Outcome(f"{folder.path}\n")
            return gone_on(folder, ())

    def told(result: Result) -> Outcome:
        # The first of several processes evaluates and speaks.
        return Outcome(exit=result.exit) if Place.here(launch).rank else result_outcome(result, format)

    if threading.current_thread() is not threading.main_thread():
        return guarded(work)  # Signals reach the main thread alone.
    with telling_ends():
        return guarded(work)


def lock(spec: Path, *, over: Sequence[Overlay], output: Path | None, launch: Launch) -> Outcome:
    """``seqspec lock SPEC``."""

    def work() -> Outcome:
        compiled = compile_spec(spec, overlays=over)
        from seqspec.runtime.reproducibility.lock import write_lock
        from seqspec.runtime.run_stages.preparation import locked_now

        path = output or lock_beside(spec)
        help = "name another place with --output"
        require_place(path.parent, help=help)
        now = locked_now(compiled, launch=launch)
        with writing(path, help=help):
            write_lock(path, now)
        return Outcome(f"{path}\n")

    return guarded(work)


def lock_beside(spec: Path) -> Path:
    """``specs/mt.yaml`` is locked by ``specs/mt.lock.json``."""
    return spec.with_suffix(".lock.json")


def reproduce(
    path: Path, *, runs: Path, launch: Launch, command: tuple[str, ...], over: Sequence[Overlay] = ()
) -> Outcome:
    """``seqspec reproduce RUN``."""

    def work() -> Outcome:
        from seqspec.runtime.reproduce import reproduce as again

        found = again(path, runs=runs, launch=launch, command=command, over=over)
        told = "".join(f"  {line}\n" for line in found.differences)
        verdict = "differs, first of all in:\n" if told else "the same to the bit\n"
        return Outcome(f"{verdict}{told}{found.folder.path}\n", exit=Exit.DRIFT if told else Exit.CLEAN)

    return guarded(work)


def average(path: Path, *, output: Path, last: int | None) -> Outcome:
    """``seqspec average RUN --output FILE``."""

    def work() -> Outcome:
        from seqspec.runtime.checkpoints.selection import write_average

        steps = write_average(path, output=output, last=last)
        return Outcome(f"{output}: the mean of steps {', '.join(map(str, steps))}\n")

    return guarded(work)


def report(path: Path, *, output: Path | None = None) -> Outcome:
    """``seqspec report RUN``."""

    def work() -> Outcome:
        from seqspec.runtime.report.report import write_report
        from seqspec.runtime.run_folder.lost_files import lost_files

        folder = open_folder(path)
        place = output or folder.report
        with writing(place, help="name another place with --output"):
            write_report(folder, output=place)
        return Outcome(f"{place}\n", "".join(f"warning: {lost}\n" for lost in lost_files(folder)))

    return guarded(work)


def evaluate(
    path: Path,
    *,
    split: str,
    checkpoint: str,
    over: Sequence[Overlay],
    launch: Launch,
    format: Format,
    output: Path | None = None,
    task: str | None = None,
) -> Outcome:
    """``seqspec evaluate RUN``: prints the score before anything is written; of several tasks all that have a
    metric, or the one that is named.
    """

    def work() -> Outcome:
        from seqspec.runtime.evaluation.evaluate import evaluations

        folder = open_folder(path)
        done = []
        for found in evaluations(
            path, split=split, checkpoint=checkpoint, over=over, launch=launch, task=task
        ):
            done.append(found)
            if format == "text":
                sys.stdout.write(evaluation_text(found))
                sys.stdout.flush()
        if format == "json":
            sys.stdout.write(json.dumps(_as_json(done, path, asked=checkpoint), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        kept = [_save(found, folder, output) for found in done]
        exit = next((one.exit for one in kept if one.exit is not Exit.CLEAN), Exit.CLEAN)
        return Outcome(error="".join(one.error for one in kept), exit=exit)

    return guarded(work)


def _save(found: Evaluation, folder: RunFolder, output: Path | None) -> Outcome:
    drifts = "".join(f"warning: not as in the run's lock: {drift}\n" for drift in found.drifts)
    drifts += "".join(f"warning: {found.split}: {line}\n" for line in found.scored.left_out)
    try:
        written = found.save(folder, output=output)
    except OSError as error:
        exit = Exit.STORAGE if output is not None else _exit_of(error)
        return Outcome(error=f"{drifts}{_not_kept(error)}", exit=exit)
    return Outcome(error=drifts + "".join(f"wrote {file}\n" for file in written))


def _as_json(done: Sequence[Evaluation], path: Path, *, asked: str) -> dict[str, object]:
    """One object; of several tasks with one for each."""
    told = {
        one.task: {"run": str(path), **one.as_json(), "checkpoint": asked, "weights": one.weights.name}
        for one in done
    }
    return next(iter(told.values())) if len(told) == 1 else {"run": str(path), "tasks": told}


PROTECTED = {errno.EROFS, errno.EACCES, errno.EPERM}
"""A place that is protected on purpose: what was asked for, the score, has been given all the same."""


def _exit_of(error: OSError) -> Exit:
    return Exit.CLEAN if error.errno in PROTECTED else Exit.STORAGE


def _not_kept(error: OSError) -> str:
    return told(
        f"warning: predictions and record were not written: {of_system(error)}",
        "the score above stands; `--output FOLDER` keeps them elsewhere",
    )


def predict(
    path: Path,
    *,
    inputs: Sequence[str],
    checkpoint: str,
    nbest: int,
    scores: bool,
    all_classes: bool,
    column: str | None,
    engine: str,
    over: Sequence[Overlay],
    launch: Launch,
    format: PredictionFormat | None,
    output: Path | None,
    task: str | None = None,
    timestamps: bool = False,
    align: Path | None = None,
    folder: Path | None = None,
    vectors: Path | None = None,
    fields: Sequence[str] = (),
) -> Outcome:
    """``seqspec predict RUN …``: prints as it goes."""

    def work() -> Outcome:
        # What can be refused without torch is refused first.
        check_names(inputs)
        check_output(output, inputs)
        told = told_fields(fields)
        run = open_folder(path)
        compiled = compile_run(run, overlays=over)
        plan = compiled.plan.each[task_of(compiled.plan, task, run=run)]
        check_hypotheses(plan, nbest)
        if all_classes:
            check_probabilities(plan)
        with output_stream(output) as out:
            from seqspec.runtime.prediction.predict import predict as go

            go(
                path, inputs=inputs, checkpoint=checkpoint, over=over, launch=launch, out=out, nbest=nbest,
                scores=scores, format=format or _format_of(output), engine=engine, column=column,
                all_classes=all_classes, compiled=compiled, task=task, timestamps=timestamps, align=align,
                folder=folder, vectors=vectors, fields=told,
            )  # fmt: skip
        return Outcome()

    return guarded(work)


def _format_of(output: Path | None) -> PredictionFormat:
    """The format that the output's name asks for."""
    named: Mapping[str, PredictionFormat] = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".json": "json"}
    return "text" if output is None else named.get(output.suffix.lower(), "text")
