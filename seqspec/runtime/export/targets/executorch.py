"""`.pte` files for ExecuTorch: Android, iOS and small devices, by XNNPACK's kernels and without Python.

https://pytorch.org/executorch.  A file runs one input, or one hypothesis of a search, at a time: lowering
makes a batch that varies a constant.  Memory is planned when the file is written, so lengths have a largest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seqspec.components.graphs import Axes, Graph
from seqspec.runtime.devices.torch_compiler import quiet
from seqspec.runtime.export.comparison import compare_answers, compare_graphs
from seqspec.runtime.export.subject import Subject
from seqspec.runtime.export.target import Check, required
from seqspec.runtime.export.tracing import arguments, described, exporting

MOST = 1024
"""Largest size of an axis that varies: ids, frames, positions."""
BATCH = "batch"


def require() -> dict[str, str]:
    """The package that writes the files and runs them."""
    with quiet():
        for module in ("executorch.exir", "executorch.runtime"):
            required(module, extra="executorch", wanted_by="`--to executorch`")
    from importlib.metadata import version

    return {"executorch": version("executorch")}


def write(subject: Subject, folder: Path) -> dict[str, Any]:
    """One file a graph."""
    told: dict[str, Any] = {}
    for graph in subject.graphs(subject.batches[0]):
        file = f"{graph.name}.pte"
        with quiet(), exporting(graph, target="executorch"):
            (folder / file).write_bytes(_lowered(graph))
        told[graph.name] = described(graph, file)
    return {"graphs": told, "backend": "XNNPACK", BATCH: 1, "largest": MOST}


def compare(subject: Subject, folder: Path) -> Sequence[Check]:
    """The files in ExecuTorch's own runtime, example by example; then whole searches with them."""
    with quiet():
        runners = {graph.name: runner(graph, folder / f"{graph.name}.pte") for graph in subject.graphs()}
        return [*compare_graphs(subject, runners), *compare_answers(subject, runners)]


def runner(graph: Graph, path: Path) -> Callable[[Sequence[Tensor]], Sequence[Tensor]]:
    """What runs one file on each row of a batch and puts the results together."""
    from executorch.runtime import Runtime, Verification

    program = Runtime.get().load_program(str(path), verification=Verification.Minimal)
    method = program.load_method("forward")
    assert method is not None

    def run(given: Sequence[Tensor]) -> Sequence[Tensor]:
        places = [_batch_axis(axes) for axes in graph.inputs.values()]
        count = max(x.shape[at] for x, at in zip(given, places, strict=True) if at is not None)
        found = []
        for row in range(count):
            alone = [_row(x, at, row) for x, at in zip(given, places, strict=True)]
            found.append([x.clone() for x in method.execute(alone)])
        together = zip(zip(*found, strict=True), graph.outputs.values(), strict=True)
        return [torch.cat(rows, _batch_axis(axes) or 0) for rows, axes in together]

    return run


def _lowered(graph: Graph) -> bytes:
    """The file of a function of one input."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    places = [_batch_axis(axes) for axes in graph.inputs.values()]
    alone = tuple(_row(x, at, 0) for x, at in zip(arguments(graph), places, strict=True))
    vary = torch.export.Dim.DYNAMIC(max=MOST)
    shapes = tuple(
        {n: vary for n, axis in enumerate(axes) if axis not in (None, BATCH)}
        for axes in graph.inputs.values()
    )
    program = torch.export.export(graph.function.eval(), alone, dynamic_shapes=(shapes,))
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    return bytes(lowered.to_executorch().buffer)


def _batch_axis(axes: Axes) -> int | None:
    return axes.index(BATCH) if BATCH in axes else None


def _row(x: Tensor, at: int | None, row: int) -> Tensor:
    """One example of an argument, in memory of its own."""
    alone = x if at is None else x.narrow(at, min(row, x.shape[at] - 1), 1)
    # What is empty keeps strange strides through `contiguous`, and the runtime aborts on these.
    return torch.empty(alone.shape, dtype=x.dtype).copy_(alone)
