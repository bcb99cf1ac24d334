"""Memory and time of a step on several devices, under each way of sharing it.

Estimates, with what they assume written beside them.  Sharding is counted as in Rajbhandari et al. (2020),
"ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", arXiv:1910.02054, sections 5 and 7; an
all-reduce as a ring that sends 2 (n - 1) / n of what is reduced (Patarasuk and Yuan 2009, "Bandwidth Optimal
All-reduce Algorithms for Clusters of Workstations").  Of tensor parallelism Shoeybi et al. (2019),
"Megatron-LM", arXiv:1909.08053, section 3, count four sums a layer, and Korthikanti et al. (2022),
arXiv:2205.05198, equation 2, the activations that every device keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from seqspec.compile.cost.cost import FLOAT, GIB, Cost, cost_lines, cost_of, size_text
from seqspec.compile.plan.plan import Compiled
from seqspec.schema.procedure._procedure import Apart

if TYPE_CHECKING:
    from seqspec.compile.cost.model_parameters import ModelParameters

UTILISATION = 0.4
"""Share of a device's peak that training is taken to reach."""
BOTH = "fsdp × tp"
"""The strategy by which the groups of ``tp`` shard what each device of one holds."""
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
    gathered_split: float = 0.0
    """Of what is ``gathered``, that which is split too: by both a device gathers its part alone."""

    def gathered_by(self, size: int) -> float:
        """What is whole at a time under ``fsdp`` in a group of ``size`` devices that split layers."""
        return self.gathered - self.gathered_split * (1 - 1 / size)

    @classmethod
    def of(cls, counted: ModelParameters) -> ModelParts:
        """Those of a model that has been built."""
        total = sum(counted.trained.values()) + sum(counted.frozen.values())
        gathered = min(total, counted.outside + 2 * counted.block)
        both = min(counted.split, counted.split_outside + 2 * counted.split_block)
        return cls(*(size / max(total, 1) for size in (gathered, counted.split, both)))


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
    tensor_parallel: int | None = None,
) -> tuple[Shared, ...]:
    """The step on one device, then under each way of sharing it; its batch is the same in all of them.

    ``tensor_parallel``: devices of a group that splits layers; left out, all.
    """
    rate = getattr(device, precision) * UTILISATION
    arithmetic = found.flops / devices / rate
    ring = _ring(devices)
    gradients = found.parameters * FLOAT
    micro_batch = _activations(found, sharers=devices, micro_batches=micro_batches)

    def row(strategy: str, kept: float, sent: float, waits: float = 0.0) -> Shared:
        # What is sent overlaps the backward pass, so that the slower of the two decides; but a layer waits
        # for what its group sends.
        seconds = max(arithmetic, sent / device.link) + waits / device.link
        return Shared(strategy, kept, seconds, sent + waits)

    whole = found.memory - found.activations
    # Two blocks are whole at a time: the one that computes, and the next, which is fetched meanwhile.
    sharded = min(whole, whole / devices + parts.gathered * found.weights)
    told = found.parameters * apart.value_bytes / apart.every
    found_rows = [
        Shared("one device", found.memory, found.flops / rate, 0.0),
        row("ddp", whole + micro_batch, 2 * ring * gradients),
        row("fsdp", sharded + micro_batch, ring * (2 * found.weights + gradients)),
    ]
    if parts.split:
        size = tensor_parallel or devices
        found_rows += _in_groups(found, parts, size=size, groups=devices // size, row=row,
                                 micro_batches=micro_batches, shards=tensor_parallel is not None)  # fmt: skip
    part = found.activations / devices
    return (*found_rows, row("diloco", whole + 3 * gradients + part, (devices - 1) * told))


def _in_groups(
    found: Cost,
    parts: ModelParts,
    *,
    size: int,
    groups: int,
    row: Callable[..., Shared],
    micro_batches: int,
    shards: bool,
) -> Iterator[Shared]:
    """Heads and inner features split by each group; ``shards``: also what the groups then share out."""
    # Embeddings and normalisation are whole in every device of a group.
    part = 1 - parts.split + parts.split / size
    held = part * (found.memory - found.activations)
    gradients = part * found.parameters * FLOAT
    kept = _activations(found, sharers=groups, micro_batches=micro_batches) * (10 + 24 / size) / 34
    # A layer keeps 20 numbers a position and feature, and sums one of them four times.
    waits = 2 * _ring(size) * found.activations * 4 / 20 * micro_batches / groups
    yield row("tp", held + kept, 2 * _ring(groups) * gradients, waits)
    if shards:
        sharded = min(held, held / groups + parts.gathered_by(size) * found.weights)
        sent = _ring(groups) * (2 * part * found.weights + gradients)
        yield row(BOTH, sharded + kept, sent, waits)


def _ring(devices: int) -> float:
    return (devices - 1) / devices


def _activations(found: Cost, *, sharers: int, micro_batches: int) -> float:
    """Micro-batches that can be shared out are a device's as they are; others are cut."""
    return found.activations / sharers if micro_batches % sharers else float(found.activations)


def shared_cost(
    compiled: Compiled, *, devices: int, device: Device, tensor_parallel: int | None = None
) -> list[str]:
    """The cost of a spec and what it is of each of several devices, as lines of a report.  Loads torch.

    Raises ``RunError`` where groups of ``tensor_parallel`` cannot split its layers.
    """
    from seqspec.compile.cost.model_parameters import model_parameters
    from seqspec.components.splittable import require_splittable

    experiment, counted = compiled.plan.experiment, model_parameters(compiled)
    found, parts = cost_of(compiled, counted), ModelParts.of(counted)
    if tensor_parallel is not None:
        require_splittable(counted.parts, processes=tensor_parallel)
    precision = experiment.train.precision
    apart = getattr(experiment.procedure, "apart", lambda: None)() or APART
    rows = shared(
        found, parts=parts, devices=devices, device=device, precision=precision, apart=apart,
        micro_batches=experiment.train.accumulate, tensor_parallel=tensor_parallel,
    )  # fmt: skip
    groups = f", in groups of {tensor_parallel} for tp" if tensor_parallel else ""
    return [
        *cost_lines(found),
        f"each of {devices} × {device.name}, {device.memory:g} GiB{groups}:",
        *_table(rows, device),
        *_assumed(device, precision, apart, parts, tensor_parallel),
    ]


def ungrouped(size: int, *, devices: int, strategy: str = "tp") -> str | None:
    """Why devices cannot form groups of ``size`` that split layers, with what to do."""
    if strategy not in ("fsdp", "tp"):
        return f"`--strategy {strategy}` splits no layer; use `--strategy tp` or `--strategy fsdp`"
    if devices % size:
        return (
            f"{devices} device{'s' * (devices > 1)} cannot form groups of {size}; "
            "use a number of --devices that is a multiple of --tensor-parallel"
        )
    return None


def _table(rows: tuple[Shared, ...], device: Device) -> list[str]:
    lines = [
        f"  {'strategy':11} {'memory':>11} {'of it':>7} {'seconds':>9} {'sent a step':>12}",
    ]
    for one in rows:
        share = one.memory / (device.memory * GIB)
        lines.append(
            f"  {one.strategy:11} {size_text(one.memory):>11} {share:7.1%} {one.seconds:9.3g} "
            f"{size_text(one.sent):>12}{'' if share <= 1 else '  does not fit'}"
        )
    return lines


def _assumed(
    device: Device, precision: str, apart: Apart, parts: ModelParts, tensor_parallel: int | None
) -> list[str]:
    rate = f"{getattr(device, precision):.3g}"
    both = f"  of {BOTH} a group's part of that, {parts.gathered_by(tensor_parallel or 1):.0%};"
    return [
        f"assumed: {precision} at {rate} operations a second, of which {UTILISATION:.0%} are reached;",
        f"  links of {device.link / 1e9:g} GB/s, and sending overlaps arithmetic; a step's batch is shared;",
        "  fsdp shards weights, gradients and optimiser state; two blocks of a stack are whole at once, and",
        f"  what stands in none, such as embeddings and heads: {parts.gathered:.0%} of the weights;",
        *([both] if tensor_parallel else []),
        f"  tp splits {parts.split:.0%} of the weights, and waits for what is sent;"
        if parts.split
        else "  tp finds no layer of this model to split;",
        f"  diloco meets every {apart.every:,} steps and sends {8 * apart.value_bytes:g} bits a weight.",
    ]
