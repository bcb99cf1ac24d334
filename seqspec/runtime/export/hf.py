"""A language model as a folder in Hugging Face's layout, and the comparison of the two.

Names of tensors and settings stand with the decoder; this file knows none of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from seqspec.compile.build.program import Program
from seqspec.components._layers.low_rank import adapted, merge, unmerge
from seqspec.components.folder_tensors import to_folder
from seqspec.data.pretrained.bounded_json import read_json
from seqspec.data.pretrained.word_settings import ABOUT
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.adapter_folder import write_adapter
from seqspec.runtime.checkpoints.tensor_file import pieces
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.hugging_face_folder import Layout
from seqspec.schema.types import BOS, EOS, PAD, Tokens

TOLERANCE = 1e-4
"""Largest difference of a logit, relative to the largest, that counts as the same answer in float32."""


class Texts(Protocol):
    """``Prepared`` or ``Reopened``: what holds the built text steps of a run, under ``parts.text``."""

    @property
    def parts(self) -> Any: ...


class Comparison(NamedTuple):
    """How far the folder's answers are from the run's."""

    largest: float
    """Largest difference of a logit, over the largest logit."""
    texts_equal: bool
    """Whether the greedy continuations are the same."""
    tolerance: float = TOLERANCE

    @property
    def same(self) -> bool:
        """Whether the folder may be called done."""
        return self.texts_equal and self.largest <= self.tolerance


class Ids(NamedTuple):
    """The folder's id of each of ours, no two the same, and how many the folder has."""

    theirs: tuple[int, ...]
    size: int


def write_hf(program: Program, prepared: Texts, folder: Path) -> tuple[Path, ...]:
    """Write config.json, model.safetensors, and the tokenizer where it has Hugging Face's form; gives the
    files.  Raises ``RunError`` where transformers has no such architecture.

    What an adaptation learned is merged into the weights, and lies beside them under ``adapter/`` in peft's
    format.
    """
    decoder: Any = program.plan.config(("model", "decoder"))
    settings = _settings(program, decoder)
    ids = ids_of(prepared)
    has_adapter = next(adapted(program.module), None) is not None
    folder.mkdir(parents=True, exist_ok=True)
    if has_adapter:
        write_adapter(program, folder / "adapter")
    kept = merge(program.module)
    try:
        tensors, tied = _tensors(program, decoder, ids)
        if kept:  # what is written must not change when the weights come apart again
            tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    finally:
        unmerge(program.module, kept)
    known = {name: ids.theirs[id] for name, id in (("pad", PAD), ("bos", BOS), ("eos", EOS))}
    numbers = {f"{name}_token_id": id for name, id in known.items()}
    config = {**settings, **numbers, "vocab_size": ids.size, "tie_word_embeddings": tied, "dtype": "float32"}
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", numbers)
    data = b"".join(bytes(part) for _, part in pieces(dict(sorted(tensors.items())), about={"format": "pt"}))
    write_durably(folder / "model.safetensors", data)
    write_tokenizer(prepared, ids, folder)
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


@torch.no_grad()
def compare_hf(program: Program, prepared: Texts, folder: Path) -> Comparison:
    """The folder, opened by transformers, beside the model: logits of random ids and greedy continuations."""
    from transformers import AutoModelForCausalLM

    theirs = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, local_files_only=True
    ).eval()
    order = torch.tensor(ids_of(prepared).theirs)
    model, training = program.parts, program.module.training
    model.eval()
    size = min(getattr(model.decoder, "max_positions", None) or 48, 48)
    ids = torch.randint(EOS + 1, len(order), (2, size), generator=torch.Generator().manual_seed(1))
    ids[:, 0] = BOS
    ours = model.head(model.decoder(ids))
    given = theirs(order[ids]).logits[..., order]
    largest = float((ours - given).abs().max() / ours.abs().max())
    prompt = ids[:1, : size // 4]
    same = _greedy(lambda x: model.head(model.decoder(x)), prompt, steps=size // 2)
    found = _greedy(lambda x: theirs(order[x]).logits[..., order], prompt, steps=size // 2)
    model.train(training)
    return Comparison(largest, same == found)


def export_hf(program: Program, prepared: Texts, folder: Path) -> Comparison:
    """``write_hf`` and ``compare_hf``.  Raises ``RunError`` where the answers differ."""
    write_hf(program, prepared, folder)
    found = compare_hf(program, prepared, folder)
    if not found.same:
        raise RunError(
            f"{folder} does not answer as the run does: logits differ by {found.largest:.2g} of the largest, "
            f"{found.tolerance:g} is allowed; greedy texts are "
            f"{'equal' if found.texts_equal else 'different'}",
            exit=Exit.DATA,
        )
    return found


def write_tokenizer(prepared: Texts, ids: Ids, folder: Path, *, role: str = "target") -> None:
    """``tokenizer.json`` with its settings, where the run's tokenizer has that form."""
    tokenizer = prepared.parts.text[role].tokenizer
    text = getattr(tokenizer, "exported", None)
    if text is not None:
        for name, content in text(ids.theirs[: EOS + 1]).items():
            write_durably(folder / name, content)
    template = getattr(prepared.parts.adapter, "chat_template", None)
    if template is not None and (folder / ABOUT).is_file():
        about = read_json(folder / ABOUT, most=32 << 20)
        write_json(folder / ABOUT, {**about, "chat_template": template(about.get("bos_token"))})


def _settings(program: Program, decoder: Any) -> dict[str, Any]:
    reads = program.plan.node("model", "decoder").takes[0][1]
    if not hasattr(decoder, "write_settings") or not isinstance(reads, Tokens):
        raise refused(f"decoder `{decoder.component[1]}` has no place in Hugging Face's layout")
    if getattr(program.parts.head, "bias_V", None) is not None:
        raise refused("its head has a bias, which these architectures do not have", help="set `bias: false`")
    if not hasattr(program.parts.head, "weight_VD"):
        raise refused("its head is no table of one row a token")
    try:
        settings: dict[str, Any] = decoder.write_settings()
    except Mismatch as mismatch:
        raise refused(mismatch.message, help=mismatch.help) from None
    return settings


def _tensors(program: Program, decoder: Any, ids: Ids) -> tuple[dict[str, Tensor], bool]:
    """The folder's tensors, and whether its head is the table once more."""
    model = program.parts
    layout: Layout = decoder.layout({})
    own = {name: tensor.detach() for name, tensor in model.decoder.state_dict().items()}
    table = next(weight.here for weight in layout.weights if weight.by_id)
    scale = float(getattr(model.decoder.embedding, "scale", 1.0))
    own[table] = by_their_ids(own[table] * scale, ids)
    found = to_folder(layout, own)
    tied = model.head.weight_VD is model.decoder.embedding.weight_VD and scale == 1.0
    if not tied:
        head = {"weight_VD": by_their_ids(model.head.weight_VD.detach(), ids)}
        found |= to_folder(decoder.head_layout(), head)
    return found, tied


def by_their_ids(table: Tensor, ids: Ids) -> Tensor:
    """Rows in the folder's order; ids that we do not have are zero."""
    rows = table.new_zeros(ids.size, table.shape[1])
    rows[torch.tensor(ids.theirs)] = table[: len(ids.theirs)]
    return rows


def ids_of(prepared: Texts, role: str = "target") -> Ids:
    """Ids of the tokenizer's own folder where it has one, with new ones at the end where it lacks some of
    ours; else ours.
    """
    steps = prepared.parts.text[role]
    original = getattr(steps.tokenizer, "original_ids", None)
    if original is None:
        return Ids(tuple(range(steps.vocab_size)), steps.vocab_size)
    order: tuple[int, ...] = original()
    size = max(order) + 1
    found: list[int] = []
    last = {id: index for index, id in enumerate(order)}
    for index, id in enumerate(order):
        if id >= 0 and last[id] == index:
            found.append(id)
        else:
            found.append(size)
            size += 1
    return Ids(tuple(found), size)


def _greedy(logits: Any, ids: Tensor, *, steps: int) -> list[int]:
    for _ in range(steps):
        ids = torch.cat([ids, logits(ids)[:, -1].argmax(-1, keepdim=True)], 1)
    found: list[int] = ids[0].tolist()
    return found


def write_json(path: Path, value: object) -> None:
    """One file of a folder."""
    write_durably(path, json.dumps(value, indent=1, sort_keys=True).encode() + b"\n")


def refused(why: str, *, help: str | None = None) -> RunError:
    """That there is no such architecture."""
    return RunError(f"this model cannot be written for transformers: {why}", exit=Exit.USAGE, help=help)
