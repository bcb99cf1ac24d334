"""A model over one encoder as a folder in Hugging Face's layout, and the comparison of the two.

Which class of transformers reads it, and what its head is called there, stands with the encoder
(``head_forms``), by the kind of answer that the model gives (``folder_form``).
"""

# B batch, T time, D width, V classes

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqspec.compile.build.program import Program
from seqspec.components._layers.low_rank import adapted, merge, unmerge
from seqspec.components.folder_tensors import to_folder
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.adapter_folder import write_adapter
from seqspec.runtime.checkpoints.tensor_file import pieces
from seqspec.runtime.export.alphabet_files import write_alphabet
from seqspec.runtime.export.hf import (
    TOLERANCE,
    Ids,
    Texts,
    by_their_ids,
    ids_of,
    refused,
    write_json,
    write_tokenizer,
)
from seqspec.runtime.export.sentence_folder import write_pooling
from seqspec.schema.hugging_face_folder import HeadForm
from seqspec.schema.types import BOS, EOS, PAD, Frames, Image, Tokens

Labels = Mapping[str, tuple[str, ...]]
PREPROCESSOR = "preprocessor_config.json"


class _Part(NamedTuple):
    """The encoder, and how the folder holds it."""

    config: Any
    module: Any
    reads: Any
    """The type that it reads."""
    role: str
    """The field of the corpus that it reads."""
    form: HeadForm
    pooler: Any = None
    """The config of what makes one vector of its states, where the folder holds such a part."""


def write_encoder(program: Program, prepared: Texts, folder: Path, *, labels: Labels) -> None:
    """Write config.json, model.safetensors and the tokenizer where it has Hugging Face's form; ``labels`` are
    the names of classes by role.  Raises ``RunError`` where transformers has no such architecture.

    What an adaptation learned is merged into the weights, and lies beside them under ``adapter/``.
    """
    part = _part(program)
    ids = ids_of(prepared, part.role) if isinstance(part.reads, Tokens) else None
    folder.mkdir(parents=True, exist_ok=True)
    if next(adapted(program.module), None) is not None:
        write_adapter(program, folder / "adapter", prefix=part.form.prefix)
    kept = merge(program.module)
    try:
        tensors = {name: tensor.clone() for name, tensor in _tensors(program, part, ids).items()}
    finally:
        unmerge(program.module, kept)
    names = _class_names(prepared, labels)
    write_json(folder / "config.json", _settings(part, ids, names))
    if part.form.writes:
        write_alphabet(folder, names)
    if hasattr(part.config, "write_preprocessor"):
        features = getattr(program.plan.experiment.data.audio, "features", None)
        write_json(folder / PREPROCESSOR, part.config.write_preprocessor(features, part.reads))
    data = b"".join(bytes(one) for _, one in pieces(dict(sorted(tensors.items())), about={"format": "pt"}))
    write_durably(folder / "model.safetensors", data)
    if ids is not None:
        write_tokenizer(prepared, ids, folder, role=part.role)
    write_pooling(folder, getattr(program.module, "pooling", None), part.config.dim, part.form)


@torch.no_grad()
def compare_encoder(program: Program, prepared: Texts, folder: Path) -> float:
    """The folder, opened by transformers, beside the model on random inputs of two lengths: the largest
    difference of a logit or state, over the largest.
    """
    import transformers

    part = _part(program)
    theirs = getattr(transformers, part.form.architecture).from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, local_files_only=True
    ).eval()  # fmt: skip
    model, training = program.parts, program.module.training
    model.eval()
    given, lengths_B, asked = _inputs(part, prepared)
    states, found_B = part.module(given, lengths_B)
    if part.pooler is not None:
        states, found_B = model.pooler(states, found_B), None
    ours = model.head(states) if part.form.head else states
    answer = theirs(**asked)
    expected = answer.logits if part.form.head else answer.last_hidden_state
    if found_B is not None:
        # Behind what is real we may have a state more.
        ours = ours[:, : expected.shape[1]]
        real_BT = torch.arange(ours.shape[1]) < found_B[:, None]
        ours, expected = ours[real_BT], expected[real_BT]
    model.train(training)
    return float((ours - expected).abs().max() / ours.abs().max())


def largest_allowed() -> float:
    """How far answers may be apart, as a share of the largest."""
    return TOLERANCE


def _part(program: Program) -> _Part:
    model: Any = program.plan.experiment.model
    node = program.plan.node("model", "encoder")
    config = program.plan.config(node.path)
    wanted = model.folder_form
    forms: Mapping[str, HeadForm] = config.head_forms() if hasattr(config, "head_forms") else {}
    if wanted not in forms:
        told = f"encoder `{config.component[1]}` with these settings has no place in Hugging Face's layout"
        others = ", ".join(f"`{form.architecture}`" for form in forms.values())
        raise refused(
            f"{told} under a `{model.component[1]}`",
            help=f"as it stands it fits {others}" if others else None,
        )
    pooler = _pooler(model, forms[wanted])
    own = (name for name, _ in program.module.named_parameters())
    known = ("encoder.", "head.") if pooler is None else ("encoder.", "head.", "pooler.")
    more = next((name for name in own if not name.startswith(known)), None)
    if more is not None:
        raise refused(f"its `{more.split('.')[0]}` has no place in the folder of one encoder")
    reads = dict(node.takes)["source"]
    return _Part(
        config, program.parts.encoder, reads, getattr(config, "reads", None) or "source", forms[wanted],
        None if pooler is None else program.plan.config(("model", "pooler")),
    )  # fmt: skip


def _pooler(model: Any, form: HeadForm) -> Any:
    """The model's pooler, where the architecture has one.  Raises ``RunError`` where it has another."""
    if not form.pools:
        return None
    found = getattr(model, "pooler", None)
    if not hasattr(found, "write_settings"):
        help = "use `pooler: projected_mean`"
        raise refused(f"`{form.architecture}` projects states before it pools them", help=help)
    return found


def _settings(part: _Part, ids: Ids | None, names: Sequence[str]) -> dict[str, Any]:
    told = part.config.write_settings(part.reads)
    if part.pooler is not None:
        told |= part.pooler.write_settings()
    settings = {**told, "architectures": [part.form.architecture], "dtype": "float32"}
    if ids is not None:
        known = {name: ids.theirs[id] for name, id in (("pad", PAD), ("bos", BOS), ("eos", EOS))}
        settings |= {f"{name}_token_id": id for name, id in known.items()} | {"vocab_size": ids.size}
    if part.form.writes:
        known = {"pad": PAD, "bos": BOS, "eos": EOS}
        settings |= {f"{name}_token_id": id for name, id in known.items()} | {"vocab_size": len(names)}
    elif part.form.head and names:
        settings["id2label"] = {str(id): name for id, name in enumerate(names)}
        settings["label2id"] = {name: id for id, name in enumerate(names)}
    return settings


def _class_names(prepared: Texts, labels: Labels) -> Sequence[str]:
    """What the head scores: the labels of examples, or the tags of words."""
    steps = prepared.parts.text.get("target")
    if "target" in labels or steps is None:
        return labels.get("target", ())
    found: list[str] = steps.tokenizer.pieces(range(steps.vocab_size))
    return found


def _tensors(program: Program, part: _Part, ids: Ids | None) -> dict[str, Tensor]:
    layout = part.config.layout({})._replace(prefix=part.form.prefix)
    own = {name: tensor.detach() for name, tensor in part.module.state_dict().items()}
    for weight in layout.weights:
        if weight.by_id and ids is not None:
            own[weight.here] = by_their_ids(own[weight.here], ids)
    found = to_folder(layout, own)
    if part.pooler is not None:
        takes = dict(program.plan.node("model", "pooler").takes)
        held = {name: tensor.detach() for name, tensor in program.parts.pooler.state_dict().items()}
        found |= to_folder(part.pooler.layout(takes), held)
    if part.form.head:
        head: Any = program.parts.head
        if getattr(head, "bias_V", None) is None:
            raise refused("its head has no bias, which this architecture has", help="set `bias: true`")
        found[f"{part.form.head}weight"] = head.weight_VD.detach()
        found[f"{part.form.head}bias"] = head.bias_V.detach()
    return found


def _inputs(part: _Part, prepared: Texts) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
    """What the encoder reads, its lengths, and what transformers is asked with."""
    generator = torch.Generator().manual_seed(1)
    if isinstance(part.reads, Image):
        size = (2, part.reads.channels, part.reads.height, part.reads.width)
        x_BCHW = torch.randn(size, generator=generator)
        return x_BCHW, None, {"pixel_values": x_BCHW}
    if isinstance(part.reads, Frames):
        x_BT = torch.randn(2, 40 * part.config.stride, generator=generator)
        return x_BT[..., None], torch.full((2,), x_BT.shape[1]), {"input_values": x_BT}
    order = torch.tensor(ids_of(prepared, part.role).theirs)
    size_T = min(getattr(part.module, "max_positions", None) or 24, 24)
    ids_BT = torch.randint(EOS + 1, len(order), (2, size_T), generator=generator)
    lengths_B = torch.tensor([size_T, size_T // 2])
    real_BT = torch.arange(size_T) < lengths_B[:, None]
    ids_BT = ids_BT.masked_fill(~real_BT, PAD)
    return ids_BT, lengths_B, {"input_ids": order[ids_BT], "attention_mask": real_BT.long()}
