"""Adaptation of a built model: parts stand still, and beside their linear layers stands what learns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from seqspec.compile.build.construct import Constructor
from seqspec.compile.language.paths import parse_path
from seqspec.compile.plan.model_folders import folder_parts, fresh_below
from seqspec.components._layers.linear import LOW_RANK, Linear
from seqspec.components._layers.low_rank import hold_by_reference
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path, dotted

NO_LINEAR_LAYER = "SQ275"


def adapt(constructor: Constructor) -> tuple[Finding, ...]:
    """Put what the plan's ``adapt`` asks for into the built model; gives the places where that fails."""
    config: Any = constructor.plan.experiment.adapt
    if config is None:
        return ()
    constructor.note(("adapt",), "parts", "layers", "from")
    component = constructor.build("adapt")
    found: list[Finding] = []
    for index, part in enumerate(config.parts):
        path = parse_path(part)
        module = constructor.built[path]
        assert isinstance(module, nn.Module)
        layers = dict(_layers(module, config.layers))
        found += _nothing(constructor, path, module, index) if not layers else ()
        module.requires_grad_(False)
        for name, layer in layers.items():
            if LOW_RANK not in layer._modules:
                with _seeded(constructor.plan.experiment.seed, f"{part}.{name}"):
                    layer.add_module(LOW_RANK, component.beside(layer))
    _refer(constructor, config.parts)
    return tuple(found)


def _refer(constructor: Constructor, parts: list[str]) -> None:
    """Weights of the parts that stand still and come from a folder are held there, not in checkpoints."""
    still = [constructor.built[parse_path(part)] for part in parts]
    frozen = {id(p) for module in still for p in module.parameters() if not p.requires_grad}
    for task, plan in constructor.plan.each.items():
        start: Path = ("tasks", task) if task else ()
        for node, _ in folder_parts(plan):
            fresh = fresh_below(plan, node) or ("\0",)
            for name, parameter in constructor.built[(*start, *node.path)].named_parameters():
                if id(parameter) in frozen and not name.startswith(fresh):
                    hold_by_reference(parameter)


def _layers(module: nn.Module, chosen: list[str] | None) -> Iterator[tuple[str, Linear]]:
    for name, layer in module.named_modules():
        if isinstance(layer, Linear) and (chosen is None or name.rpartition(".")[2] in chosen):
            yield name, layer


def _nothing(constructor: Constructor, path: Path, module: nn.Module, index: int) -> Iterator[Finding]:
    """Why no layer was found in a part."""
    known = sorted({name.rpartition(".")[2] for name, _ in _layers(module, None) if name})
    node = constructor.plan.node(*path)
    what = f"`{dotted(path)}` is {node.component[0]} `{node.component[1]}`"
    if known:
        at: Path = ("adapt", "layers")
        message = f"{what}, and none of its linear layers is called so"
        help = f"it has {', '.join(f'`{name}`' for name in known[:12])}"
    else:
        at = ("adapt", "parts", index)
        message = f"{what}, which has no linear layer that something could stand beside"
        help = "name a part with linear layers, such as an encoder or a decoder"
    yield Finding(at, message, help=help, code=NO_LINEAR_LAYER, also=((path, f"{what} here"),))


@contextmanager
def _seeded(seed: int, name: str) -> Iterator[None]:
    """Random numbers that depend on the seed and a name alone, not on what was made before."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(digest[:7], "little"))
        yield
