"""The weights as `model.safetensors` beside the spec, the vocabularies and what the data told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from seqspec.compile.build.program import build
from seqspec.data.store.durable import write_durably
from seqspec.runtime.checkpoints.model_tensors import load_tensors, state_tensors
from seqspec.runtime.checkpoints.tensor_file import pieces
from seqspec.runtime.export.subject import Subject
from seqspec.runtime.export.target import Check, required

FILE = "model.safetensors"


def require() -> dict[str, str]:
    """The package that reads the file elsewhere."""
    package = required("safetensors", extra="train", wanted_by="`--to safetensors`")
    return {"safetensors": package.__version__}


def write(subject: Subject, folder: Path) -> dict[str, Any]:
    """A tied weight stands once, under its first name."""
    tensors = state_tensors(subject.model)
    about = {"format": "pt", "run": subject.folder.path.name, "checkpoint": subject.weights.name}
    write_durably(folder / FILE, b"".join(bytes(data) for _, data in pieces(tensors, about=about)))
    write_durably(folder / "spec.yaml", subject.folder.spec.read_bytes())
    return {"file": FILE, "tensors": len(tensors)}


@torch.inference_mode()
def compare(subject: Subject, folder: Path) -> Sequence[Check]:
    """The file read by the package, in a program built anew, must give the same bits."""
    from safetensors.torch import load_file

    program = build(subject.compiled.plan, tree=subject.compiled.tree)
    load_tensors(program.module, load_file(folder / FILE))
    expected = state_tensors(subject.model)
    found = state_tensors(program.module)
    changed = sum(not torch.equal(found[name], expected[name]) for name in expected)
    return [Check(f"{len(expected)} tensors in a program built anew", changed / max(len(expected), 1), 0.0)]
