"""Sizes that the loops of a traced program ask for before AOTInductor compiles it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


def bind_sizes(program: torch.export.ExportedProgram) -> None:
    """Hands every free size of the inputs to each recurrence.  AOTInductor makes a loop of it and works out
    the loop's sizes from those that it is given, which it needs where a length is a quotient of another, as
    after frames were stacked (torch 2.13, ``decompose_scan_to_while_loop``).
    """
    module = program.graph_module
    recurrences = module.graph.find_nodes(op="call_function", target=torch.ops.higher_order.scan)
    if not recurrences:
        return
    sizes = _free_sizes(module.graph)
    for node in recurrences:
        body, start, steps, others = node.args
        node.args = (body, start, steps, (*others, *sizes))
    for name in {node.args[0].target for node in recurrences}:
        inner = getattr(module, name)
        _add_inputs(inner.graph, sizes)
        inner.recompile()
    module.recompile()


def _free_sizes(graph: torch.fx.Graph) -> list[torch.fx.Node]:
    """A node for each size of an input that is a symbol by itself."""
    inputs = graph.find_nodes(op="placeholder")
    found: dict[Any, torch.fx.Node] = {}
    for node in inputs:
        shape = getattr(node.meta.get("val"), "shape", ())
        for axis, size in enumerate(shape):
            if isinstance(size, torch.SymInt) and size.node.expr.is_Symbol and size.node.expr not in found:
                with graph.inserting_after(inputs[-1]):
                    told = graph.call_function(torch.ops.aten.sym_size.int, (node, axis))
                told.meta["val"] = size
                found[size.node.expr] = told
    return list(found.values())


def _add_inputs(graph: torch.fx.Graph, sizes: Sequence[torch.fx.Node]) -> None:
    """Inputs that nothing reads, behind the others."""
    last = graph.find_nodes(op="placeholder")[-1]
    for number, size in enumerate(sizes):
        with graph.inserting_after(last):
            last = graph.placeholder(f"size_{number}")
        last.meta["val"] = size.meta["val"]
