"""Evaluate: score a finished run on a split of its corpus, or on other data in the same layout.

Vocabularies, classes and statistics are the run's own.  The training split is not read unless it is what
is evaluated or what ``data.split`` cuts the split out of.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqspec.compile.resolve.resolve import Overlay
from seqspec.runtime.assembly.assemble import assemble, learned_of
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.assembly.default_search import search_record
from seqspec.runtime.assembly.shallow_fusion import tell
from seqspec.runtime.checkpoints.selection import choose, use_weights
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import pin
from seqspec.runtime.evaluation.complete import complete
from seqspec.runtime.evaluation.evaluator import Scored
from seqspec.runtime.evaluation.record import Evaluation, drifts_of
from seqspec.runtime.evaluation.run_evaluation import counted, judge_of
from seqspec.runtime.run_folder.compiled_run import compile_run
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.runtime.training.streams import evaluation_stream
from seqspec.schema.diagnostic import Exit, RunError

USUAL_METRIC = "cer"
"""What is asked of a model that does not say what usually is: it writes text that was heard."""


def evaluate(path: Path, *, split: str, checkpoint: str, over: Sequence[Overlay], launch: Launch) -> Scored:
    """Every metric of the run's spec on ``split``; predictions and the record are kept in the run."""
    found = evaluation(path, split=split, checkpoint=checkpoint, over=over, launch=launch)
    found.save(open_folder(path))
    return found.scored


def evaluation(
    path: Path, *, split: str, checkpoint: str, over: Sequence[Overlay], launch: Launch
) -> Evaluation:
    """Every metric of the run's spec on ``split``; nothing is written."""
    folder = open_folder(path)
    assembled = _assembled(folder, split, over, launch)
    weights = choose(folder.checkpoints, checkpoint)
    use_weights(assembled.program.model, weights.checkpoint)
    judge = judge_of(assembled, launch)
    batches = evaluation_stream(
        assembled.prepared, assembled.prepared.splits[split], slices=1, launch=launch, place=Place()
    )
    scored = judge.score(split, batches)
    scored = complete(judge, assembled, scored, launch=launch, unigram=counted(folder))
    search = search_record(assembled.program) if scored.found else None
    return Evaluation(assembled, scored, weights, search, drifts_of(folder, assembled, split))


def _assembled(folder: RunFolder, split: str, over: Sequence[Overlay], launch: Launch) -> Assembled:
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
    assembled = assemble(compiled, splits=(split,), learned=learned_of(folder, compiled.plan.roles))
    tell(assembled.program, folder)
    return assembled
