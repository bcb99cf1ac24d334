"""Evaluate: score a finished run on a split of its corpus, or on other data in the same layout.

Vocabularies, classes and statistics are the run's own.  The training split is not read unless it is what
is evaluated or what ``data.split`` cuts the split out of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from seqspec.compile.resolve.resolve import Overlay
from seqspec.runtime.assembly.assemble import assemble, began_with, learned_of
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.assembly.default_search import search_record
from seqspec.runtime.assembly.shallow_fusion import tell
from seqspec.runtime.checkpoints.selection import choose, use_weights
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import pin
from seqspec.runtime.evaluation.beside_metrics import complete
from seqspec.runtime.evaluation.evaluator import Scored
from seqspec.runtime.evaluation.record import Evaluation, drifts_of
from seqspec.runtime.evaluation.run_evaluation import counted, evaluator_of
from seqspec.runtime.run_folder.compiled_run import compile_run, task_of
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.runtime.training.streams import evaluation_stream
from seqspec.schema.diagnostic import Exit, RunError

USUAL_METRIC = "cer"
"""What is asked of a model that does not say what usually is: it writes text that was heard."""


def evaluate(
    path: Path,
    *,
    split: str,
    checkpoint: str,
    over: Sequence[Overlay],
    launch: Launch,
    task: str | None = None,
) -> Scored:
    """Every metric of the run's spec on ``split``; predictions and the record are kept in the run."""
    found = evaluation(path, split=split, checkpoint=checkpoint, over=over, launch=launch, task=task)
    found.save(open_folder(path))
    return found.scored


def evaluations(
    path: Path,
    *,
    split: str,
    checkpoint: str,
    over: Sequence[Overlay],
    launch: Launch,
    task: str | None = None,
) -> Iterator[Evaluation]:
    """The evaluation of the run, or one after another those of its tasks; of the named one alone."""
    plan = compile_run(open_folder(path), overlays=over).plan
    evaluated = [name for name, one in plan.tasks.items() if one.experiment.evaluate.metrics]
    for name in evaluated if task is None and evaluated else [task]:
        yield evaluation(path, split=split, checkpoint=checkpoint, over=over, launch=launch, task=name)


def evaluation(
    path: Path,
    *,
    split: str,
    checkpoint: str,
    over: Sequence[Overlay],
    launch: Launch,
    task: str | None = None,
) -> Evaluation:
    """Every metric of the run's spec on ``split``; nothing is written."""
    folder = open_folder(path)
    whole, name = _assembled(folder, split, over, launch, task)
    assembled = whole.each[name]
    weights = choose(folder.checkpoints, checkpoint)
    use_weights(whole.program.module, weights.checkpoint)
    evaluator = evaluator_of(assembled, launch)
    batches = evaluation_stream(
        assembled.prepared, assembled.prepared.splits[split], micro_batches=1, launch=launch, place=Place()
    )
    scored = evaluator.score(split, batches)
    scored = complete(evaluator, assembled, scored, launch=launch, unigram=counted(folder, name))
    search = search_record(assembled.program) if scored.found else None
    drifts = drifts_of(folder, assembled, split, task=name)
    digest = whole.compiled.plan.digests["all"]
    return Evaluation(assembled, scored, weights, search, drifts, task=name, plan_digest=digest)


def _assembled(
    folder: RunFolder, split: str, over: Sequence[Overlay], launch: Launch, task: str | None
) -> tuple[Assembled, str]:
    """The run with the data of the task that is evaluated, and the task's name."""
    compiled = compile_run(folder, overlays=over)
    name = task_of(compiled.plan, task, run=folder)
    experiment = compiled.plan.each[name].experiment
    if not experiment.evaluate.metrics:
        metric = getattr(experiment.model, "usual_metric", USUAL_METRIC)
        where, whose = (f"tasks.{name}.evaluate", f" for `{name}`") if name else ("evaluate", "")
        raise RunError(
            f"{folder.spec} names no metric{whose}",
            exit=Exit.USAGE,
            help=f"give one: --set '{where}.metrics=[{metric}]'",
        )
    pin(threads=launch.threads, exact=experiment.train.exact)
    learned = learned_of(folder, compiled.plan)
    assembled = assemble(compiled, splits=(split,), tasks=(name,), learned=learned, began=began_with(folder))
    tell(assembled.each[name].program, folder)
    return assembled, name
