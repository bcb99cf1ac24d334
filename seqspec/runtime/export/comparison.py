"""Comparing graphs, and the answers that are searched with them, between two runtimes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from seqspec.components.graphs import Graph, Substitute, replaced, substituted
from seqspec.runtime.export.answers import answers_apart, best_of
from seqspec.runtime.export.target import Check, difference

if TYPE_CHECKING:
    from seqspec.data.batching.batch import Batch
    from seqspec.runtime.export.subject import Subject

TOLERANCE = 1e-4
"""Of float32 results: ``|a - b| / (1 + |b|)``."""
Runners = Mapping[str, Callable[[Sequence[Tensor]], Sequence[Tensor]]]
"""A graph's name to what runs it in the other runtime."""


def compare_graphs(subject: Subject, runners: Runners, *, tolerance: float = TOLERANCE) -> list[Check]:
    """Every graph on every batch of the subject."""
    worst: dict[str, float] = {}
    for batch in subject.batches:
        for graph in subject.graphs(batch):
            found = runners[graph.name](tuple(graph.given.values()))
            for name, got, expected in zip(graph.outputs, found, graph.results(), strict=True):
                apart = difference(_array(got), _array(expected))
                key = f"{graph.name}: {name}"
                worst[key] = max(worst.get(key, 0.0), apart)
    return [Check(what, apart, tolerance) for what, apart in worst.items()]


def compare_answers(subject: Subject, runners: Runners) -> list[Check]:
    """The best answer to every input, searched with the graphs in the other runtime.

    A decoder with learned positions slides its window over text that is longer; that is no graph, and its
    answers are not compared; nor are those of a model whose answers are not made by its graphs.
    """
    if not replaced(subject.model, substitutes(subject.graphs(), runners)):
        return []
    if getattr(getattr(subject.model, "decoder", None), "max_positions", None) and not _has_source(subject):
        return []
    expected, found = [], []
    for batch in subject.batches:
        expected += [best_of(one) for one in subject.answers(batch)]
        with in_runtime(subject, runners):
            found += [best_of(one) for one in subject.answers(batch)]
    apart, tolerance = answers_apart(found, expected)
    return [Check(f"best answers of {len(expected)} inputs", apart, tolerance)]


def in_runtime(subject: Subject, runners: Runners) -> Any:
    """A context in which the subject's model searches with the other runtime."""
    return substituted(subject.model, substitutes(subject.graphs(), runners))


def substitutes(graphs: Sequence[Graph], runners: Runners) -> dict[str, Substitute]:
    """The graphs with what runs them."""

    def by(name: str) -> Callable[..., tuple[Tensor, ...]]:
        return lambda *given: tuple(runners[name]([one for one in given if one is not None]))

    return {graph.name: Substitute(graph, by(graph.name)) for graph in graphs if graph.name in runners}


def _has_source(subject: Subject) -> bool:
    return not subject.opened.predictor.prompts


def _array(x: Tensor) -> np.ndarray:
    return x.detach().cpu().numpy()


def example_batch(batch: Batch) -> Batch:
    """Tracing needs two examples or more: sizes of 0 and 1 are taken for constants."""
    if len(batch.index) > 1:
        return batch
    twice = torch.zeros(2, dtype=torch.int64)
    return batch.map(lambda x: x[twice])
