"""Judgement: decode a split and score it by the experiment's metrics.

Metrics of scored references (teacher-forced) and of found hypotheses (generated) are computed apart and
carry different names.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from seqspec.compile.build.program import Program
from seqspec.components._layers.linear import prepacked
from seqspec.components.gauges import OF
from seqspec.data.batching.batch import Batch
from seqspec.data.seeds import seed_of
from seqspec.runtime.assembly.shallow_fusion import LanguageModelInUse


@dataclass(frozen=True)
class Found:
    """What was found for one example: the best hypothesis first."""

    index: int
    hypotheses: tuple[tuple[str, float], ...]
    """Text and score."""


@dataclass(frozen=True)
class Scored:
    """The judgement of one split."""

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


Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Judge:
    """Scores splits with one program."""

    program: Program
    searcher: Any
    decode: Decode
    """Text of ids."""
    reference: Callable[[str, int], str]
    """Raw target text of a row of a split."""
    device: torch.device
    gather: Callable[[Any], list[Any]] = lambda value: [value]
    """Brings together what every process found."""
    known: tuple[Found, ...] | None = None
    """What was found before, in place of a search."""

    def score(self, split: str, batches: Iterable[Batch]) -> Scored:
        """Every metric over a split."""
        metrics = [copy.deepcopy(metric) for metric in self.program.metrics]
        decoding = any(metric.reads != "teacher_forced" for metric in metrics)
        sums, found = self._pass(split, batches, decoding=decoding and self.known is None)
        found = found if self.known is None else list(self.known)
        for metric in metrics:
            if metric.reads == "teacher_forced":
                for one in sums:
                    metric.update(one)
            else:
                for example in found:
                    metric.update(example.hypotheses[0][0], self.reference(split, example.index))
        computed = [metric.compute() for metric in metrics]
        values = {name: value for values in computed for name, value in values.items()}
        if sums:
            values |= _mean_losses(sums)
        score = None
        if metrics:
            first = next(iter(computed[0].values()))
            score = -first if metrics[0].better == "lower" else first
        used = self.language_model if decoding else None
        return Scored(split, values, self._signatures(metrics), tuple(found), score, used)

    @property
    def language_model(self) -> dict[str, str] | None:
        """Digests of the language model that the search listens to, where it does."""
        used: LanguageModelInUse | None = self.program.language_model
        return used.record() if used else None

    def _pass(
        self, split: str, batches: Iterable[Batch], *, decoding: bool
    ) -> tuple[list[dict[str, float]], list[Found]]:
        model = self.program.model
        sums: list[tuple[int, dict[str, float]]] = []
        found: list[Found] = []
        was_training = model.training
        model.eval()
        self.program.losses.eval()
        try:
            with torch.inference_mode(), prepacked():
                for batch in batches:
                    moved = to_device(batch, self.device)
                    torch.manual_seed(seed_of(self.program.plan.experiment.seed, "judge", split, batch.step))
                    sums.append((batch.step, self._sums(split, moved)))
                    if decoding:
                        found.extend(self.search(moved))
        finally:
            model.train(was_training)
            self.program.losses.train(was_training)
        all_sums = sorted((pair for part in self.gather(sums) for pair in part), key=lambda pair: pair[0])
        all_found = sorted((one for part in self.gather(found) for one in part), key=lambda one: one.index)
        return [one for _, one in all_sums], all_found

    def search(self, batch: Batch) -> list[Found]:
        """Hypotheses for every example of a batch."""
        results = self.program.model.decode(batch, self.searcher)
        return [
            Found(index, tuple((self.decode(_ids(h)), float(h.score)) for h in hypotheses))
            for index, hypotheses in zip(batch.index.tolist(), results, strict=True)
        ]

    def _signatures(self, metrics: Sequence[Any]) -> dict[str, str]:
        configs = self.program.plan.experiment.evaluate.metrics
        return {config.component[1]: m.signature() for config, m in zip(configs, metrics, strict=True)}

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


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on ``device``."""
    return batch.map(lambda x: x.to(device))


def _ids(hypothesis: Any) -> list[int]:
    ids = hypothesis.ids
    return ids.tolist() if isinstance(ids, torch.Tensor) else list(ids)


def _mean_losses(sums: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The objective, and each of several losses by name; nothing where no target was counted."""
    targets = sum(one["targets"] for one in sums)
    if not targets:
        return {}
    names = [name for name in sums[0] if name.startswith("loss.") and not name.endswith(OF)]
    counts = {name: sum(one.get(name + OF, one["targets"]) for one in sums) for name in names}
    means = {name: sum(one[name] for one in sums) / counts[name] for name in names}
    return {"loss": sum(one["total"] for one in sums) / targets, **means}
