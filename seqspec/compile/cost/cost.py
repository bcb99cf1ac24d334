"""What a step costs, before it runs: parameters, memory, arithmetic.

Parameters are exact; the rest are estimates from the plan, good enough to tell what fits from what does
not.  Arithmetic is 6 floating-point operations a weight and position (Kaplan et al. 2020, "Scaling Laws for
Neural Language Models", arXiv:2001.08361, section 2.1), 4 where it stands still and 2 more where its layer is
worked out again (Chen et al. 2016, arXiv:1604.06174), and attention's own; activations are counted as in
Korthikanti et al. (2022), "Reducing Activation Recomputation in Large Transformer Models",
arXiv:2205.05198, section 4.1, in float32 and without the attention matrix, which is never stored.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from seqspec.compile.cost.convolution_cost import kept as kept_by_convolutions
from seqspec.compile.cost.convolution_cost import shortening
from seqspec.compile.cost.convolution_cost import used as used_by_convolutions
from seqspec.compile.cost.repeats import active, repeated
from seqspec.compile.plan.plan import Compiled, Plan, PlanNode
from seqspec.schema.types import Classes, Frames, Image, Logits, States, Tokens, Type

if TYPE_CHECKING:
    from seqspec.compile.cost.model_parameters import ModelParameters

FLOAT = 4
"""Bytes of a weight."""
GIB = 2**30
USUAL_LENGTH = 128
"""Positions of an example where the spec sets no limit."""
USUAL_KEPT = 16
"""Numbers a position, layer and feature that a component keeps which does not say how many."""
USUAL_STATE = 2
"""Numbers a weight of an optimiser that does not say how many it keeps."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one experiment asks of one device; memory in bytes."""

    parameters: int
    """Those that learn."""
    active: int
    """Of these, what one position goes through."""
    weights: int
    """Those that stand still too."""
    gradients: int
    optimizer: int
    activations: int
    """Of the largest micro-batch, estimated."""
    flops: float
    """Of one optimiser step, forward and backward, estimated."""
    frozen: int = 0
    """Parameters that stand still."""

    @property
    def memory(self) -> int:
        """All of it together."""
        return self.weights + self.gradients + self.optimizer + self.activations


def cost(compiled: Compiled) -> Cost:
    """The cost of a spec, its parameters counted on the meta device.  Loads torch.

    A step of several tasks serves one: the dearest is what has to fit.
    """
    from seqspec.compile.cost.model_parameters import model_parameters

    return cost_of(compiled, model_parameters(compiled))


def cost_of(compiled: Compiled, parameters: ModelParameters) -> Cost:
    """The same, where the model's parameters have been counted."""
    if not compiled.plan.tasks:
        return estimate(compiled.plan, sizes=parameters.trained, frozen=parameters.frozen,
                        recomputed=parameters.recomputed)  # fmt: skip
    each = [cost(one) for one in compiled.each.values()]
    activations, flops = max(one.activations for one in each), max(one.flops for one in each)
    through = max(one.active for one in each)
    trained, frozen = (sum(one.values()) for one in (parameters.trained, parameters.frozen))
    return _cost(compiled.plan, trained, through, activations, flops, frozen=frozen)


def estimate(
    plan: Plan,
    *,
    sizes: Mapping[str, int],
    frozen: Mapping[str, int] = MappingProxyType({}),
    recomputed: Container[str] = (),
) -> Cost:
    """The cost of a plan whose parameters have these sizes: those that learn, and those that stand still.
    The layers of ``recomputed`` parts of the model keep their inputs alone.  Loads no torch.
    """
    positions = {side: length * examples(plan) for side, length in lengths(plan).items()}
    kept = sum(_activations(node, plan, positions, recomputed) for node in plan.nodes)
    activations = round(kept * (1 / plan.experiment.train.accumulate))
    flops = _arithmetic(plan, sizes, positions, frozen, recomputed)
    through = active(plan, sizes)
    return _cost(plan, sum(sizes.values()), through, activations, flops, frozen=sum(frozen.values()))


def _cost(plan: Plan, parameters: int, through: int, activations: int, flops: float, *, frozen: int) -> Cost:
    """With what the weights themselves take."""
    train = plan.experiment.train
    kept = max(getattr(config, "state_size", USUAL_STATE) for config in plan.optimizers.values()) + (
        train.ema is not None
    )
    return Cost(
        parameters=parameters,
        active=through,
        weights=(parameters + frozen) * (FLOAT if train.precision == "float32" else FLOAT + 2),
        gradients=parameters * FLOAT,
        optimizer=parameters * FLOAT * kept,
        activations=activations,
        flops=flops,
        frozen=frozen,
    )


def arithmetic(compiled: Compiled, *, positions: Mapping[str, float]) -> float:
    """Floating-point operations of a step, forward and backward, that works through so many real positions of
    each role; attention is taken to reach over the longest example.  Loads torch.
    """
    from seqspec.compile.cost.model_parameters import model_parameters

    found = model_parameters(compiled)
    return _arithmetic(compiled.plan, found.trained, positions, found.frozen, found.recomputed)


def cost_lines(found: Cost) -> list[str]:
    """The cost as lines of a report."""
    rows = [
        ("parameters", f"{found.parameters:,}" + _active_text(found)),
        *([("frozen", f"{found.frozen:,} more")] if found.frozen else []),
        ("weights", size_text(found.weights)),
        ("gradients", size_text(found.gradients)),
        ("optimizer", size_text(found.optimizer)),
        ("activations", f"about {size_text(found.activations)}"),
        ("memory", f"about {size_text(found.memory)}"),
        ("arithmetic", f"about {found.flops:.2g} floating-point operations a step"),
    ]
    return [f"  {name:11}  {text}" for name, text in rows]


def _active_text(found: Cost) -> str:
    return "" if found.active == found.parameters else f", {found.active:,} of them for one position"


def size_text(size: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.3g} {unit}" if unit != "bytes" else f"{size:.0f} bytes"
        size /= 1024
    return f"{size:,.2f} GiB"


def lengths(plan: Plan) -> dict[str, float]:
    """Positions of the longest example on each side, as far as the spec limits them."""
    data = plan.experiment.data
    limits = data.filter
    found: dict[str, float] = {}
    for role, type_ in _inputs(plan).items():
        if data.pack is not None:
            found[role] = data.pack.length
        elif isinstance(type_, Frames):
            found[role] = (limits.limits(role).max_seconds or 15.0) * float(type_.rate or 1)
        elif isinstance(type_, Image):
            found[role] = type_.height * type_.width
        elif isinstance(type_, Classes):
            found[role] = 1
        elif isinstance(type_, Tokens):
            found[role] = limits.limits(role).max or USUAL_LENGTH
    told = getattr(plan.experiment.model, "dimensions", None)
    return found if told is None else found | {"target": told(_inputs(plan)["source"])}


def examples(plan: Plan) -> float:
    """Examples of one optimiser step, if all were as long as the longest."""
    batch = plan.experiment.data.batch
    if batch.unit == "examples":
        return batch.size
    held = lengths(plan)
    longest = held.get(batch.field or "", max(held.values(), default=1))
    if batch.unit == "seconds":
        limits = plan.experiment.data.filter.limits(batch.field or "source")
        return batch.size / (limits.max_seconds or 15.0)
    return max(1.0, batch.size / longest)


def _inputs(plan: Plan) -> dict[str, Type]:
    """What reaches the model, by role."""
    return dict(plan.node("model").takes)


def _arithmetic(
    plan: Plan,
    sizes: Mapping[str, int],
    positions: Mapping[str, float],
    frozen: Mapping[str, int],
    recomputed: Container[str],
) -> float:
    """Six operations a weight and position, lookups apart, and the attention of every layer."""
    image_encoder = _image_encoder(plan)
    total = 0.0
    if image_encoder is not None:
        total += 6 * image_encoder.uses(plan.node("model", "encoder").source) * examples(plan)
    for name, size in (*sizes.items(), *frozen.items()):
        part = name.split(".")[0]
        if "embedding" in name or (part == "encoder" and image_encoder is not None):
            continue
        if _convolves(plan, name):
            continue
        operations = (4 if name in frozen else 6) + 2 * (part in recomputed)
        total += operations * size * _reached(plan, part, positions) * repeated(plan, name)
    for node in plan.nodes:
        config = plan.config(node.path)
        if node.path == ("model", "encoder"):
            total += 6 * used_by_convolutions(config, node.takes[0][1]) * positions.get("source", 0)
        if getattr(config, "attention_layers", 0) and isinstance(node.gives, States):
            total += 12 * node.gives.dim * _pairs(config, plan, node, positions)
    return total


def _convolves(plan: Plan, name: str) -> bool:
    """Whether a weight belongs to the convolutions that shorten frames, which are counted apart."""
    shape = shortening(getattr(plan.experiment.model, "encoder", None))
    return shape is not None and name.startswith(f"encoder.{shape.weights}")


def _pairs(config: Any, plan: Plan, node: PlanNode, positions: Mapping[str, float]) -> float:
    """Pairs of positions that the attention of all layers compares, over the batch."""
    assert isinstance(node.gives, States)
    side = "source" if node.component[0] == "encoder" else "target"
    count = _states(node.gives, positions.get(side, 0), examples(plan))
    own = _states(node.gives, lengths(plan).get(side, USUAL_LENGTH))
    memory = next((type_ for name, type_ in node.takes if name == "memory"), None)
    crossed = _states(memory, lengths(plan).get("source", 0)) if isinstance(memory, States) else 0.0
    layers: int = config.attention_layers
    span = getattr(config, "attention_span", None)
    alone = layers * own if span is None else span(own, dim=node.gives.dim)
    return count * (alone + layers * crossed)


def _states(given: States, inputs: float, examples: float = 1) -> float:
    """How many states there are of so many positions in so many examples."""
    return given.size * examples if given.size else inputs / (given.stride or 1)


def _image_encoder(plan: Plan) -> Any:
    """The config of an encoder of images, which knows its own work; ``None`` for any other."""
    encoder = getattr(plan.experiment.model, "encoder", None)
    return encoder if hasattr(encoder, "uses") else None


def _reached(plan: Plan, part: str, positions: Mapping[str, float]) -> float:
    """Positions that go through the weights of one part of the model, its stride heeded."""
    encoder = next(
        (n for n in plan.nodes if n.path == ("model", "encoder") and isinstance(n.gives, States)), None
    )
    if part == "encoder" or _at_states(plan, part):
        given = encoder.gives if encoder is not None and isinstance(encoder.gives, States) else States(0)
        return _states(given, positions.get("source", 0), examples(plan))
    return positions.get("target", positions.get("source", 0))


def _at_states(plan: Plan, part: str) -> bool:
    """Whether a head scores the encoder's states: the model's own, or one of a further output."""
    scored = plan.outputs.get(part.removeprefix("head_"), plan.outputs.main)
    return isinstance(scored, Logits) and scored.blank


def _activations(
    node: PlanNode, plan: Plan, positions: Mapping[str, float], recomputed: Container[str]
) -> float:
    """Bytes that one component keeps for the backward pass, for a whole step."""
    config = plan.config(node.path)
    if node.path == ("model", "encoder") and _image_encoder(plan) is not None:
        return float(FLOAT * config.kept(node.source) * examples(plan))
    compared = getattr(config, "compared", 0)
    if compared and not isinstance(node.gives, States):
        return FLOAT * _energies(compared, plan, positions)
    if not isinstance(node.gives, States) or node.path[0] != "model":
        return 0.0
    side = "source" if node.component[0] == "encoder" else "target"
    count = _states(node.gives, positions.get(side, 0), examples(plan))
    more = getattr(config, "attention_kept", None)
    own = _states(node.gives, lengths(plan).get(side, USUAL_LENGTH))
    beside = 0.0 if more is None else more(own, dim=node.gives.dim)
    held = _kept(config, node) + beside
    if node.path[-1] in recomputed and (layers := getattr(config, "num_layers", None)):
        held = held / layers + layers * node.gives.dim  # one layer at a time, and what goes into each
    kept = count * held + positions.get(side, 0) * kept_by_convolutions(config, node.takes[0][1])
    return float(FLOAT * (kept + _energies(compared, plan, positions)))


def _kept(config: Any, node: PlanNode) -> float:
    """Numbers a position that the layers of a component keep."""
    assert isinstance(node.gives, States)
    told = getattr(config, "activations", None)
    if told is not None:
        crossed = any(name == "memory" and isinstance(type_, States) for name, type_ in node.takes)
        return float(told(dim=node.gives.dim, crossed=crossed))
    return float((getattr(config, "num_layers", 1) or 1) * USUAL_KEPT * node.gives.dim)


def _energies(dim: int | None, plan: Plan, positions: Mapping[str, float]) -> float:
    """Numbers that additive attention keeps: a hidden layer for every pair of source and target position."""
    if not dim or "source" not in positions or "target" not in positions:
        return 0.0
    encoder = next((n.gives for n in plan.nodes if n.path == ("model", "encoder")), None)
    stride = encoder.stride if isinstance(encoder, States) else 1
    return 2.0 * dim * positions["target"] * lengths(plan)["source"] / (stride or 1)
