"""M02 is the input used, M04 a few examples learned by heart, M05 inputs exchanged, M19 free writing."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from seqspec.components.protocols import Decodes
from seqspec.data.batching.batch import Batch, Field
from seqspec.data.inspect.finding import Bars, Finding
from seqspec.runtime.doctor.subject import LARGE, Overfit, Patient

LEARNED = 0.03
"""Share of the first loss below which examples count as known by heart."""


def check(patient: Patient) -> Iterator[Finding]:
    """Train on a few examples, then ask about them."""
    if patient.program.num_parameters > LARGE:
        told = f"{patient.program.num_parameters:,} parameters are too many to train here on a whim"
        yield Finding("M04", "info", told, "run the doctor on the `tiny` profile, which has the same parts")
        return
    yield _by_heart(patient)
    if patient.has_source:
        yield from _inputs(patient)
    if not patient.packed:
        yield _freely(patient)


def _by_heart(patient: Patient) -> Finding:
    done = patient.overfit
    last = done.curve[-1]
    told = (
        f"{len(patient.examples)} examples: from {done.curve[0]:.2f} to {last:.3f} nats a target "
        f"in {done.steps} steps of plain Adam"
    )
    ten = max(1, len(done.curve) // 12)
    curve = {f"step {step}": round(done.curve[step], 4) for step in range(0, len(done.curve), ten)}
    numbers = {"first": round(done.curve[0], 4), "last": round(last, 4), "steps": done.steps}
    figures = [Bars("Nats a target while learning by heart", curve)]
    if _learned(done):
        return Finding("M04", "ok", told, numbers=numbers, figures=figures)
    failed = not math.isfinite(last) or last > 0.5 * done.curve[0]
    return Finding(
        "M04", "error" if failed else "warn", told,
        "a model that cannot learn a few examples by heart has a fault in its data, loss or gradient"
        if failed else "more `--steps` may show whether it gets there",
        numbers=numbers, figures=figures,
    )  # fmt: skip


def _learned(done: Overfit) -> bool:
    return done.curve[-1] < LEARNED * done.curve[0]


def _inputs(patient: Patient) -> Iterator[Finding]:
    model, batch = patient.overfit.model, patient.batch()
    known = patient.nats(model, batch)
    assert batch.source is not None
    blank = patient.nats(model, batch.with_values(source=torch.zeros_like(batch.source)))
    asked = [("M02", "blank", blank)]
    if _stands_alone(batch):
        asked.append(("M05", "exchanged", patient.nats(model, _exchanged(batch))))
    else:
        why = "further fields have a value for each place of the input, which another input has not"
        yield Finding("M05", "info", f"inputs are not exchanged: {why}")
    for check, what, other in asked:
        told = f"with {what} inputs the loss of the learned examples goes from {known:.3f} to {other:.3f}"
        uses = other > known + 0.2 and other > 1.5 * known
        yield Finding(
            check, "ok" if uses else "error", told,
            "" if uses else "the model answers without its input: look at the encoder and the attention",
            numbers={"known": round(known, 4), what: round(other, 4)},
        )  # fmt: skip


def _stands_alone(batch: Batch) -> bool:
    """Whether no field but source and target has lengths, so that a source can stand beside any target."""
    return all(
        field.lengths is None for name, field in batch.fields.items() if name not in ("source", "target")
    )


def _exchanged(batch: Batch) -> Batch:
    """Every input beside another's target."""
    values, lengths = batch.fields["source"]
    return batch.with_fields(source=Field(values.roll(1, 0), None if lengths is None else lengths.roll(1, 0)))


def _freely(patient: Patient) -> Finding:
    """What was learned teacher-forced must come back when the model writes by itself."""
    if not _learned(patient.overfit):
        return Finding(
            "M19", "info", "the examples were not learned by heart, so there is nothing to write freely"
        )
    batch = patient.batch()
    if not patient.has_source:
        return Finding("M19", "info", "a language model continues prompts; there is no answer to compare")
    if hasattr(patient.overfit.model, "references"):
        return Finding("M19", "info", "the model predicts values, which no search writes one after another")
    model = patient.overfit.model.eval()
    with torch.no_grad():
        assert isinstance(model, Decodes)
        found = model.decode(batch, patient.searcher)
    wanted = _targets(batch)
    right = sum(
        bool(held) and list(held[0].ids) == target for held, target in zip(found, wanted, strict=True)
    )
    decode = patient.prepared.parts.text.get("target")
    examples = [
        f"{decode.decode(target)} | {decode.decode(list(held[0].ids)) if held else ''}"
        for held, target in zip(found, wanted, strict=True)
        if decode is not None and (not held or list(held[0].ids) != target)
    ]
    share = right / len(wanted)
    return Finding(
        "M19", "ok" if share > 0.9 else "warn" if share > 0.5 else "error",
        f"{right} of {len(wanted)} learned examples come back exactly when the model writes by itself",
        "" if share > 0.9 else "search and training disagree: look at begin, end, lengths and masks",
        numbers={"exact": right, "of": len(wanted)}, examples=examples[:3],
    )  # fmt: skip


def _targets(batch: Batch) -> list[list[int]]:
    if batch.target_lengths is None:
        return [[int(label)] for label in batch.target.tolist()]
    pairs = zip(batch.target.tolist(), batch.target_lengths.tolist(), strict=True)
    return [row[:length] for row, length in pairs]
