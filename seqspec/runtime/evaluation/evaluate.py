"""Evaluate: judge a finished run on a split of its corpus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqspec.compile.resolve.resolve import Overlay
from seqspec.runtime.assembly.assemble import assemble, compile_run
from seqspec.runtime.assembly.shallow_fusion import tell
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import pin
from seqspec.runtime.evaluation.evaluator import Scored
from seqspec.runtime.evaluation.run_evaluation import judge_of, write_predictions
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.runtime.training.streams import evaluation_stream
from seqspec.schema.diagnostic import Exit, RunError

_METRICS = {"classifier": "accuracy", "language_model": "perplexity", "image_model": "bits_per_dim",
            "encoder_decoder": "chrf"}  # fmt: skip
"""What is usually asked of a model, for a message; anything else writes text that was heard."""


def evaluate(path: Path, *, split: str, checkpoint: str, over: Sequence[Overlay], launch: Launch) -> Scored:
    """Every metric of the run's spec on ``split``, with its hypotheses kept in ``predictions/``."""
    folder = open_folder(path)
    compiled = compile_run(folder, overlays=over)
    experiment = compiled.plan.experiment
    if not experiment.evaluate.metrics:
        metric = _METRICS.get(compiled.plan.experiment.model.component[1], "cer")
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
