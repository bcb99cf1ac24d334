"""The Python surface: what notebooks and other programs call as ``seqspec.load``, ``build`` and ``open_run``.

torch loads with ``build`` and with what needs weights, not with ``load`` or a run's metrics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.devices.launch import Launch as Launch
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.runtime.run_folder.metrics_log import read_journal

if TYPE_CHECKING:
    from seqspec.compile.diff.plan_diff import Change
    from seqspec.data.batching.batch import Batch
    from seqspec.runtime.assembly.assembled import Assembled
    from seqspec.runtime.evaluation.evaluator import Scored
    from seqspec.runtime.export.export import Export
    from seqspec.runtime.prediction.predictor import Prediction
    from seqspec.runtime.training.data_module import TrainingData
    from seqspec.runtime.training.training_module import Training
    from seqspec.schema.types import Type


def load(
    path: str | Path, *, profiles: Sequence[str] = (), set: Sequence[str] = (), task: str | None = None
) -> Compiled:
    """Compile the spec at ``path``; loads no torch.

    ``profiles`` are applied in order, then each ``set`` entry, written ``"train.max_steps=10"``.  Raises
    ``SpecError`` with every mistake at once.  ``task`` is one of several that is wanted by itself.
    """
    _require_lists(profiles=profiles, set=set)
    chosen = () if task is None else (Overlay.task(task),)
    overlays = [*map(Overlay.profile, profiles), *map(Overlay.set, set), *chosen]
    return compile_spec(Path(path), overlays=overlays)


def _require_lists(**given: Sequence[Any]) -> None:
    """One string is a sequence as well, of its characters, which nobody means."""
    for name, value in given.items():
        if isinstance(value, str):
            raise TypeError(f"`{name}` takes a list of strings: [{value!r}]")


def diff(one: Compiled, other: Compiled) -> tuple[Change, ...]:
    """The edits that turn the plan of ``one`` into that of ``other``, in the order of the language's keys."""
    from seqspec.compile.diff.plan_diff import diff as changes

    return changes(one.plan, other.plan)


def change(compiled: Compiled, *, profiles: Sequence[str] = (), set: Sequence[str] = ()) -> Compiled:
    """The same spec with more ``profiles`` and ``set`` entries over those it was loaded with.

    Raises ``SpecError``; ``compiled`` stays as it is.
    """
    if compiled.origin is None:
        raise ValueError("this was not compiled from a file: load the spec and change that")
    _require_lists(profiles=profiles, set=set)
    file, before = compiled.origin
    over = (*map(Overlay.profile, profiles), *map(Overlay.set, set))
    return compile_spec(file, overlays=(*before, *over))


def component(
    slot: str, written: str | Mapping[str, Any], *, source: Type | Mapping[str, Type] | None = None
) -> Any:
    """One component alone, as a spec would have it: ``component("segmenter", "whitespace")``.

    ``written`` is a name, or a mapping with a ``type`` and settings; ``source`` the type it reads
    (``seqspec.types``), text where it is left out.  What comes back has the surface that the docstring of its
    class and ``docs/architecture.md`` name: a segmenter's ``spans`` and ``words``; a tokenizer's ``train``,
    ``load``, ``encode``, ``decode`` and ``offsets``; a feature is called with float32 samples ``[T]`` in
    [-1, 1] and gives float32 ``[frames, dim]``.  Raises ``SpecError``.
    """
    from seqspec.compile.build.one_component import UNSAID, build_component

    return build_component(slot, written, source=UNSAID if source is None else source)


def table(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows of a journal as columns of equal length, nested metrics flat (``metrics.wer``), ``None`` where a
    row has no such value; ``pandas.DataFrame(table(run.metrics))`` is a data frame.
    """
    flat = [dict(_flat(row)) for row in rows]
    names = dict.fromkeys(name for row in flat for name in row)
    return {name: [row.get(name) for row in flat] for name in names}


@dataclass(frozen=True)
class Bundle:
    """An experiment that a plain ``lightning.Trainer`` can train."""

    assembled: Assembled
    module: Training
    """The ``LightningModule``; it makes its own optimizer and sets its own learning rate."""
    data: TrainingData
    """The ``LightningDataModule``; its order depends on plan, seed and step alone."""

    @property
    def plan(self) -> Plan:
        """The plan, with the numbers that the prepared data told."""
        return self.assembled.compiled.plan

    @property
    def model(self) -> Any:
        """The ``torch.nn.Module`` that is trained."""
        return self.assembled.program.module

    def batch(self) -> Batch:
        """The first training batch.

        ``batch.source`` and ``batch.target`` are padded tensors with the examples first (ids ``[B, T]``,
        frames ``[B, T, D]``, images ``[B, C, H, W]``, labels ``[B]``); ``source_lengths`` and
        ``target_lengths`` are ``[B]`` or ``None`` where nothing is padded; ``index`` is ``[B]``, the row of
        each example in the split.
        """
        return next(iter(self.data.train_dataloader()))


def build(compiled: Compiled, *, workers: int | None = None) -> Bundle:
    """Prepare the training data (from the cache where it is there) and build every module.

    The trainer must accumulate as many batches as the plan: ``accumulate_grad_batches=
    bundle.plan.experiment.train.accumulate``.  Raises ``SpecError`` and ``DataError``.
    """
    from seqspec.data.progress import silent
    from seqspec.runtime.assembly.assemble import assemble
    from seqspec.runtime.training.data_module import TrainingData
    from seqspec.runtime.training.training_module import Training

    assembled = assemble(compiled, splits=("train",), progress=silent)
    module = Training(assembled.program, micro_batches=assembled.compiled.plan.experiment.train.accumulate)
    return Bundle(assembled, module, TrainingData(assembled, module, workers=workers))


@dataclass(frozen=True)
class Run:
    """A run directory."""

    path: Path

    @property
    def metrics(self) -> list[dict[str, object]]:
        """The rows of ``metrics.jsonl`` in their order; ``seqspec.table`` makes columns of them."""
        return read_journal(open_folder(self.path).path / "metrics.jsonl")

    def evaluate(
        self,
        split: str,
        *,
        checkpoint: str = "best",
        set: Sequence[str] = (),
        launch: Launch | None = None,
        task: str | None = None,
    ) -> Scored:
        """Every metric of the spec on ``split``, of several tasks for ``task``; predictions are kept in the
        run directory.

        ``.metrics`` maps names to values, rates as fractions; ``.signatures`` says what each measures.
        Raises ``RunError`` and ``DataError``.
        """
        from seqspec.runtime.evaluation.evaluate import evaluate

        over, launch = tuple(map(Overlay.set, set)), launch or Launch()
        return evaluate(self.path, split=split, checkpoint=checkpoint, over=over, launch=launch, task=task)

    def predict(
        self,
        inputs: Sequence[str | PathLike[str]],
        *,
        checkpoint: str = "best",
        launch: Launch | None = None,
        task: str | None = None,
    ) -> list[Prediction]:
        """A prediction for each input, a text or the name of a file (audio, image, points, clip), in order.

        An input that cannot be used has no hypotheses and an ``error``.  Of labels ``score`` is the
        log-probability, ``probability`` the probability.  Raises ``RunError`` where there are no weights,
        ``TypeError`` where ``inputs`` is one string, or a path where texts are read.
        """
        _require_lists(inputs=inputs)
        from seqspec.runtime.prediction.opening import open_predictor

        opened = open_predictor(self.path, checkpoint=checkpoint, launch=launch, task=task)
        return list(opened.predictor(inputs))

    def export(
        self,
        target: str,
        *,
        output: str | Path | None = None,
        checkpoint: str = "best",
        split: str | None = None,
        inputs: Sequence[str] = (),
        quantize: str | None = None,
        calibrate: str = "train",
        evaluate: str | None = None,
        set: Sequence[str] = (),
        task: str | None = None,
    ) -> Export:
        """Write the run for another runtime (``onnx``, ``torch_export``, …) as ``seqspec export`` does.

        The result names the folder, and what was compared with which tolerance.  Raises ``RunError`` where
        the target cannot write this model, or what it wrote differs from the run.
        """
        from seqspec.runtime.export.export import Request, export

        return export(
            Request(
                run=self.path,
                target=target,
                output=None if output is None else Path(output),
                checkpoint=checkpoint,
                split=split,
                inputs=tuple(inputs),
                quantize=quantize,
                calibrate=calibrate,
                evaluate=evaluate,
                over=tuple(map(Overlay.set, set)),
                task=task,
            )
        )


def open_run(path: str | Path) -> Run:
    """The run in a directory; raises ``RunError`` where there is none."""
    return Run(open_folder(Path(path)).path)


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, held in row.items():
        if isinstance(held, Mapping):
            yield from ((f"{name}.{part}", value) for part, value in held.items())
        else:
            yield name, held
