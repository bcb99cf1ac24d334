"""The first weights of parts that come from a folder in Hugging Face's layout: read, put in place, recorded.

A run that has a checkpoint never opens the folder again: what it began with is in its lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from seqspec.compile.build.program import Program
from seqspec.compile.plan.model_folders import folder_parts, fresh_below, left_over
from seqspec.components._layers.low_rank import is_by_reference
from seqspec.components.folder_tensors import from_folder
from seqspec.data.pretrained.hf_folder import HFFolder, open_folder
from seqspec.data.pretrained.layout_match import compare
from seqspec.data.pretrained.safetensors_header import Tensor as Place
from seqspec.data.regular_file import open_regular
from seqspec.data.store.cache import default_cache
from seqspec.data.store.hashes import file_hashes
from seqspec.runtime.assembly.assembled import Record
from seqspec.runtime.assembly.label_rows import by_our_labels
from seqspec.runtime.checkpoints.model_tensors import own_tensors
from seqspec.runtime.checkpoints.tensor_file import digest_all
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.source import dotted

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Plan, PlanNode
    from seqspec.data.stages.parts import TextSteps
    from seqspec.schema.pretrained import Pretrained

Labels = Mapping[str, Sequence[str]]
"""Names of classes by role."""
NO_LABELS: Labels = MappingProxyType({})
KINDS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
"""Kinds of numbers that weights may have; they are read as float32 whatever they are."""


def expect_folders(plan: Plan) -> None:
    """Raises ``DataError`` where a folder is not there: before hours are spent on the data."""
    for _, config in folder_parts(plan):
        open_folder(str(config.folder))


def load_pretrained(
    program: Program, text: Mapping[str, TextSteps], labels: Labels = NO_LABELS
) -> dict[str, Record]:
    """Copy into ``program`` what its plan takes from folders; gives a record of each part by its place.

    ``text`` are the loaded text steps of the program by role, ``labels`` names of classes alike.  Raises
    ``DataError`` where a part does not fit.
    """
    expect_folders(program.plan)
    left = left_over(program.plan)
    return {
        dotted(node.path): _load(program, node, config, text, labels, left=left[str(config.folder)])
        for node, config in folder_parts(program.plan)
    }


@torch.no_grad()
def _load(
    program: Program,
    node: PlanNode,
    config: Pretrained,
    text: Mapping[str, TextSteps],
    labels: Labels,
    *,
    left: tuple[str, ...],
) -> Record:
    folder = open_folder(str(config.folder))
    layout, fresh = config.layout(dict(node.takes)), fresh_below(program.plan, node)
    found = compare(layout, folder.as_folder().tensors, fresh=fresh)
    mine = dict(_own_tensors(program, node))
    lacking = sorted(
        name for name in mine if name not in found.taken and not name.startswith(fresh or ("\0",))
    )
    if lacking:
        raise _refused(node, f"the folder has nothing for `{lacking[0]}`")
    wanted = [w for w in layout.weights if w.here in found.taken and w.here in mine]
    ids = {weight.here: weight.by_id for weight in wanted}
    classes = {weight.here: weight.by_label for weight in wanted}
    taken = from_folder(wanted, lambda weight: read_tensor(folder.tensors[found.names[weight]]))
    for name, given in taken.items():
        if role := classes[name]:
            given = _by_our_classes(given, config, text.get(role), labels.get(role), node=node)
        _put(mine[name], given, name, role=ids[name], node=node, text=text)
    return {
        "files": _hashes(folder),
        "fresh": sorted(name for name in mine if name not in found.taken),
        "left_over": list(left),
        "by_reference": sorted(
            name for name, tensor in _parameters(program, node) if is_by_reference(tensor)
        ),
        "weights": digest_all(own_tensors(program.components[node.path])),
    }


def _parameters(program: Program, node: PlanNode) -> Iterator[tuple[str, nn.Parameter]]:
    module = program.components[node.path]
    assert isinstance(module, nn.Module)
    return module.named_parameters()


def reload_references(
    program: Program,
    text: Mapping[str, TextSteps],
    *,
    began: Mapping[str, Any],
    labels: Labels = NO_LABELS,
) -> dict[str, Record]:
    """Take the weights that checkpoints leave out from their folders again; gives a record of each part.

    ``began`` are the records of the run that has the checkpoints.  Raises ``RunError`` where a folder is not
    the one that it names.
    """
    found = load_pretrained(program, text, labels)
    for place, record in found.items():
        held = began.get(place)
        if not isinstance(held, dict):
            raise RunError(
                f"the lock of this run does not tell which folder `{place}` began with",
                exit=Exit.DRIFT,
                help="its checkpoints hold what was learned beside those weights: put the lock back from a "
                "copy of the run directory",
            )
        if record["files"] != held.get("files"):
            config = next(c for node, c in folder_parts(program.plan) if dotted(node.path) == place)
            raise RunError(
                f"{config.folder} is not the folder that `{place}` of this run began with",
                exit=Exit.DRIFT,
                help="its checkpoints hold what was learned beside those weights: put the folder back",
            )
    return found


def _own_tensors(program: Program, node: PlanNode) -> Iterator[tuple[str, Tensor]]:
    """Tensors of a part without those of parts inside it that have a folder of their own."""
    inside = [
        ".".join(map(str, other.path[len(node.path) :])) + "."
        for other, _ in folder_parts(program.plan)
        if other.path[: len(node.path)] == node.path and other.path != node.path
    ]
    module = program.components[node.path]
    assert isinstance(module, nn.Module)
    for name, tensor in own_tensors(module).items():
        if not name.startswith(tuple(inside) or ("\0",)):
            yield name, tensor


def _put(
    mine: Tensor, given: Tensor, name: str, *, role: str, node: PlanNode, text: Mapping[str, TextSteps]
) -> None:
    if role:
        given = _by_our_ids(given, text.get(role), node=node, role=role)
    if given.shape != mine.shape:
        raise _refused(node, f"`{name}` is {list(given.shape)} there and {list(mine.shape)} here")
    mine.copy_(given)


def _by_our_classes(
    rows: Tensor, config: Any, steps: Any, names: Sequence[str] | None, *, node: PlanNode
) -> Tensor:
    """Rows of the folder's classes in the order of the corpus's labels, or of the tags' vocabulary."""
    ids = names is None
    ours = steps.tokenizer.pieces(range(steps.vocab_size)) if names is None else names
    return by_our_labels(rows, theirs=config.labels, ours=ours, ids=ids, at=node.path)


def _by_our_ids(table: Tensor, steps: Any, *, node: PlanNode, role: str) -> Tensor:
    """The rows of a table in the order of our ids; the mean of all where the folder has no such id.

    The mean as the first value of a new row: Hewitt (2021), "Initializing New Word Embeddings for Pretrained
    Language Models".
    """
    ids: Callable[[], tuple[int, ...]] | None = getattr(
        getattr(steps, "tokenizer", None), "original_ids", None
    )
    if ids is None:
        raise DataError(
            f"the rows of `{dotted(node.path)}` belong to the token ids of its folder, and the {role} text "
            "has others",
            help=f"set `data.text.{role}.tokenizer` to `{{type: hf, from: …}}` with the same folder, or name "
            "the part under `fresh`",
            code="SQ451",
            at=node.path,
        )
    order = torch.tensor(ids())
    if int(order.max()) >= len(table):
        raise DataError(
            f"the {role} tokenizer has ids up to {int(order.max()):,}, and the folder of "
            f"`{dotted(node.path)}` has {len(table):,} rows",
            help="use the tokenizer of the same folder",
            code="SQ451",
            at=node.path,
        )
    rows = table[order.clamp(min=0)]
    rows[order < 0] = table.mean(0)
    return rows


def read_tensor(place: Place) -> Tensor:
    """A tensor of a safetensors file as float32.  Raises ``DataError`` where it holds no floats."""
    kind = KINDS.get(place.kind)
    if kind is None:
        raise DataError(f"{place.file.name} holds numbers of the kind {place.kind}, and weights are floats",
                        help="save the model in float32, float16 or bfloat16", code="SQ272")  # fmt: skip
    with open_regular(place.file) as file:
        file.seek(place.begin)
        data = bytearray(file.read(place.end - place.begin))
    flat = torch.frombuffer(data, dtype=kind) if data else torch.empty(0, dtype=kind)
    return flat.reshape(place.shape).float()


def _hashes(folder: HFFolder) -> dict[str, str]:
    return file_hashes(folder.files, root=folder.path, memory=default_cache() / "hashes")


def _refused(node: PlanNode, why: str) -> DataError:
    help = "name the parts that are to begin at random under `fresh`, or make the two alike"
    return DataError(
        f"the folder does not fit `{dotted(node.path)}`: {why}", help=help, code="SQ273", at=node.path
    )
