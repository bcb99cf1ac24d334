"""`.onnx` files for onnxruntime and other engines: servers, phones, browsers."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from seqspec.components.graphs import Graph
from seqspec.runtime.export.comparison import compare_answers, compare_graphs, example_batch
from seqspec.runtime.export.onnx_session import runner
from seqspec.runtime.export.subject import Subject
from seqspec.runtime.export.target import Check, required
from seqspec.runtime.export.tracing import arguments, described, dynamic_shapes, exporting

OPSET = 20
"""Version of ONNX's operators; onnxruntime runs it from 1.17 on."""


def require() -> dict[str, str]:
    """The packages of the extra `export`."""
    found = {}
    for name in ("onnx", "onnxscript", "onnxruntime"):
        found[name] = required(name, extra="export", wanted_by="`--to onnx`").__version__
    return found


def write(subject: Subject, folder: Path) -> dict[str, Any]:
    """One file a graph, weights inside, the axes that vary by name; and a driver for whole searches."""
    shutil.copyfile(Path(__file__).parents[1] / "driver.py", folder / "driver.py")
    told: dict[str, Any] = {}
    for graph in subject.graphs(example_batch(subject.batches[0])):
        file = f"{graph.name}.onnx"
        write_graph(graph, folder / file, target="onnx", run=subject.folder.path.name)
        told[graph.name] = described(graph, file)
    return {"opset": OPSET, "graphs": told}


def compare(subject: Subject, folder: Path) -> Sequence[Check]:
    """Onnxruntime on every batch; then whole searches with it."""
    runners = {graph.name: runner(folder / f"{graph.name}.onnx") for graph in subject.graphs()}
    return [*compare_graphs(subject, runners), *compare_answers(subject, runners)]


def write_graph(
    graph: Graph, path: Path, *, target: str, run: str, facts: Mapping[str, str] | None = None
) -> None:
    """One graph as a file, with ``facts`` among its metadata.  Raises ``RunError`` where it cannot."""
    with exporting(graph, target=target):
        program = torch.onnx.export(
            graph.function.eval(), arguments(graph), dynamo=True, opset_version=OPSET, verbose=False,
            input_names=list(graph.inputs), output_names=list(graph.outputs),
            dynamic_shapes=dynamic_shapes(graph),
        )  # fmt: skip
    assert program is not None
    _save(program.model_proto, graph, path, facts={"seqspec_run": run, **(facts or {})})


def _save(proto: Any, graph: Graph, path: Path, *, facts: Mapping[str, str]) -> None:
    """With our names of axes, and where it comes from, in the file."""
    import onnx

    for ports, axes in ((proto.graph.input, graph.inputs), (proto.graph.output, graph.outputs)):
        for port in ports:
            for dim, axis in zip(port.type.tensor_type.shape.dim, axes[port.name], strict=True):
                if axis is not None:
                    dim.dim_param = axis
    # Weights that are turned or reordered become constants, whatever their size: quantisation needs them so.
    optimizer = required("onnxscript.optimizer", extra="export", wanted_by="`--to onnx`")
    proto = optimizer.optimize(proto, input_size_limit=2**31, output_size_limit=2**31)
    proto.graph.name = graph.name
    proto.doc_string = graph.note
    onnx.helper.set_model_props(proto, dict(facts))
    onnx.save(proto, path)
