"""What the commands do that train, judge or use a run.  torch loads after the spec has been found good."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seqspec.compile.commands import Outcome, overlays
from seqspec.compile.diagnostics.report import render
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.report.numbers import shown
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.runtime.run_folder.run_lock import owned
from seqspec.schema.diagnostic import DataError, Diagnostic, Exit, RunError, SpecError

if TYPE_CHECKING:
    from seqspec.runtime.run import Result
    from seqspec.runtime.run_folder.folder import RunFolder

__all__ = ["evaluate", "overlays", "predict", "run"]

Format = Literal["text", "json"]


def guarded(work: Callable[[], Outcome]) -> Outcome:
    """``work``, with what a person can mend told in a few lines instead of a traceback."""
    try:
        return work()
    except SpecError as error:
        return Outcome(error=render(error.diagnostics, color=sys.stderr.isatty()), exit=Exit.DIAGNOSTICS)
    except DataError as error:
        told = error.diagnostic or Diagnostic(error.code, str(error), help=error.help)
        return Outcome(error=render([told], color=sys.stderr.isatty()), exit=Exit.DATA)
    except RunError as error:
        return Outcome(error=_told(f"error: {error}", error.help), exit=error.exit)
    except KeyboardInterrupt:
        return Outcome(error="interrupted\n", exit=Exit.INTERRUPTED)
    except FileNotFoundError as error:
        return Outcome(error=f"error: {error.filename} does not exist\n", exit=Exit.USAGE)


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
) -> Outcome:
    """``seqspec run SPEC`` and ``seqspec run --resume RUN``."""

    def work() -> Outcome:
        if resume is not None:
            if spec is not None or over:
                raise RunError("--resume goes on with the run's own spec", exit=Exit.USAGE,
                               help="leave the spec, --set and --profile out")  # fmt: skip
            folder = open_folder(resume)
            # Before torch is loaded: whoever comes second is to leave at once.
            with nullcontext() if Place.here(launch).rank else owned(folder.path):
                from seqspec.runtime.run import resume as go_on

                return told(go_on(folder.path, launch=launch, allow_drift=allow_drift))
        if spec is None:
            raise RunError("name a spec, or --resume RUN", exit=Exit.USAGE)
        compiled = compile_spec(spec, overlays=over)
        if compiled.warnings and not Place.here(launch).rank:
            print(render(compiled.warnings, color=sys.stderr.isatty()), file=sys.stderr)
        from seqspec.runtime.run import run as begin

        agreed = (lock or lock_beside(spec)) if locked or lock else None
        return told(begin(compiled, runs=runs, launch=launch, locked=agreed, command=command))

    def told(result: Result) -> Outcome:
        # The first of several processes judges and speaks.
        return Outcome(exit=result.exit) if Place.here(launch).rank else _told_result(result, format)

    return guarded(work)


def lock(spec: Path, *, over: Sequence[Overlay], output: Path | None, launch: Launch) -> Outcome:
    """``seqspec lock SPEC``."""

    def work() -> Outcome:
        compiled = compile_spec(spec, overlays=over)
        from seqspec.runtime.reproducibility.lock import write_lock
        from seqspec.runtime.run import locked_now

        path = output or lock_beside(spec)
        write_lock(path, locked_now(compiled, launch=launch))
        return Outcome(f"{path}\n")

    return guarded(work)


def lock_beside(spec: Path) -> Path:
    """``specs/mt.yaml`` is locked by ``specs/mt.lock.json``."""
    return spec.with_suffix(".lock.json")


def reproduce(path: Path, *, runs: Path, launch: Launch, command: tuple[str, ...]) -> Outcome:
    """``seqspec reproduce RUN``."""

    def work() -> Outcome:
        from seqspec.runtime.reproduce import reproduce as again

        found = again(path, runs=runs, launch=launch, command=command)
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


def report(path: Path) -> Outcome:
    """``seqspec report RUN``."""

    def work() -> Outcome:
        from seqspec.runtime.report.report import write_report

        folder = open_folder(path)
        write_report(folder)
        return Outcome(f"{folder.report}\n")

    return guarded(work)


def evaluate(
    path: Path, *, split: str, checkpoint: str, over: Sequence[Overlay], launch: Launch, format: Format
) -> Outcome:
    """``seqspec evaluate RUN``."""

    def work() -> Outcome:
        from seqspec.runtime.evaluation.evaluate import evaluate as judge

        scored = judge(path, split=split, checkpoint=checkpoint, over=over, launch=launch)
        if format == "json":
            found: dict[str, Any] = {"run": str(path), "split": split, "checkpoint": checkpoint,
                                     "metrics": dict(scored.metrics),
                                     "signatures": dict(scored.signatures)}  # fmt: skip
            if scored.language_model:
                found["language_model"] = dict(scored.language_model)
            return Outcome(json.dumps(found, ensure_ascii=False) + "\n")
        return Outcome(metric_lines({split: scored.metrics}, {split: scored.signatures}))

    return guarded(work)


def predict(
    path: Path,
    *,
    inputs: Sequence[str],
    checkpoint: str,
    nbest: int,
    scores: bool,
    engine: str,
    over: Sequence[Overlay],
    launch: Launch,
    format: Format,
) -> Outcome:
    """``seqspec predict RUN …``: prints as it goes."""

    def work() -> Outcome:
        from seqspec.runtime.prediction.predict import predict as go

        settings: dict[str, Any] = {"nbest": nbest, "scores": scores, "format": format, "engine": engine}
        go(path, inputs=inputs, checkpoint=checkpoint, over=over, launch=launch, out=sys.stdout, **settings)
        return Outcome()

    return guarded(work)


def metric_lines(
    metrics: Mapping[str, Mapping[str, float]], signatures: Mapping[str, Mapping[str, str]]
) -> str:
    """Metrics for people: a line each, rates of errors as percentages, signatures below."""
    lines = []
    for split, values in metrics.items():
        lines += [f"{split:10s} {name:24s} {shown(name, value)}" for name, value in values.items()]
        lines += [f"{split:10s} {'':24s} {text}" for text in signatures.get(split, {}).values()]
    return "".join(line + "\n" for line in lines)


def _told_result(result: Result, format: Format) -> Outcome:
    path = str(result.folder.path)
    if result.exit is not Exit.CLEAN:
        return Outcome(f"{path}\n", exit=result.exit)
    metrics = {split: dict(one.metrics) for split, one in result.judged.items()}
    signatures = {split: dict(one.signatures) for split, one in result.judged.items()}
    if format == "json":
        first = next(iter(metrics), None)
        found = {"run": path, "split": first, "checkpoint": result.checkpoint,
                 "metrics": metrics[first] if first else {}, "splits": metrics,
                 "signatures": signatures}  # fmt: skip
        return Outcome(json.dumps(found, ensure_ascii=False) + "\n")
    judged = f"judged with {result.checkpoint}\n" if metrics else ""
    report = f"report {result.folder.report}\n" if result.folder.report.exists() else ""
    notes = _notes(result.folder, judged=bool(metrics))
    return Outcome(f"{metric_lines(metrics, signatures)}{judged}{report}{path}\n", notes)


def _notes(folder: RunFolder, *, judged: bool) -> str:
    """What a person should know of a run beside its result."""
    dropped: dict[str, dict[str, int]] = (folder.read("data.json") or {}).get("dropped", {})
    lost = ", ".join(f"{sum(counts.values()):,} of {split}" for split, counts in dropped.items() if counts)
    notes = [f"rows were left out: {lost}; `seqspec data prepare` says why"] if lost else []
    if not judged:
        notes.append("nothing was judged: `evaluate.metrics` names no metric")
    return "".join(f"note: {note}\n" for note in notes)


def _told(message: str, help: str | None) -> str:
    return message + "\n" + (f"  = help: {help}\n" if help else "")
