"""Running an ONNX file by onnxruntime on torch's tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from seqspec.runtime.export.target import required


def runner(path: Path) -> Callable[[Sequence[Tensor]], Sequence[Tensor]]:
    """What runs the file with as many threads as torch."""
    onnxruntime = required("onnxruntime", extra="export", wanted_by="running an ONNX file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_inputs()]

    def run(given: Sequence[Tensor]) -> Sequence[Tensor]:
        values = {name: x.detach().numpy() for name, x in zip(names, given, strict=True)}
        return [torch.from_numpy(x) for x in session.run(None, values)]

    return run
