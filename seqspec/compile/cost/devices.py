"""Memory and time of a step on several devices, under each way of sharing it.

Estimates, with what they assume written beside them.  Sharding is counted as in Rajbhandari et al. (2020),
"ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", arXiv:1910.02054, sections 5 and 7; an
all-reduce as a ring that sends 2 (n - 1) / n of what is reduced (Patarasuk and Yuan 2009, "Bandwidth Optimal
All-reduce Algorithms for Clusters of Workstations").  Of tensor parallelism Shoeybi et al. (2019),
"Megatron-LM", arXiv:1909.08053, section 3, count four sums a layer, and Korthikanti et al. (2022),
arXiv:2205.05198, equation 2, the activations that every device keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from seqspec.compile.cost.cost import FLOAT, GIB, Cost, cost_lines, cost_of, size_text
from seqspec.compile.plan.plan import Compiled
from seqspec.schema.procedure._procedure import Apart

if TYPE_CHECKING:
    from seqspec.compile.cost.model_parameters import ModelParameters

UTILISATION = 0.4
"""Share of a device's peak that training is taken to reach."""
APART = Apart(replicas=1, every=100, after=0, rate=0.7, momentum=0.9)
"""How replicas meet, where the spec has none."""


@dataclass(frozen=True)
class Device:
    """A kind of device as its maker describes it: dense rates, in operations a second."""

    name: str
    memory: float
    """In GiB."""
    float32: float
    bfloat16: float
    float16: float
    tf32: float
    """Products of float32 numbers that are cut to 10 bits of mantissa, where the device has them."""
    link: float
    """Bytes a second that one device sends to its neighbours in the same machine."""


DEVICES = {
    one.name: one
    for one in (
        Device("t4", 16, 8.1e12, 8.1e12, 65e12, 8.1e12, 16e9),
        Device("v100", 32, 15.7e12, 15.7e12, 125e12, 15.7e12, 150e9),
        Device("l4", 24, 30.3e12, 121e12, 121e12, 60e12, 32e9),
        Device("a10g", 24, 31.2e12, 70e12, 70e12, 35e12, 32e9),
        Device("a100", 80, 19.5e12, 312e12, 312e12, 156e12, 300e9),
        Device("h100", 80, 67e12, 989e12, 989e12, 494e12, 450e9),
        Device("h200", 141, 67e12, 989e12, 989e12, 494e12, 450e9),
        Device("b200", 180, 75e12, 2250e12, 2250e12, 1125e12, 900e9),
    )
}
"""By name; of A100 and H100 the SXM kind with 80 GB.  T4 and V100 have no bfloat16 of their own."""


class ModelParts(NamedTuple):
    """Shares of a model's weights that the ways of sharing it deal with in their own way."""

    gathered: float
    """Whole at a time under ``fsdp``."""
    split: float
    """Split by ``tp``."""

    @classmethod
    def of(cls, counted: ModelParameters) -> ModelParts:
        """Those of a model that has been built."""
        total = sum(counted.trained.values()) + sum(counted.frozen.values())
        gathered = min(total, counted.outside + 2 * counted.block)
        return cls(gathered / max(total, 1), counted.split / max(total, 1))


@dataclass(frozen=True)
class Shared:
    """What one way of sharing a step asks of each device."""

    strategy: str
    memory: float
    """Bytes."""
    seconds: float
    """Of one optimiser step."""
    sent: float
    """Bytes that each device sends a step."""


def shared(
    found: Cost,
    *,
    parts: ModelParts,
    devices: int,
    device: Device,
    precision: str,
    apart: Apart,
    micro_batches: int = 1,
) -> tuple[Shared, ...]:
    """The step on one device, then under each way of sharing it; its batch is the same in all of them."""
    rate = getattr(device, precision) * UTILISATION
    arithmetic = found.flops / devices / rate
    ring = (devices - 1) / devices
    gradients = found.parameters * FLOAT

    part = found.activations / devices
    # Micro-batches that the devices can share out are theirs as they are; others are cut for them.
    micro_batch = part if micro_batches % devices else found.activations

    def row(strategy: str, kept: float, sent: float) -> Shared:
        # What is sent overlaps the backward pass, so that the slower of the two decides.
        return Shared(strategy, kept, max(arithmetic, sent / device.link), sent)

    whole = found.memory - found.activations
    # Two blocks are whole at a time: the one that computes, and the next, which is fetched meanwhile.
    sharded = min(whole, whole / devices + parts.gathered * found.weights)
    told = found.parameters * apart.value_bytes / apart.every
    found_rows = [
        Shared("one device", found.memory, found.flops / rate, 0.0),
        row("ddp", whole + micro_batch, 2 * ring * gradients),
        row("fsdp", sharded + micro_batch, ring * (2 * found.weights + gradients)),
        _split(found, parts.split, devices=devices, device=device, arithmetic=arithmetic,
               micro_batches=micro_batches),
        row("diloco", whole + 3 * gradients + part, (devices - 1) * told),
    ]  # fmt: skip
    return tuple(one for one in found_rows if one.strategy != "tp" or parts.split)


def _split(
    found: Cost, share: float, *, devices: int, device: Device, arithmetic: float, micro_batches: int
) -> Shared:
    """Heads and inner features split.  Nothing overlaps what is sent: the next layer waits for it."""
    # Embeddings and normalisation are whole everywhere.
    kept = (found.memory - found.activations) * (1 - share + share / devices)
    activations = found.activations * (10 + 24 / devices) / 34
    # A layer keeps 20 numbers a position and feature, and sums one of them four times.
    sent = 2 * (devices - 1) / devices * found.activations * 4 / 20 * micro_batches
    return Shared("tp", kept + activations, arithmetic + sent / device.link, sent)


def shared_cost(compiled: Compiled, *, devices: int, device: Device) -> list[str]:
    """The cost of a spec and what it is of each of several devices, as lines of a report.  Loads torch."""
    from seqspec.compile.cost.model_parameters import model_parameters

    experiment, counted = compiled.plan.experiment, model_parameters(compiled)
    found, parts = cost_of(compiled, counted), ModelParts.of(counted)
    precision = experiment.train.precision
    apart = getattr(experiment.procedure, "apart", lambda: None)() or APART
    rows = shared(
        found, parts=parts, devices=devices, device=device, precision=precision, apart=apart,
        micro_batches=experiment.train.accumulate,
    )  # fmt: skip
    return [*cost_lines(found), *_table(rows, devices, device), *_assumed(device, precision, apart, parts)]


def _table(rows: tuple[Shared, ...], devices: int, device: Device) -> list[str]:
    lines = [
        f"each of {devices} × {device.name}, {device.memory:g} GiB:",
        f"  {'strategy':11} {'memory':>11} {'of it':>7} {'seconds':>9} {'sent a step':>12}",
    ]
    for one in rows:
        share = one.memory / (device.memory * GIB)
        lines.append(
            f"  {one.strategy:11} {size_text(one.memory):>11} {share:7.1%} {one.seconds:9.3g} "
            f"{size_text(one.sent):>12}{'' if share <= 1 else '  does not fit'}"
        )
    return lines


def _assumed(device: Device, precision: str, apart: Apart, parts: ModelParts) -> list[str]:
    rate = f"{getattr(device, precision):.3g}"
    return [
        f"assumed: {precision} at {rate} operations a second, of which {UTILISATION:.0%} are reached;",
        f"  links of {device.link / 1e9:g} GB/s, and sending overlaps arithmetic; a step's batch is shared;",
        "  fsdp shards weights, gradients and optimiser state; two blocks of a stack are whole at once, and",
        f"  what stands in none, such as embeddings and heads: {parts.gathered:.0%} of the weights;",
        f"  tp splits {parts.split:.0%} of the weights, and waits for what is sent;"
        if parts.split
        else "  tp finds no layer of this model to split;",
        f"  diloco meets every {apart.every:,} steps and sends {8 * apart.value_bytes:g} bits a weight.",
    ]
