"""Graphs of models that write one token after another: ``encode`` a source once, then ``step``.

A decoder whose state knows itself as tensors (``tensors`` and ``restored``) exports a step with its cache;
any other exports one that reads the whole prefix again.
"""

# B batch, N hypotheses (B times the beam), U target time, V vocabulary

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components.graphs import Function, Graph, Substitute, TensorState, log_probabilities

NEXT = "next_"
"""Before the name of a moving tensor where a step gives it."""
EXAMPLE_STEPS = 2
"""Steps that the example of ``step`` has taken, so that its cache holds something."""


@dataclass(frozen=True)
class Stepper:
    """How a decoder and its head step from tensors to tensors."""

    state: TensorState
    """At the start."""
    step: Callable[[Tensor, Mapping[str, Tensor]], tuple[Tensor, Mapping[str, Tensor]]]
    """Ids ``[N]`` and every tensor of the state give log-probabilities ``[N, V]`` and the moving tensors."""


def stepper(
    decoder: Any,
    head: Callable[[Tensor], Tensor],
    memory: Tensor | None,
    lengths_B: Tensor | None,
    count: Any,
) -> Stepper:
    """The stepper of a decoder over a memory, or over none, for ``count`` examples."""
    template = decoder.start(memory, lengths_B, examples=count)
    if not hasattr(template, "tensors"):
        return _prefix_stepper(decoder, head, memory, lengths_B, count)

    def step(ids_N: Tensor, tensors: Mapping[str, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        hidden, state = decoder.step(ids_N, template.restored(tensors))
        return log_probabilities(head(hidden)), state.tensors().moving

    return Stepper(template.tensors(), step)


def _prefix_stepper(
    decoder: Any,
    head: Callable[[Tensor], Tensor],
    memory: Tensor | None,
    lengths_B: Tensor | None,
    count: Any,
) -> Stepper:
    """Nothing is kept but the ids so far."""
    assert memory is not None
    assert lengths_B is not None
    fixed = {"memory": memory, "memory_lengths": lengths_B}
    moving = {"prefix": lengths_B.new_zeros(count, 0)}
    axes = {
        "memory": ("batch", "memory", None),
        "memory_lengths": ("batch",),
        "prefix": ("batch", "position"),
    }

    def step(ids_N: Tensor, tensors: Mapping[str, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        ids_NU = torch.cat([tensors["prefix"], ids_N[:, None]], dim=1)
        hidden_NUD = decoder(ids_NU, tensors["memory"], tensors["memory_lengths"])
        return log_probabilities(head(hidden_NUD[:, -1])), {"prefix": ids_NU}

    return Stepper(TensorState(fixed, moving, axes), step)


def step_graph(model: nn.Module, stepping: Stepper, prefix_BU: Tensor) -> Graph:
    """The graph ``step``, with the state after the first ids of ``prefix_BU`` as its example."""
    state, fixed = stepping.state, tuple(stepping.state.fixed)
    moving: Mapping[str, Tensor] = state.moving
    with torch.inference_mode():
        for ids_B in prefix_BU[:, :EXAMPLE_STEPS].unbind(1):
            _, moving = stepping.step(ids_B, {**state.fixed, **moving})
    names = (*fixed, *moving)

    def step(ids_N: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        log_probs_NV, after = stepping.step(ids_N, dict(zip(names, values, strict=True)))
        return (log_probs_NV, *after.values())

    given = {"ids": prefix_BU[:, -1], **state.fixed, **moving}
    inputs = {"ids": ("batch",), **{name: state.axes[name] for name in names}}
    outputs = {
        "log_probs": ("batch", None),
        **{NEXT + name: _grown(state.axes[name]) for name in moving},
    }
    note = "Log-probabilities of the id after `ids`, and the state that knows it."
    plain = {name: x.clone() for name, x in given.items()}
    return Graph("step", Function(model, step), plain, inputs, outputs, note)


def _grown(axes: tuple[str | None, ...]) -> tuple[str | None, ...]:
    return tuple("next_position" if axis == "position" else axis for axis in axes)


def begin_by(graph: Graph, fixed: Sequence[Tensor], count: int) -> TensorState:
    """The state before the first step of the graph ``step``: ``fixed`` as it was encoded, zeros otherwise;
    what these have of the source's length they have from ``fixed``.
    """
    names = [name for name in graph.given if name != "ids"]
    held = dict(zip(names, fixed, strict=False))
    sizes = {
        axis: size
        for name, x in held.items()
        for axis, size in zip(graph.inputs[name], x.shape, strict=True)
        if axis is not None
    }
    sizes |= {"batch": count, "position": 0}
    moving = {
        name: graph.given[name].new_zeros([sizes.get(axis or "", size) for axis, size in _sized(graph, name)])
        for name in names[len(fixed) :]
    }
    return TensorState(held, moving, {name: graph.inputs[name] for name in names})


def _sized(graph: Graph, name: str) -> Iterator[tuple[str | None, int]]:
    return zip(graph.inputs[name], graph.given[name].shape, strict=True)


def step_by(substitute: Substitute) -> Callable[..., tuple[Tensor, TensorState]]:
    """A model's ``step`` over a ``TensorState`` by the graph ``step`` in another runtime.

    It gives log-probabilities where the model gives logits; a search makes the same of both.
    """

    def step(ids_N: Tensor, state: TensorState, *, look: bool = False) -> tuple[Tensor, TensorState]:
        found = substitute(ids_N, *state.at(len(ids_N)).values())
        return found[0], replace(state, moving=dict(zip(state.moving, found[1:], strict=True)))

    return step
