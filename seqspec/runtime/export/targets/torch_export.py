"""`.pt2` files of `torch.export`, run by torch from Python or, compiled, from C++."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from seqspec.runtime.export.comparison import compare_answers, compare_graphs, example_batch
from seqspec.runtime.export.subject import Subject
from seqspec.runtime.export.target import Check
from seqspec.runtime.export.tracing import arguments, described, dynamic_shapes, exporting

LOADS = "torch.export.load({file!r}).module()"
"""How one file becomes a function, for the card."""


def require() -> dict[str, str]:
    """Torch alone."""
    return {"torch": torch.__version__}


def write(subject: Subject, folder: Path) -> dict[str, Any]:
    """One file a graph."""
    told: dict[str, Any] = {}
    for graph in subject.graphs(example_batch(subject.batches[0])):
        file = f"{graph.name}.pt2"
        with exporting(graph, target="torch_export"):
            program = torch.export.export(
                graph.function.eval(), arguments(graph), dynamic_shapes=dynamic_shapes(graph)
            )
            torch.export.save(program, folder / file)
        told[graph.name] = described(graph, file)
    return {"graphs": told}


def compare(subject: Subject, folder: Path) -> Sequence[Check]:
    """The files, loaded again, on every batch; then whole searches with them."""
    runners = {graph.name: _runner(folder / f"{graph.name}.pt2") for graph in subject.graphs()}
    return [*compare_graphs(subject, runners), *compare_answers(subject, runners)]


def _runner(path: Path) -> Any:
    module = torch.export.load(path).module()

    def run(given: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        with torch.no_grad():
            found: Sequence[torch.Tensor] = module(*(x.clone() for x in given))
        return found

    return run
