"""The functions of a model that other runtimes can run: tensors in, tensors out, nothing of search in them.

A graph is a method of the model that its ``decode`` calls, so that whoever has the graph in another runtime
can put it in the method's place and search as before.
"""

# B batch, T time

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from seqspec.data.batching.batch import Batch, Field

Axes = tuple[str | None, ...]
"""One entry a dimension: the name of one that varies, ``None`` for one that does not."""


@dataclass(frozen=True)
class Graph:
    """One function with an example of its arguments."""

    name: str
    """What the file is called."""
    function: nn.Module
    """Takes the values of ``given`` in order, gives a tuple in the order of ``outputs``."""
    given: Mapping[str, Tensor]
    """Arguments by name, of real examples."""
    inputs: Mapping[str, Axes]
    outputs: Mapping[str, Axes]
    note: str
    """One sentence on what it computes."""
    constants: Mapping[str, float] = field(default_factory=dict)
    """Numbers that the loop around it goes by."""

    @torch.inference_mode()
    def results(self) -> tuple[Tensor, ...]:
        """What the function makes of ``given``."""
        found: tuple[Tensor, ...] = self.function(*self.given.values())
        return found


class Function(nn.Module):
    """A function of a model's parameters as a module, as exporters ask for."""

    def __init__(self, model: nn.Module, function: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.model = model
        self.function = function

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        return self.function(*given)


def source_arguments(batch: Batch) -> tuple[dict[str, Tensor], dict[str, Axes]]:
    """The source of a batch as arguments ``source`` and, where examples have one, ``lengths``."""
    return arguments_of(batch.fields["source"], "source")


def arguments_of(field: Field, name: str) -> tuple[dict[str, Tensor], dict[str, Axes]]:
    """A field as an argument ``name`` and, where examples have one, ``lengths``."""
    rest: Axes = (None,) * (field.values.dim() - 2)
    if field.lengths is None:
        return {name: field.values}, {name: ("batch", None, *rest)}
    given = {name: field.values, "lengths": field.lengths}
    return given, {name: ("batch", "length", *rest), "lengths": ("batch",)}


def nothing_searched(graphs: Mapping[str, Substitute]) -> dict[str, Any]:
    """What ``substitutes`` gives where answers are not made by graphs, or take too long to be made twice."""
    return {}


def log_probabilities(logits: Tensor) -> Tensor:
    """Log-probabilities in float32 over the last dimension."""
    return logits.float().log_softmax(-1)


def graphs_of(model: Any, batch: Batch) -> tuple[Graph, ...]:
    """The model's graphs with arguments from ``batch``; none where the model does not say any."""
    told: Callable[[Batch], tuple[Graph, ...]] | None = getattr(model, "graphs", None)
    return told(batch) if told is not None else ()


@dataclass(frozen=True)
class TensorState:
    """What a search carries from step to step, as named tensors; another runtime keeps it so.

    ``fixed`` belongs to examples, ``[B, …]``; ``moving`` belongs to hypotheses and changes with each step.
    At the start every moving tensor is zero, and its axis ``position``, where it has one, is empty.
    """

    fixed: Mapping[str, Tensor]
    moving: Mapping[str, Tensor]
    axes: Mapping[str, Axes]
    """Of both kinds, by name; hypotheses stand on the axis ``batch``."""

    def select(self, rows_N: Tensor) -> TensorState:
        """The hypotheses in ``rows_N``."""
        moving = {
            name: x.index_select(self.axes[name].index("batch"), rows_N) for name, x in self.moving.items()
        }
        return replace(self, moving=moving)

    def keep(self, examples_B: Tensor) -> TensorState:
        """Forgets what belongs to other examples."""
        return replace(self, fixed={name: x[examples_B] for name, x in self.fixed.items()})

    def at(self, hypotheses: int) -> dict[str, Tensor]:
        """Every tensor by name, with what belongs to an example once for each of its hypotheses."""
        repeated = {
            name: x.repeat_interleave(hypotheses // len(x), 0) if len(x) < hypotheses else x
            for name, x in self.fixed.items()
        }
        return {**repeated, **self.moving}


@dataclass(frozen=True)
class Substitute:
    """A graph in another runtime."""

    graph: Graph
    run: Callable[..., tuple[Tensor, ...]]

    def __call__(self, *given: Tensor) -> tuple[Tensor, ...]:
        return self.run(*given)


def replaced(model: Any, graphs: Mapping[str, Substitute]) -> dict[str, Any]:
    """The methods of the model that ``graphs`` stand for: what its ``substitutes`` says, left out those of
    the same names.
    """
    told = getattr(model, "substitutes", None)
    methods: dict[str, Any] = told(graphs) if told is not None else dict(graphs)
    return methods


@contextmanager
def substituted(model: Any, graphs: Mapping[str, Substitute]) -> Iterator[None]:
    """Until the end of the block the model searches with ``graphs`` in place of its own parameters."""
    methods = replaced(model, graphs)
    for name, method in methods.items():
        model.__dict__[name] = method
    try:
        yield
    finally:
        for name in methods:
            del model.__dict__[name]
