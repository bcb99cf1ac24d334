"""Ranges that a run has learned with (``train.quantize``), for the tensors of an ONNX file that they are of.

A layer is found by its weight: the constant of a product or a convolution holds it, turned or beside others.
"""

# O outputs, I inputs, N outputs of all layers that share a product

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqspec.components._layers.fake_quantize import FakeQuantize, rounding_layers

Overrides = dict[str, list[dict[str, Any]]]
"""Least and largest value by tensor, as onnxruntime's quantiser takes them."""
PRODUCTS = ("MatMul", "Gemm", "Conv")


def set_rounding(model: torch.nn.Module, *, enabled: bool) -> int:
    """Lets layers round, or not; gives how many there are."""
    held = [one for _, one in rounding_layers(model)]
    for one in held:
        one.enabled = enabled
    return len(held)


def learned_ranges(model: torch.nn.Module, path: Path) -> Overrides:
    """Of every product of the file whose weight is a layer's that has watched its input."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    held = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    layers = [(layer.weight.detach().numpy(), one) for layer, one in rounding_layers(model) if one.steps]
    found: Overrides = {}
    for node in graph.node:
        if node.op_type in PRODUCTS and node.input[1] in held:
            for one in _of_weight(held[node.input[1]], layers):
                found[node.input[0]] = [_range(one)]
    return found


def _of_weight(constant: np.ndarray, layers: list[tuple[np.ndarray, FakeQuantize]]) -> Iterator[FakeQuantize]:
    """The first layer whose weight the constant is, or holds among its columns."""
    for weight, one in layers:
        turned = constant.ndim == weight.ndim == 2 and len(constant) == weight.shape[1]
        columns = constant.T if turned else ()
        same = constant.shape == weight.shape and np.array_equal(constant, weight)
        if same or any(np.array_equal(column, weight[0]) for column in columns):
            yield one
            return


def _range(one: FakeQuantize) -> dict[str, Any]:
    """Zero is in it, as in training."""
    least, largest = one.range_2.tolist()
    return {"rmin": np.float32(min(least, 0.0)), "rmax": np.float32(max(largest, 0.0))}
