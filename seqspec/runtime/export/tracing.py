"""Graphs through ``torch.export``: the arguments that exporters ask for, and what they print kept back."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import torch

from seqspec.components.graphs import Graph
from seqspec.schema.diagnostic import Exit, RunError


def arguments(graph: Graph) -> tuple[Any, ...]:
    """The example's tensors, detached from whatever made them."""
    return tuple(x.detach().clone() for x in graph.given.values())


def dynamic_shapes(graph: Graph) -> Any:
    """The dimensions that vary; an exporter that would fix one of them fails instead."""
    vary = torch.export.Dim.DYNAMIC
    return (tuple({n: vary for n, axis in enumerate(axes) if axis} for axes in graph.inputs.values()),)


@contextlib.contextmanager
def exporting(graph: Graph, *, target: str) -> Iterator[None]:
    """Tells what an exporter cannot write as a ``RunError``; keeps its progress and warnings back."""
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.CRITICAL)
    shown = io.StringIO()
    try:
        with warnings.catch_warnings(), torch.no_grad(), contextlib.redirect_stdout(shown):
            warnings.simplefilter("ignore")
            yield
    except RunError:
        raise
    except Exception as error:  # Whatever a tracer makes of a model that it cannot follow.
        first = error.__cause__ or error  # The exporter to ONNX wraps what the tracer said in advice.
        why = next((line.strip() for line in str(first).splitlines() if line.strip()), type(first).__name__)
        raise RunError(
            f"`{target}` cannot write the function `{graph.name}` of this model: {why[:300]}",
            exit=Exit.USAGE,
            help="`--to safetensors` writes the weights of any model; docs/export.md tells what goes where",
        ) from error
    finally:
        quiet.setLevel(level)


def described(graph: Graph, file: str) -> dict[str, Any]:
    """What ``export.json`` says of a graph."""

    def ports(axes: Any, tensors: Any) -> dict[str, Any]:
        return {
            name: {
                "dtype": str(x.dtype).removeprefix("torch."),
                "shape": [axis or size for axis, size in zip(axes[name], x.shape, strict=True)],
            }
            for name, x in tensors.items()
        }

    results = dict(zip(graph.outputs, graph.results(), strict=True))
    return {
        "file": file,
        "note": graph.note,
        **({"constants": dict(graph.constants)} if graph.constants else {}),
        "arguments": list(graph.inputs),
        "results": list(graph.outputs),
        "inputs": ports(graph.inputs, graph.given),
        "outputs": ports(graph.outputs, results),
    }
