"""Caps on what a spec may cost: ``seqspec validate --max-params --max-memory``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seqspec.compile.cost.cost import GIB, Cost, cost_of, size_text
from seqspec.compile.cost.devices import APART, BOTH, DEVICES, ModelParts, shared
from seqspec.compile.diagnostics.report import locate
from seqspec.compile.plan.plan import Compiled
from seqspec.schema.diagnostic import Diagnostic, Finding, RunError

if TYPE_CHECKING:
    from seqspec.compile.cost.model_parameters import ModelParameters


def within(
    compiled: Compiled,
    *,
    max_params: int | None = None,
    max_memory: float | None = None,
    devices: int = 1,
    strategy: str = "ddp",
    tensor_parallel: int | None = None,
) -> tuple[Diagnostic, ...]:
    """Diagnostics for what is above the caps; ``max_memory`` in GiB of each of ``devices``, which share a
    step by ``strategy``, in groups of ``tensor_parallel`` that split layers.  Loads torch.
    """
    from seqspec.compile.cost.model_parameters import model_parameters
    from seqspec.components.splittable import require_splittable

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
    if max_memory is not None:
        groups = None if strategy == "fsdp" and tensor_parallel == 1 else tensor_parallel
        try:
            if strategy == "tp" or groups is not None:
                require_splittable(counted.parts, processes=groups or devices)
        except RunError as error:
            findings.append(Finding(model, str(error), help=error.help, code="SQ602", on_key=True))
        else:
            way = strategy if groups is None else f"{strategy} --tensor-parallel {groups}"
            ways = _memory_by_way(compiled, found, counted, devices=devices, groups=groups)
            findings += _too_much(found, ways, way=way, most=max_memory * GIB, devices=devices, at=batch)
    return tuple(locate(finding, compiled.tree) for finding in findings)


def _memory_by_way(
    compiled: Compiled, found: Cost, counted: ModelParameters, *, devices: int, groups: int | None
) -> dict[str, float]:
    """Bytes of each device, by what is written behind ``--strategy``, of those ways that can share the model;
    the kind of device and its links decide nothing of it.

    ``groups``: devices of one that splits layers; left out, the most that can.
    """
    from seqspec.components.splittable import fitting

    train = compiled.plan.experiment.train

    def memory(size: int | None) -> dict[str, float]:
        rows = shared(found, parts=ModelParts.of(counted), devices=devices, device=DEVICES["h100"],
                      precision=train.precision, apart=APART, micro_batches=train.accumulate,
                      tensor_parallel=size)  # fmt: skip
        return {one.strategy: one.memory for one in rows}

    alone = memory(None)
    ways = {name: alone[name] for name in ("ddp", "fsdp")}
    if not counted.parts:
        return ways
    most = fitting(counted.parts, processes=devices)
    if most == devices:
        ways["tp"] = alone["tp"]
    size = groups or most
    if groups is not None or 1 < size < devices:
        grouped = memory(size)
        ways[f"fsdp --tensor-parallel {size}"] = grouped[BOTH]
        ways[f"tp --tensor-parallel {size}"] = grouped["tp"]
    return ways


def _too_much(
    found: Cost, ways: dict[str, float], *, way: str, most: float, devices: int, at: tuple[str, ...]
) -> Iterator[Finding]:
    """Memory beyond ``most`` bytes, and how there would be less."""
    if ways[way] <= most:
        return
    whose = f" of each device by {way}" if devices > 1 else ""
    fits = [
        f"use `--strategy {other}`, which takes about {size_text(memory)} of each"
        for other, memory in ways.items()
        if other != "ddp" and memory <= most
    ]
    yield Finding(
        at,
        f"a step takes about {size_text(ways[way])}{whose}, and at most {size_text(most)} are allowed",
        help="; or ".join(["take a smaller batch, or split it by `train.accumulate`", *fits[:2]]),
        note=_made_of(found),
        code="SQ602",
    )


def _made_of(found: Cost) -> str:
    parts = ("weights", "gradients", "optimizer", "activations")
    return ", ".join(f"{name} {size_text(getattr(found, name))}" for name in parts)
