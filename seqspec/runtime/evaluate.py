"""Evaluate: judge a finished run on a split of its corpus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqspec.compile.resolve import Overlay
from seqspec.runtime.assemble import assemble, compile_run
from seqspec.runtime.feed import evaluation_stream
from seqspec.runtime.folder import open_folder
from seqspec.runtime.fusion import tell
from seqspec.runtime.judge import Scored
from seqspec.runtime.judging import judge_of, write_predictions
from seqspec.runtime.launch import Launch, Place
from seqspec.runtime.machine import pin
from seqspec.runtime.use import chosen, use_weights
from seqspec.schema.diagnostic import Exit, RunError

USUAL_METRIC = "cer"
"""What is asked of a model that does not say what usually is: it writes text that was heard."""


def evaluate(path: Path, *, split: str, checkpoint: str, over: Sequence[Overlay], launch: Launch) -> Scored:
    """Every metric of the run's spec on ``split``, with its hypotheses kept in ``predictions/``."""
    folder = open_folder(path)
    compiled = compile_run(folder, overlays=over)
    experiment = compiled.plan.experiment
    if not experiment.evaluate.metrics:
        metric = getattr(experiment.model, "usual_metric", USUAL_METRIC)
        raise RunError(
            f"{folder.spec} names no metric",
            exit=Exit.USAGE,
            help=f"give one: --set 'evaluate.metrics=[{metric}]'",
        )
    pin(threads=launch.threads, exact=experiment.train.exact)
    assembled = assemble(compiled, splits=(split,))
    tell(assembled.program, folder)
    use_weights(assembled.program.model, chosen(folder.checkpoints, checkpoint))
    judge = judge_of(assembled, launch)
    batches = evaluation_stream(
        assembled.prepared, assembled.prepared.splits[split], slices=1, launch=launch, place=Place()
    )
    scored = judge.score(split, batches)
    write_predictions(folder, assembled, scored)
    return scored
