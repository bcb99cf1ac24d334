"""``seqspec predict RUN --stream``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqspec.compile.commands import Outcome
from seqspec.runtime.commands.guard import guarded
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.listening.requirement import require_streaming
from seqspec.runtime.prediction.output_stream import output_stream
from seqspec.runtime.run_folder.compiled_run import compile_run, task_of
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.schema.diagnostic import Exit, RunError

if TYPE_CHECKING:
    from seqspec.compile.resolve.overlay import Overlay

FORMATS = ("text", "json", "jsonl")


def listen(
    path: Path,
    *,
    idle: Sequence[str],
    task: str | None,
    checkpoint: str,
    output: Path | None,
    over: Sequence[Overlay],
    launch: Launch,
    format: str | None,
    timestamps: bool,
    end_silence: float | None = None,
    max_utterance: float | None = None,
) -> Outcome:
    """``idle`` are options that were given and mean nothing here; an utterance ends after ``end_silence``
    seconds without a symbol, and has ``max_utterance`` at most.
    """

    def work() -> Outcome:
        if idle:
            raise RunError(
                f"`--stream` hears standard input and knows no {', '.join(idle)}",
                exit=Exit.USAGE,
                help="take it out, or name the files without `--stream`",
            )
        chosen: Any = format or ("text" if output is None or output.suffix != ".jsonl" else "jsonl")
        if chosen not in FORMATS:
            raise RunError(
                f"`--stream` prints text or jsonl, not {chosen}", exit=Exit.USAGE, help="use `--format jsonl`"
            )
        run = open_folder(path)
        compiled = compile_run(run, overlays=over)
        require_streaming(compiled.plan.each[task_of(compiled.plan, task, run=run)])
        exit = Exit.CLEAN  # also where whoever reads has had enough
        with output_stream(output) as out:
            from seqspec.runtime.prediction.listening.endpoint import EndRules
            from seqspec.runtime.prediction.listening.listen import listen as go

            rules = EndRules(end_silence, max_utterance)
            exit = go(
                path, checkpoint=checkpoint, over=over, launch=launch, out=out, format=chosen,
                compiled=compiled, task=task, timestamps=timestamps, rules=rules,
            )  # fmt: skip
        return Outcome(exit=exit)

    return guarded(work)
