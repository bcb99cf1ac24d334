"""M08 gradients that do not arrive, M09 sizes of updates, M14 the schedule, M17 numbers not finite."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from seqspec.compile.build.program import Program
from seqspec.data.inspect.finding import Finding, Table
from seqspec.runtime.devices.torch_compiler import update
from seqspec.runtime.doctor.subject import LARGE, Patient

TOO_LARGE, TOO_SMALL = 0.1, 1e-7


def check(patient: Patient) -> Iterator[Finding]:
    """One backward pass, one step, the schedule, the longest examples."""
    model = patient.fresh()
    loss = patient.loss(model, patient.batch(), training=True)
    (loss.total / loss.count).backward()
    yield _reached(model, beside=_beside(patient.program))
    if patient.program.num_parameters <= LARGE:
        yield _updates(patient, model)
    yield _schedule(patient)
    yield _finite(patient)


def _beside(program: Program) -> frozenset[str]:
    """What is learned beside the model, and no loss by itself reaches: the weights of losses."""
    own = {id(parameter) for parameter in program.weighting.parameters()} if program.weighting else set()
    return frozenset(name for name, parameter in program.module.named_parameters() if id(parameter) in own)


def _reached(model: nn.Module, *, beside: Collection[str]) -> Finding:
    missing, still, broken = [], [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad or name in beside:
            continue
        if parameter.grad is None:
            missing.append(name)
        elif not bool(torch.isfinite(parameter.grad).all()):
            broken.append(name)
        elif not bool(parameter.grad.any()):
            still.append(name)
    count = sum(1 for _ in model.parameters())
    if broken:
        return Finding(
            "M08", "error", f"{len(broken)} parameters get gradients that are not finite", examples=broken[:5]
        )
    if missing or still:
        return Finding(
            "M08", "error" if missing else "warn",
            f"{len(missing)} parameters get no gradient and {len(still)} one of zero, of {count}",
            "they will never learn: take them out, or connect them", examples=[*missing, *still][:8],
        )  # fmt: skip
    return Finding("M08", "ok", f"gradients reach all {count} parameters, finite and not zero")


def _updates(patient: Patient, model: nn.Module) -> Finding:
    """Norms of gradients, and what one step at the highest rate would do to the weights."""
    held = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    norms = {name: float(p.grad.norm()) for name, p in model.named_parameters() if p.grad is not None}
    optimizer = patient.program.optimizer.build(model.named_parameters())
    rate = max(_rates(patient))
    for group in optimizer.param_groups:
        group["lr"] = rate
    update(optimizer)
    ratios = {
        name: float((p.detach() - held[name]).norm()) / max(float(held[name].norm()), 1e-12)
        for name, p in model.named_parameters()
        if name in held and p.ndim > 1 and float(held[name].norm()) > 0
    }
    worst, least = max(ratios, key=lambda n: ratios[n]), min(ratios, key=lambda n: ratios[n])
    rows = [
        (name, norms.get(name, 0.0), ratios[name]) for name in sorted(ratios, key=lambda n: -ratios[n])[:20]
    ]
    odd = ratios[worst] > TOO_LARGE or ratios[least] < TOO_SMALL
    total = math.sqrt(sum(norm**2 for norm in norms.values()))
    return Finding(
        "M09", "warn" if odd else "ok",
        f"gradient norm {total:.3g}; one step at the highest rate, {rate:.3g}, moves matrices by "
        f"{ratios[least]:.1e} to {ratios[worst]:.1e} of their size (about 1e-3 is usual)",
        f"`{worst}` moves the most: lower the rate" if ratios[worst] > TOO_LARGE else
        f"`{least}` hardly moves" if odd else "",
        numbers={"gradient_norm": round(total, 6), "largest": ratios[worst], "smallest": ratios[least]},
        figures=[Table("Largest updates", ("matrix", "gradient norm", "update over weight"), rows)],
    )  # fmt: skip


def _first_schedule(patient: Patient) -> Any:
    """That of the first optimiser."""
    return next(iter(patient.program.optimizers.values())).config.schedule


def _rates(patient: Patient) -> list[float]:
    experiment = patient.program.plan.experiment
    schedule = _first_schedule(patient)
    steps = np.unique(np.linspace(1, experiment.train.max_steps, 400).astype(int)).tolist()
    return [float(schedule.rate(step)) for step in steps]


def _schedule(patient: Patient) -> Finding:
    schedule = _first_schedule(patient)
    first = [float(schedule.rate(step)) for step in range(1, 11)]
    rates = _rates(patient)
    numbers = {"first": first[0], "highest": max(rates), "last": rates[-1]}
    told = (
        f"the rate is {first[0]:.3g} in the first step, {max(rates):.3g} at most, {rates[-1]:.3g} in the last"
    )
    if not all(map(math.isfinite, [*first, *rates])) or min(rates) < 0:
        return Finding("M14", "error", f"the schedule gives rates that cannot be: {told}", numbers=numbers)
    if not any(first):
        return Finding("M14", "error", f"nothing is learned in the first ten steps: {told}",
                       "start the warm-up above 0", numbers=numbers)  # fmt: skip
    if rates[-1] == max(rates) > max(rates[-2:-1], default=0.0) and rates[-1] > 5 * first[0]:
        return Finding("M14", "warn", f"the rate still grows in the last step: {told}",
                       "train longer than the warm-up", numbers=numbers)  # fmt: skip
    return Finding("M14", "ok", told, numbers=numbers)


def _finite(patient: Patient) -> Finding:
    lengths = np.asarray(patient.train.lengths).sum(axis=1)
    longest = np.argsort(-lengths, kind="stable")[:2]
    shortest = np.argsort(lengths, kind="stable")[:2]
    faults = []
    for name, examples in (("longest", longest), ("shortest", shortest)):
        model = patient.fresh()
        loss = patient.loss(model, patient.batch(examples), training=True)
        (loss.total / loss.count).backward()
        broken = any(
            p.grad is not None and not bool(torch.isfinite(p.grad).all()) for p in model.parameters()
        )
        if broken or not math.isfinite(float(loss.total.detach())):
            faults.append(f"the {name} training examples, such as {patient.train.id(int(examples[0]))}")
    if faults:
        return Finding("M17", "error", f"loss or gradient is not finite on {' and '.join(faults)}",
                       "filter them, or look for a division or a logarithm of zero")  # fmt: skip
    told = "loss and gradient are finite on the longest and the shortest training examples"
    if patient.program.plan.experiment.train.precision == "bfloat16":
        with torch.autocast("cpu", torch.bfloat16):
            low = patient.nats(patient.fresh(), patient.batch())
        high = patient.nats(patient.fresh(), patient.batch())
        if not math.isfinite(low) or abs(low - high) > 0.05 * abs(high):
            return Finding("M17", "warn", f"in bfloat16 the loss is {low:.4f}, in float32 {high:.4f}")
        told += f"; bfloat16 gives {low:.4f} for {high:.4f}"
    return Finding("M17", "ok", told)
