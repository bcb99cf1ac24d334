"""Caps on what a spec may cost: ``seqspec validate --max-params --max-memory``."""

from __future__ import annotations

from seqspec.compile.cost.cost import GIB, Cost, cost_of, size_text
from seqspec.compile.cost.devices import APART, DEVICES, ModelParts, shared
from seqspec.compile.diagnostics.report import locate
from seqspec.compile.plan.plan import Compiled
from seqspec.schema.diagnostic import Diagnostic, Finding


def within(
    compiled: Compiled,
    *,
    max_params: int | None = None,
    max_memory: float | None = None,
    devices: int = 1,
    strategy: str = "ddp",
) -> tuple[Diagnostic, ...]:
    """Diagnostics for what is above the caps; ``max_memory`` in GiB of each of ``devices``, which share a
    step by ``strategy``.  Loads torch.
    """
    from seqspec.compile.cost.model_parameters import model_parameters

    counted = model_parameters(compiled)
    found = cost_of(compiled, counted)
    model, batch = (
        (("tasks",), ("tasks",)) if compiled.plan.tasks else (("model",), ("data", "batch", "size"))
    )
    findings: list[Finding] = []
    if max_params is not None and found.parameters > max_params:
        findings.append(
            Finding(
                model,
                f"the model has {found.parameters:,} trainable parameters; {max_params:,} are allowed",
                help="`seqspec explain SPEC --params` shows where they are",
                code="SQ601",
                on_key=True,
            )
        )
    each = _memory_of_each(compiled, found, ModelParts.of(counted), devices)
    if max_memory is not None and strategy not in each:
        findings.append(
            Finding(
                model,
                f"`{strategy}` finds no layer of this model to split",
                help="use `--strategy ddp` or `--strategy fsdp`",
                code="SQ602",
                on_key=True,
            )
        )
    elif max_memory is not None and each[strategy] > max_memory * GIB:
        whose = f" of each device by {strategy}" if devices > 1 else ""
        findings.append(
            Finding(
                batch,
                f"a step takes about {size_text(each[strategy])}{whose}, "
                f"and at most {size_text(max_memory * GIB)} are allowed",
                help="; or ".join(["take a smaller batch, or split it by `train.accumulate`",
                                   *_other_ways(each, max_memory * GIB)]),
                note=_made_of(found),
                code="SQ602",
            )
        )  # fmt: skip
    return tuple(locate(finding, compiled.tree) for finding in findings)


def _memory_of_each(compiled: Compiled, found: Cost, parts: ModelParts, devices: int) -> dict[str, float]:
    """Bytes by strategy; the kind of device and its links decide nothing of it."""
    train = compiled.plan.experiment.train
    rows = shared(found, parts=parts, devices=devices, device=DEVICES["h100"], precision=train.precision,
                  apart=APART, micro_batches=train.accumulate)  # fmt: skip
    return {one.strategy: one.memory for one in rows}


def _other_ways(each: dict[str, float], most: float) -> list[str]:
    return [
        f"use `--strategy {strategy}`, which takes about {size_text(each[strategy])} of each"
        for strategy in ("fsdp", "tp")
        if each.get(strategy, most + 1) <= most
    ]


def _made_of(found: Cost) -> str:
    parts = ("weights", "gradients", "optimizer", "activations")
    return ", ".join(f"{name} {size_text(getattr(found, name))}" for name in parts)
