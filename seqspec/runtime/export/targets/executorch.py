"""`.pte` files for ExecuTorch: Android, iOS and small devices, by XNNPACK's kernels and without Python.

https://pytorch.org/executorch.  Memory is planned when the file is written, so every axis that varies has a
largest size; where XNNPACK cannot follow a batch that varies beside a length, the batch is one.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seqspec.components.graphs import Graph
from seqspec.data.batching.batch import Batch
from seqspec.runtime.export.comparison import compare_answers, compare_graphs, example_batch
from seqspec.runtime.export.subject import Subject
from seqspec.runtime.export.target import Check, required
from seqspec.runtime.export.tracing import arguments, described, exporting

MOST = 1024
"""Places of an axis that varies: ids, frames, positions."""
MOST_BATCH = 16
"""Examples, or hypotheses of a search."""
COMPARED = 4
"""Examples that are run, each by itself."""


def require() -> dict[str, str]:
    """The package that writes the files and runs them."""
    with _quiet():
        required("executorch.exir", extra="executorch", wanted_by="`--to executorch`")
        required("executorch.runtime", extra="executorch", wanted_by="`--to executorch`")
    from importlib.metadata import version

    return {"executorch": version("executorch")}


def write(subject: Subject, folder: Path) -> dict[str, Any]:
    """One file a graph."""
    told: dict[str, Any] = {}
    whole = subject.graphs(example_batch(subject.batches[0]))
    single = subject.graphs(_rows(subject.batches[0], 1)[0])
    for graph, alone in zip(whole, single, strict=True):
        file = f"{graph.name}.pte"
        with _quiet():
            most = _written(graph, alone, folder / file)
        told[graph.name] = described(graph, file) | {"largest": most}
    return {"graphs": told, "backend": "XNNPACK"}


def compare(subject: Subject, folder: Path) -> Sequence[Check]:
    """The files in ExecuTorch's own runtime on single examples; then whole searches with them."""
    with _quiet():
        singles = [one for batch in subject.batches for one in _rows(batch, COMPARED)][:COMPARED]
        alone = replace(subject, batches=tuple(singles))
        runners = {graph.name: runner(folder / f"{graph.name}.pte") for graph in alone.graphs()}
        return [*compare_graphs(alone, runners), *compare_answers(alone, runners)]


def runner(path: Path) -> Any:
    """What runs one file."""
    from executorch.runtime import Runtime, Verification

    program = Runtime.get().load_program(str(path), verification=Verification.Minimal)
    method = program.load_method("forward")

    def run(given: Sequence[Tensor]) -> Sequence[Tensor]:
        found = method.execute([x.detach().contiguous().clone() for x in given])
        return [x.clone() for x in found]

    return run


def _written(graph: Graph, alone: Graph, path: Path) -> dict[str, int]:
    """Gives the largest size of every axis that varies.  Raises ``RunError`` where it cannot."""
    try:
        return _lowered(graph, path, most={"batch": MOST_BATCH})
    except Exception:  # Whatever the tracer or the backend makes of two axes that vary.
        with exporting(graph, target="executorch"):
            return _lowered(alone, path, most={"batch": 1})


def _lowered(graph: Graph, path: Path, *, most: dict[str, int]) -> dict[str, int]:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    axes = {axis for one in graph.inputs.values() for axis in one if axis}
    sizes = {axis: most.get(axis, MOST) for axis in sorted(axes)}
    with torch.no_grad():
        program = torch.export.export(
            graph.function.eval(), arguments(graph), dynamic_shapes=_bounded(graph, sizes)
        )
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        data = lowered.to_executorch().buffer
    path.write_bytes(data)
    return sizes


def _bounded(graph: Graph, sizes: dict[str, int]) -> Any:
    """Every axis that varies from 1 on: a dimension without bounds is taken for that of the example."""
    dims = {axis: torch.export.Dim(axis, min=1, max=most) for axis, most in sizes.items() if most > 1}
    return (
        tuple(
            {n: dims[axis] for n, axis in enumerate(axes) if axis in dims} for axes in graph.inputs.values()
        ),
    )


def _rows(batch: Batch, count: int) -> list[Batch]:
    """The first examples, each by itself and as long as it is."""
    return [_alone(batch, row) for row in range(min(count, len(batch.index)))]


def _alone(batch: Batch, row: int) -> Batch:
    index = torch.tensor([row])
    single = batch.map(lambda x: x[index])
    cut = {
        role: field._replace(values=field.values[:, : max(int(field.lengths[0]), 2)])
        for role, field in single.fields.items()
        if field.lengths is not None
    }
    return single.with_fields(**cut)


@contextmanager
def _quiet() -> Iterator[None]:
    """The package speaks of its own imports and passes."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
