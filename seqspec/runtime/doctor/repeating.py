"""M13 evaluation that repeats, M18 weights that survive saving, and the next batch after a restart."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import torch

from seqspec.data.batching.loader import training_order
from seqspec.data.inspect.finding import Finding
from seqspec.runtime.doctor.subject import Patient


def check(patient: Patient) -> Iterator[Finding]:
    """The same must come out twice."""
    yield _deterministic(patient)
    yield _saved(patient)


def _deterministic(patient: Patient) -> Finding:
    model, batch = patient.fresh(), patient.batch()
    first, second = (patient.nats(model, batch) for _ in range(2))
    if first != second:
        return Finding("M13", "error", f"two evaluations of the same batch differ: {first!r} and {second!r}",
                       "something random runs in evaluation mode")  # fmt: skip
    with torch.no_grad():
        loss = patient.loss(model, batch, training=True)
    training = float(loss.total) / max(float(loss.count), 1.0)
    told = f"evaluation repeats to the bit: {first:.4f}; in training mode the loss is {training:.4f}"
    return Finding("M13", "ok", told, numbers={"evaluation": first, "training": training})


def _saved(patient: Patient) -> Finding:
    model, batch = patient.fresh(), patient.batch()
    before = patient.nats(model, batch)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    other = patient.fresh()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    after = patient.nats(other, batch)
    if before != after:
        return Finding("M18", "error", f"after saving and loading the loss is {after!r}, not {before!r}",
                       "some state is neither a parameter nor a buffer")  # fmt: skip
    parts = patient.prepared.parts
    one, two = (training_order(parts, patient.train) for _ in range(2))
    number = one.batches(0) + 3
    if not np.array_equal(one.batch(number).examples, two.batch(number).examples):
        return Finding("M18", "error", f"batch {number} differs after a restart")
    return Finding(
        "M18", "ok", "saving and loading changes no bit, and the next batch after a restart is the same"
    )
