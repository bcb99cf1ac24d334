"""Evaluation: decode a split and score it by the experiment's metrics.

Metrics of scored references (teacher-forced) and of found hypotheses (generated) are computed apart and
carry different names.  Metrics of values (images, audio, vectors …) compare what the model predicts with
what the batch holds, example by example, in the order of the split's rows.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

import torch

from seqspec.compile.build.program import Program
from seqspec.compile.plan.metric_names import metric_names, renamed
from seqspec.components._layers.linear import prepacked
from seqspec.components.gauges import OF
from seqspec.components.predictions import Predicted
from seqspec.data.batching.batch import Batch
from seqspec.data.seeds import seed_of
from seqspec.runtime.assembly.shallow_fusion import LanguageModelInUse
from seqspec.runtime.report.predictions import scattered
from seqspec.runtime.training.carried_memories import LaneMemories

if TYPE_CHECKING:
    from seqspec.components.protocols import ValueModel


@dataclass(frozen=True)
class Found:
    """What was found for one example: the best hypothesis first."""

    index: int
    hypotheses: tuple[tuple[str, float], ...]
    """Text and score."""
    log_probs: Mapping[str, float] | None = None
    """Log-probability of every label, where a metric reads them."""


@dataclass(frozen=True)
class Measured:
    """What a metric says of one example by itself."""

    metric: str
    value: float
    better: Literal["lower", "higher"]

    @property
    def badness(self) -> float:
        """Higher is worse."""
        return self.value if self.better == "lower" else -self.value


@dataclass(frozen=True)
class Sample:
    """A value that was predicted for one example, and what the example holds."""

    index: int
    prediction: Predicted
    reference: Predicted | None
    measured: Measured | None = None
    """By the first metric that scores examples by themselves."""


WRITTEN = ("text", "labels", "probabilities")
"""What metrics read that is made of the ids which a model gives."""
MOST_KEPT = 10
"""Labels of an example that are kept as hypotheses beside the probabilities of all."""
MOST_SAMPLES = 8
"""Examples of a split whose predicted values are kept to be looked at: so many from all over it, and as many
of the worst where a metric tells which these are.
"""


@dataclass(frozen=True)
class Scored:
    """The evaluation of one split."""

    split: str
    metrics: Mapping[str, float]
    signatures: Mapping[str, str]
    found: tuple[Found, ...]
    """By row; empty where no metric reads hypotheses."""
    score: float | None = None
    """The first metric's value, turned so that higher is better."""
    language_model: Mapping[str, str] | None = None
    """Digests of the language model that the search listened to, where it did."""
    parts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Metrics of each part of a mixture."""
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Metrics of answers that nothing had to be learned for, by how they were made."""
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What lies behind the metrics, as plain data: counts by label, errors by utterance."""
    samples: tuple[Sample, ...] = ()
    """Predicted values from all over the split and the worst, where the model predicts values."""
    left_out: tuple[str, ...] = ()
    """How many examples the losses do not count, and why; their means are of the others."""


Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Evaluator:
    """Scores splits with one program."""

    program: Program
    searcher: Any
    decode: Decode
    """Text of ids."""
    reference: Callable[[str, int], str]
    """Raw target text of a row of a split."""
    device: torch.device
    text_of: Callable[[str, str, int], str] = lambda split, field, index: ""
    """Raw text of a field of a row of a split."""
    gather: Callable[[Any], list[Any]] = lambda value: [value]
    """Brings together what every process found."""
    known: tuple[Found, ...] | None = None
    """What was found before, in place of a search."""
    labels: tuple[str, ...] = ()
    """Every label, where a metric reads the probability of each."""
    metric_configs: Sequence[Any] | None = None
    """Configs of the program's metrics, where they are not all of the plan's."""

    def score(self, split: str, batches: Iterable[Batch]) -> Scored:
        """Every metric over a split."""
        metrics = [copy.deepcopy(metric) for metric in self.program.metrics]
        decoding = any(metric.reads in WRITTEN for metric in metrics)
        valued = [metric for metric in metrics if metric.reads not in (*WRITTEN, "teacher_forced")]
        passed = self._pass(split, batches, decoding=decoding and self.known is None, valued=valued)
        found = passed.found if self.known is None else list(self.known)
        for metric in metrics:
            if metric.reads == "teacher_forced":
                for one in passed.sums:
                    metric.update(one)
        self._update(metrics, split, found)
        for _, measured in passed.measured:
            for metric, kept in zip(valued, measured, strict=True):
                metric.update(*kept)
        computed = self.computed(metrics)
        values = {name: value for values in computed for name, value in values.items()}
        if passed.sums:
            values |= _mean_losses(passed.sums)
        score = None
        if metrics:
            first = next(iter(computed[0].values()))
            score = -first if metrics[0].better == "lower" else first
        used = self.language_model if decoding else None
        signatures = dict(zip(self.names, (metric.signature() for metric in metrics), strict=True))
        details = {
            name: metric.details()
            for name, metric in zip(self.names, metrics, strict=True)
            if hasattr(metric, "details")
        }
        return Scored(
            split, values, signatures, tuple(found), score, used,
            details=details, samples=tuple(passed.samples),
            left_out=tuple(_left_out(passed.sums, getattr(self.program.losses, "left_out", {}))),
        )  # fmt: skip

    def rescored(self, split: str, found: Sequence[Found]) -> dict[str, float]:
        """The metrics of what is written, of other hypotheses than the model's."""
        metrics = [copy.deepcopy(metric) for metric in self.program.metrics]
        self._update(metrics, split, found)
        named = zip(metrics, self.computed(metrics), strict=True)
        return {
            name: value
            for metric, values in named
            if metric.reads in WRITTEN
            for name, value in values.items()
        }

    @property
    def names(self) -> tuple[str, ...]:
        """What each metric is called in results."""
        return metric_names(self._configs)

    @property
    def _configs(self) -> Sequence[Any]:
        """Configs of the metrics."""
        given = self.metric_configs
        return self.program.plan.experiment.evaluate.metrics if given is None else given

    def computed(self, metrics: Sequence[Any]) -> list[dict[str, float]]:
        """What each metric has computed, under its name."""
        types = [config.component[1] for config in self._configs]
        named = zip(metrics, types, self.names, strict=True)
        return [renamed(metric.compute(), type_=type_, name=name) for metric, type_, name in named]

    def _update(self, metrics: Sequence[Any], split: str, found: Sequence[Found]) -> None:
        """Tell the metrics that read what is written of every example."""
        for metric in metrics:
            for example in found if metric.reads in WRITTEN else ():
                reference = self.reference(split, example.index)
                if metric.reads == "probabilities":
                    assert example.log_probs is not None
                    told = {label: math.exp(value) for label, value in example.log_probs.items()}
                    metric.update(told, reference)
                else:
                    metric.update(example.hypotheses[0][0], reference)

    @property
    def language_model(self) -> dict[str, str] | None:
        """Digests of the language model that the search listens to, where it does."""
        used: LanguageModelInUse | None = self.program.language_model
        return used.record() if used else None

    def _pass(
        self, split: str, batches: Iterable[Batch], *, decoding: bool, valued: Sequence[Any]
    ) -> _Passed:
        model = self.program.model
        passed, memories = _Passed(), LaneMemories(self.program.module)
        was_training = model.training
        model.eval()
        self.program.losses.eval()
        try:
            with torch.inference_mode(), prepacked():
                for batch in batches:
                    moved = to_device(batch, self.device)
                    torch.manual_seed(seed_of(self.program.plan.experiment.seed, "judge", split, batch.step))
                    with memories.around(batch.lanes):
                        passed.sums_by_step.append((batch.step, self._sums(split, moved)))
                    memories.leave()
                    if decoding:
                        passed.found.extend(self.search(moved))
                    if valued:
                        self._measure(split, moved, valued, passed)
        finally:
            memories.leave()
            model.train(was_training)
            self.program.losses.train(was_training)
        return passed.gathered(self.gather)

    def _measure(self, split: str, batch: Batch, valued: Sequence[Any], passed: _Passed) -> None:
        """What each metric keeps of each example of a batch."""
        model = cast("ValueModel", self.program.model)
        rows = batch.index.tolist()
        examined = self._examined(batch, [metric for metric in valued if metric.reads == "model"])
        if len(examined) == len(valued):
            measured = zip(*examined.values(), strict=True)
            passed.measured += zip(rows, measured, strict=True)
            return
        answers = cast("Sequence[Sequence[Predicted]]", model.decode(batch, self.searcher))
        predicted = [one[0] for one in answers]
        references = model.references(batch)
        ranking = next((number for number, one in enumerate(valued) if hasattr(one, "alone")), None)
        for row, (index, one, reference) in enumerate(zip(rows, predicted, references, strict=True)):
            kept = tuple(
                examined[id(metric)][row]
                if id(metric) in examined
                else _kept(metric, one, reference, **self._said(metric, split, index))
                for metric in valued
            )
            passed.measured.append((index, kept))
            told = None if ranking is None else self._alone(valued[ranking], kept[ranking])
            passed.samples.append(Sample(index, one, reference, told))
        passed.samples = _to_look_at(passed.samples)

    def _alone(self, metric: Any, kept: tuple[Any, ...]) -> Measured:
        """What a metric says of one example by itself, under its name in the results."""
        name = self.names[next(n for n, one in enumerate(self.program.metrics) if type(one) is type(metric))]
        return Measured(name, metric.alone(*kept), metric.better)

    def _said(self, metric: Any, split: str, index: int) -> dict[str, Any]:
        """What a metric that compares with a text is handed, where it names the text's field."""
        field = getattr(metric, "said_in", None)
        return {} if field is None else {"text": self.text_of(split, field, index), "device": self.device}

    def _examined(self, batch: Batch, asking: Sequence[Any]) -> dict[int, Sequence[tuple[Any, ...]]]:
        """What metrics find that ask the model; images are made once for all that judge those of a kind."""
        model, made = self.program.model, dict[str, Any]()
        examined = {}
        for metric in asking:
            kind = getattr(metric, "makes", None)
            if kind is not None and kind not in made:
                made[kind] = metric.make(model, batch, self.searcher)
            more = {} if kind is None else {"made": made[kind]}
            examined[id(metric)] = metric.examine(model, batch, **more)
        return examined

    def search(self, batch: Batch) -> list[Found]:
        """Hypotheses for every example of a batch."""
        results = self.program.model.decode(batch, self.searcher)
        return [
            self._found(index, tuple((self.decode(_ids(h)), float(h.score)) for h in hypotheses))
            for index, hypotheses in zip(batch.index.tolist(), results, strict=True)
        ]

    def _found(self, index: int, hypotheses: tuple[tuple[str, float], ...]) -> Found:
        if not self.labels:
            return Found(index, hypotheses)
        scores = dict(hypotheses)
        return Found(index, hypotheses[:MOST_KEPT], {label: scores[label] for label in self.labels})

    def _sums(self, split: str, batch: Batch) -> dict[str, float]:
        loss = self.program.losses(self.program.model, batch)
        texts = [self.reference(split, index) for index in batch.index.tolist()]
        return {
            "total": float(loss.total),
            "targets": float(loss.count),
            **{name: float(value) for name, value in loss.terms.items()},
            "characters": float(sum(map(len, texts))),
            "bytes": float(sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)),
        }


@dataclass
class _Passed:
    """What one pass over a split gives."""

    sums_by_step: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    measured: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)
    """By row: what each metric of values keeps of an example."""
    samples: list[Sample] = field(default_factory=list)

    @property
    def sums(self) -> list[dict[str, float]]:
        """Sums of the batches, in their order."""
        return [one for _, one in self.sums_by_step]

    def gathered(self, gather: Callable[[Any], list[Any]]) -> _Passed:
        """What all processes found, in the order of batches and rows."""
        return _Passed(
            _joined(gather(self.sums_by_step), lambda pair: pair[0]),
            _joined(gather(self.found), lambda one: one.index),
            _joined(gather(self.measured), lambda pair: pair[0]),
            _to_look_at(_joined(gather(self.samples), lambda one: one.index)),
        )


def _to_look_at(samples: Sequence[Sample]) -> list[Sample]:
    """Some from all over the split and the worst, by row."""
    by_row = sorted(samples, key=lambda one: one.index)
    some = sorted(by_row, key=lambda one: scattered(one.index))
    ranked = [one for one in by_row if one.measured is not None]
    worst = sorted(ranked, key=lambda one: one.measured.badness if one.measured else 0.0, reverse=True)
    rows = {one.index for one in (*some[:MOST_SAMPLES], *worst[:MOST_SAMPLES])}
    return [one for one in by_row if one.index in rows]


def _joined(parts: Iterable[Iterable[Any]], key: Callable[[Any], int]) -> list[Any]:
    return sorted((one for part in parts for one in part), key=key)


def _kept(metric: Any, prediction: Predicted, reference: Predicted | None, **said: Any) -> tuple[Any, ...]:
    """What a metric keeps of an example: what it measures, else prediction and reference themselves."""
    measure = getattr(metric, "measure", None)
    return (prediction, reference) if measure is None else tuple(measure(prediction, reference, **said))


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on ``device``."""
    return batch.map(lambda x: x.to(device))


def _ids(hypothesis: Any) -> list[int]:
    ids = hypothesis.ids
    return ids.tolist() if isinstance(ids, torch.Tensor) else list(ids)


def _left_out(sums: Sequence[Mapping[str, float]], reasons: Mapping[str, str]) -> Iterator[str]:
    for name, why in reasons.items():
        count = sum(one.get(name, 0.0) for one in sums)
        if count:
            yield f"{count:,.0f} {why}: they are left out of the loss"


def _mean_losses(sums: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The objective, and each of several losses by name; nothing where no target was counted."""
    targets = sum(one["targets"] for one in sums)
    if not targets:
        return {}
    names = [name for name in sums[0] if name.startswith("loss.") and not name.endswith(OF)]
    counts = {name: sum(one.get(name + OF, one["targets"]) for one in sums) for name in names}
    means = {name: sum(one[name] for one in sums) / counts[name] for name in names}
    return {"loss": sum(one["total"] for one in sums) / targets, **means}
