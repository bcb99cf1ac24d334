"""The products of an adaptation in peft's file format: read at the beginning of a run, written beside an
export.

A folder holds ``adapter_config.json`` and ``adapter_model.safetensors``, whose names are those of the base
model's layers: ``base_model.model.<layer>.lora_A.weight`` ``[R, I]``, ``…lora_B.weight`` ``[O, R]`` and, for
DoRA, ``…lora_magnitude_vector`` ``[O]``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqspec.compile.build.program import Program
from seqspec.compile.language.paths import parse_path
from seqspec.compile.plan.plan import PlanNode
from seqspec.components._layers.low_rank import LowRank, adapted
from seqspec.data.pretrained.bounded_json import read_json
from seqspec.data.pretrained.hf_folder import path_of
from seqspec.data.pretrained.safetensors_header import read_header
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.pretrained_weights import read_tensor
from seqspec.runtime.checkpoints.tensor_file import pieces
from seqspec.schema.diagnostic import DataError
from seqspec.schema.hugging_face_folder import Layout, Weight
from seqspec.schema.pretrained import Pretrained
from seqspec.schema.source import dotted

SETTINGS, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
BEGIN = "base_model.model."


class Beside(NamedTuple):
    """One product, and the layer of the base model that it belongs to."""

    held: LowRank
    weight: Weight
    there: str
    """The layer's name in the base model, without ``.weight``."""


@torch.no_grad()
def begin_adaptation(program: Program) -> None:
    """After the first weights are in place: lengths are those of their rows, and products those of the folder
    that the spec names.  Raises ``DataError``.
    """
    config: Any = program.plan.experiment.adapt
    if config is None:
        return
    for _, layer, held in adapted(program.module):
        held.start_at(layer.weight)
    if config.folder is not None and _by_layer(program):
        _read(program, path_of(config.folder), config)


def write_adapter(program: Program, folder: Path, *, prefix: str | None = None) -> None:
    """The products in peft's format, for a base model whose names begin with ``prefix`` (left out, those of
    the part's layout).  Raises ``DataError`` where a part has no names in Hugging Face's
    layout.
    """
    config: Any = program.plan.experiment.adapt
    tensors: dict[str, Tensor] = {}
    ranks, alphas, turned = {}, {}, False
    layers = _by_layer(program, prefix)
    for there, group in layers.items():
        down, up = _joined(group)
        tensors |= {f"{BEGIN}{there}.lora_A.weight": down, f"{BEGIN}{there}.lora_B.weight": up}
        if group[0].held.length_O is not None:
            lengths: list[Tensor] = [one.held.length_O for one in group if one.held.length_O is not None]
            tensors[f"{BEGIN}{there}.lora_magnitude_vector"] = torch.cat(lengths)
        turned |= group[0].weight.transposed
        if len(down) != config.rank:
            ranks[there], alphas[there] = len(down), _alpha(program, config, len(down))
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "", "bias": "none",
        "r": config.rank, "lora_dropout": config.dropout, "fan_in_fan_out": turned, "inference_mode": True,
        "target_modules": sorted(layers), "rank_pattern": ranks, "alpha_pattern": alphas,
        **_whole(program).components["adapt",].peft,
    }  # fmt: skip
    write_durably(folder / SETTINGS, json.dumps(settings, indent=1, sort_keys=True).encode() + b"\n")
    contiguous = {name: tensor.detach().contiguous() for name, tensor in sorted(tensors.items())}
    data = b"".join(bytes(part) for _, part in pieces(contiguous, about={"format": "pt"}))
    write_durably(folder / WEIGHTS, data)


def _alpha(program: Program, config: Any, rank: int) -> float:
    """What a larger rank needs so that the product keeps its scale."""
    rooted = bool(_whole(program).components["adapt",].peft["use_rslora"])
    return float(config.alpha * ((rank / config.rank) ** 0.5 if rooted else rank / config.rank))


def _joined(group: list[Beside]) -> tuple[Tensor, Tensor]:
    """The factors for one layer of the base model; several of ours lie in it one below the other."""
    return (
        torch.cat([one.held.down_RI for one in group]),
        torch.block_diag(*(one.held.up_OR for one in group)),
    )


def _by_layer(program: Program, prefix: str | None = None) -> dict[str, list[Beside]]:
    found: dict[str, list[Beside]] = {}
    for one in _named(program, prefix):
        found.setdefault(one.there, []).append(one)
    return found


def _named(program: Program, prefix: str | None = None) -> Iterator[Beside]:
    """Every product with the name of its layer in Hugging Face's layout.  Raises ``DataError``."""
    config: Any = program.plan.experiment.adapt
    for part in config.parts:
        path = _whole(program).plan.place_in(program.plan.task, parse_path(part))
        if path is None:
            continue  # of other tasks
        module = program.components[path]
        assert isinstance(module, nn.Module)
        layout, at = _layout(program, path, part)
        weights = {weight.here: weight for weight in layout.weights}
        for name, _, held in adapted(module):
            weight = weights.get(f"{at}{name}.weight")
            if weight is None:
                raise _refused(f"`{part}.{name}` has no name in Hugging Face's layout")
            before = layout.prefix if prefix is None else prefix
            yield Beside(held, weight, f"{before}{weight.there}".removesuffix(".weight"))


def _whole(program: Program) -> Program:
    return program.whole or program


def _layout(program: Program, path: tuple[str | int, ...], part: str) -> tuple[Layout, str]:
    """The layout that the part lies in, and what its names begin with there."""
    holders: list[tuple[PlanNode, Pretrained]] = [
        (node, config)
        for node in program.plan.nodes
        if path[: len(node.path)] == node.path
        and node.path[:1] == ("model",)
        and isinstance(config := program.plan.config(node.path), Pretrained)
        and type(config).layout is not Pretrained.layout
    ]
    if not holders or len(holders[-1][0].path) < 2:
        raise _refused(f"`{part}` has no names in Hugging Face's layout")
    node, config = max(holders, key=lambda pair: len(pair[0].path))
    rest = dotted(path[len(node.path) :])
    return config.layout(dict(node.takes)), f"{rest}." if rest else ""


def _read(program: Program, folder: Path, config: Any) -> None:
    if not (folder / WEIGHTS).is_file() or not (folder / SETTINGS).is_file():
        raise _refused(f"{folder} holds no {WEIGHTS} with its {SETTINGS}")
    settings, places = read_json(folder / SETTINGS, most=1 << 20), read_header(folder / WEIGHTS)
    _require_same(settings, config, _whole(program).components["adapt",].peft)
    left = set(places)
    for there, group in _by_layer(program).items():
        for index, one in enumerate(group):
            for name, tensor in _factors(f"{BEGIN}{there}", one.held).items():
                if name not in places:
                    raise _refused(f"{folder} lacks `{name}`")
                given = read_tensor(places[name])
                if (
                    given.shape != tensor.shape
                    and len(group) > 1
                    and name.endswith(("lora_B.weight", "vector"))
                ):
                    given = given.chunk(len(group))[index]
                if given.shape != tensor.shape:
                    sizes = f"{list(given.shape)} there and {list(tensor.shape)} here"
                    raise _refused(f"`{name}` of {folder} is {sizes}")
                tensor.copy_(given)
                left.discard(name)
    if left:
        raise _refused(f"{folder} holds `{min(left)}`, beside which nothing stands here")


def _factors(at: str, held: LowRank) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {f"{at}.lora_A.weight": held.down_RI, f"{at}.lora_B.weight": held.up_OR}
    if held.length_O is not None:
        found[f"{at}.lora_magnitude_vector"] = held.length_O
    return found


def _require_same(settings: Mapping[str, Any], config: Any, peft: Mapping[str, Any]) -> None:
    """Raises ``DataError`` where the folder's products have another rank or scale than the spec says."""
    wanted = {"peft_type": "LORA", "r": config.rank, **peft}
    for name, value in wanted.items():
        found = settings.get(name, False if value is False else None)
        if found != value:
            raise _refused(f"the adapter's `{name}` is {str(found)[:60]} there and {value} here")
    if settings.get("rank_pattern"):
        raise _refused("the adapter has layers of several ranks")


def _refused(why: str) -> DataError:
    help = "make `adapt` and the folder alike, or take `from` out"
    return DataError(why, help=help, code="SQ273", at=("adapt",))
