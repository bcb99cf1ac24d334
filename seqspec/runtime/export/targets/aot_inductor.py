"""`.pt2` packages compiled ahead of time: run by torch from Python, or from C++ without Python.

AOTInductor of PyTorch: Ansel et al. (2024), "PyTorch 2: Faster Machine Learning Through Dynamic Python
Bytecode Transformation and Graph Compilation", ASPLOS.  A package holds machine code for the kind of
processor that it was compiled on, and is read by the version of torch that wrote it.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from seqspec.runtime.devices.recurrence_sizes import bind_sizes
from seqspec.runtime.devices.torch_compiler import cpp_compiler, quiet
from seqspec.runtime.export.comparison import compare_answers, compare_graphs, example_batch
from seqspec.runtime.export.subject import Subject
from seqspec.runtime.export.target import Check
from seqspec.runtime.export.tracing import arguments, described, dynamic_shapes, exporting
from seqspec.schema.diagnostic import Exit, RunError


def require() -> dict[str, str]:
    """Torch, and the C++ compiler of this machine."""
    compiler = cpp_compiler()
    if compiler is None:
        raise RunError(
            "`--to aot_inductor` needs a C++ compiler, and there is none on this machine",
            exit=Exit.USAGE,
            help="install g++ 10 or later, or name a compiler in CXX; `--to torch_export` needs none",
        )
    return {"torch": torch.__version__, "compiler": compiler}


def write(subject: Subject, folder: Path) -> dict[str, Any]:
    """One package a graph."""
    told: dict[str, Any] = {}
    for graph in subject.graphs(example_batch(subject.batches[0])):
        file = f"{graph.name}.pt2"
        with quiet(), exporting(graph, target="aot_inductor"):
            program = torch.export.export(
                graph.function.eval(), arguments(graph), dynamic_shapes=dynamic_shapes(graph)
            )
            bind_sizes(program)
            torch._inductor.aoti_compile_and_package(program, package_path=str(folder / file))
        told[graph.name] = described(graph, file)
    return {
        "graphs": told,
        "processor": platform.machine(),
        "vectors": str(torch.backends.cpu.get_cpu_capability()),
    }


def compare(subject: Subject, folder: Path) -> Sequence[Check]:
    """The packages, loaded again, on every batch; then whole searches with them."""
    with quiet():
        runners = {graph.name: runner(folder / f"{graph.name}.pt2") for graph in subject.graphs()}
        return [*compare_graphs(subject, runners), *compare_answers(subject, runners)]


def runner(path: Path) -> Any:
    """What runs one package."""
    module = torch._inductor.aoti_load_package(str(path))

    def run(given: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        with torch.no_grad():
            found: Sequence[torch.Tensor] = module(*(x.clone() for x in given))
        return found

    return run
