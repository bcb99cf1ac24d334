"""M06 examples of a batch that see one another, M07 places that see the future, M12 padding that counts."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.nn import functional

from seqspec.data.batching.batch import Batch
from seqspec.data.inspect.finding import Finding
from seqspec.runtime.doctor.subject import Patient

TOLERANCE = 2e-4
"""Relative difference that rounding may make."""
MORE = 7
"""Places of padding that are added."""


def check(patient: Patient) -> Iterator[Finding]:
    """What may not depend on what."""
    if not patient.packed and patient.train.lengths[patient.examples].any():
        yield _alone(patient)
        yield _gradients(patient)
        yield _padding(patient)
    yield _causality(patient)


def _alone(patient: Patient) -> Finding:
    if patient.compares:
        return _alone_by_scores(patient)
    model = patient.fresh()
    together = _sum(patient, model, patient.batch())
    apart = sum(_sum(patient, model, patient.batch([index])) for index in patient.examples.tolist())
    off = abs(together - apart) / max(abs(apart), 1e-9)
    numbers = {"together": round(together, 5), "apart": round(apart, 5)}
    if off < TOLERANCE:
        return Finding("M06", "ok", "examples give the same loss alone and in a batch", numbers=numbers)
    return Finding(
        "M06", "error", f"in a batch examples give another loss than alone: {together:.4f}, {apart:.4f}",
        "padding leaks, or something is normalised over the batch in evaluation mode", numbers=numbers,
    )  # fmt: skip


def _alone_by_scores(patient: Patient) -> Finding:
    """Where a loss compares examples, what the model gives for each must still be its own."""
    model = patient.fresh()
    together, _ = patient.captured(model, patient.batch())
    alone = [patient.captured(model, patient.batch([index]))[0] for index in patient.examples.tolist()]
    off = float((together - torch.cat(alone)).abs().max() / together.abs().max().clamp(min=1e-9))
    numbers = {"relative": round(off, 8)}
    if off < TOLERANCE:
        return Finding("M06", "ok", "examples give the same output alone and in a batch", numbers=numbers)
    return Finding(
        "M06", "error", f"in a batch examples give another output than alone (by {off:.2g} of the largest)",
        "padding leaks, or something is normalised over the batch in evaluation mode", numbers=numbers,
    )  # fmt: skip


def _sum(patient: Patient, model: torch.nn.Module, batch: Batch) -> float:
    with torch.no_grad():
        return float(patient.loss(model, batch).total)


def _gradients(patient: Patient) -> Finding:
    """The gradient of one example's scores with regard to another's input is exactly zero."""
    batch = patient.batch(patient.examples[: min(4, len(patient.examples))])
    ids = Finding("M06", "info", "inputs are ids, which have no gradient; the losses above were compared")
    if batch.source is None or not batch.source.is_floating_point() or len(batch.index) < 2:
        return ids
    model = patient.fresh().eval()
    source = batch.source.clone().requires_grad_()
    scores = patient.output(model, batch.with_values(source=source)).scores
    (gradient,) = torch.autograd.grad(scores[0].float().square().sum(), source, allow_unused=True)
    if gradient is None:
        return ids
    leak = float(gradient[1:].abs().max())
    if leak == 0.0:
        return Finding(
            "M06", "ok", "no example's input moves another's output, by gradients that are exactly 0"
        )
    return Finding("M06", "error", f"an example's output depends on another's input (gradient {leak:.2g})",
                   "look for a reduction over the batch", numbers={"gradient": leak})  # fmt: skip


def _padding(patient: Patient) -> Finding:
    model, batch = patient.fresh(), patient.batch()
    plain = _sum(patient, model, batch)
    moved = {name: _sum(patient, model, other) for name, other in _padded(batch)}
    if not moved:
        return Finding("M12", "info", "examples are of one size and have no padding")
    worst = max(moved, key=lambda name: abs(moved[name] - plain))
    off = abs(moved[worst] - plain) / max(abs(plain), 1e-9)
    numbers = {"plain": round(plain, 5), **{name: round(value, 5) for name, value in moved.items()}}
    if off < TOLERANCE:
        return Finding(
            "M12", "ok", "neither the length nor the content of padding changes the loss", numbers=numbers
        )
    return Finding(
        "M12", "error", f"{worst} changes the loss from {plain:.4f} to {moved[worst]:.4f}",
        "mask what lies beyond the lengths, in the encoder, the attention and the loss", numbers=numbers,
    )  # fmt: skip


def _padded(batch: Batch) -> Iterator[tuple[str, Batch]]:
    """The batch with other padding; places beyond the lengths hold what must never be looked at."""
    if batch.source is not None and batch.source_lengths is not None:
        source = batch.source
        widths = (0, 0) * (source.ndim - 2) + (0, MORE)
        longer = functional.pad(source, widths)
        yield "longer source padding", batch.with_values(source=longer)
        beyond = torch.arange(longer.shape[1]) >= batch.source_lengths[:, None]
        garbage = longer.clone()
        garbage[beyond] = 1e3 if source.is_floating_point() else 5
        yield "other source padding", batch.with_values(source=garbage)
    if batch.target_lengths is not None:
        wider = {
            name: functional.pad(field.values, (0, 0) * (field.values.ndim - 2) + (0, MORE))
            for name, field in batch.fields.items()
            if name != "source" and field.lengths is not None
        }
        yield "longer target padding", batch.with_values(**wider)


def _causality(patient: Patient) -> Finding:
    fills_in = not getattr(patient.program.plan.outputs.main, "ends", True)
    if patient.aligned or fills_in or patient.prepared.labels.get("target"):
        return Finding("M07", "info", "the model writes no token after another; there is no future to see")
    model, batch = patient.fresh(), patient.batch()
    before, _ = patient.captured(model, batch)
    changed, cut = _later(patient, batch)
    after, _ = patient.captured(model, changed)
    seen = float((before[:, :cut] - after[:, :cut]).abs().max()) if cut else 0.0
    scale = float(before.abs().max())
    if seen <= 1e-5 * max(scale, 1.0):
        return Finding("M07", "ok", f"changing targets from place {cut} on changes no output before it")
    return Finding(
        "M07", "error", f"outputs before place {cut} change when later targets do (by {seen:.2g})",
        "the decoder sees the future: look at its mask", numbers={"change": seen},
    )  # fmt: skip


def _later(patient: Patient, batch: Batch) -> tuple[Batch, int]:
    """The batch with other tokens in the later half of what is read, and the first output that may change."""
    read = batch.source if patient.packed else batch.target
    assert read is not None
    half = max(1, read.shape[1] // 2)
    other = read.clone()
    other[:, half:] = torch.where(
        other[:, half:] > 3, 4 + (other[:, half:] - 3) % max(patient.vocab - 4, 1), other[:, half:]
    )
    if patient.packed:
        return batch.with_values(source=other), half
    # The decoder reads its targets one place later, behind the begin symbol.
    return batch.with_values(target=other), half + 1
