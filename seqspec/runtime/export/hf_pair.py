"""An encoder and a decoder as one folder in Hugging Face's layout, and the comparison of the two.

Which architecture computes the same, and what its tensors are called, stands with the decoder
(``pair_form``).
"""

# B batch, T source time, U target time, D width, V vocabulary

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seqspec.compile.build.program import Program
from seqspec.components._layers.low_rank import merge, unmerge
from seqspec.components._layers.positions import sinusoids
from seqspec.components.folder_tensors import to_folder
from seqspec.data.store.durable import write_durably
from seqspec.runtime.checkpoints.tensor_file import pieces
from seqspec.runtime.export.hf import (
    Comparison,
    Ids,
    Texts,
    by_their_ids,
    ids_of,
    refused,
    write_json,
    write_tokenizer,
)
from seqspec.schema.config import Mismatch
from seqspec.schema.hugging_face_folder import Layout, PairForm
from seqspec.schema.types import BOS, EOS, PAD, Tokens


def write_pair(program: Program, prepared: Texts, folder: Path) -> None:
    """Write config.json, model.safetensors and the tokenizer where it has Hugging Face's form; what an
    adaptation learned is merged.  Raises ``RunError`` where transformers has no such architecture.
    """
    form = _form(program)
    ids = _ids(prepared)
    if form.pad is not None and ids.theirs[PAD] != form.pad:
        raise refused(
            f"its positions begin at {form.pad + 1}, one behind the padding's id, which is {ids.theirs[PAD]}",
            help=f"set `first_position: {ids.theirs[PAD] + 1}` of both stacks",
        )
    folder.mkdir(parents=True, exist_ok=True)
    kept = merge(program.module)
    try:
        tensors = {name: tensor.clone() for name, tensor in _tensors(program, form, ids)}
    finally:
        unmerge(program.module, kept)
    known = {name: ids.theirs[id] for name, id in (("pad", PAD), ("eos", EOS), ("decoder_start", BOS))}
    numbers = {f"{name}_token_id": id for name, id in known.items()}
    settings = {**form.settings, **numbers, "vocab_size": ids.size, "is_encoder_decoder": True}
    write_json(folder / "config.json", {**settings, "dtype": "float32"})
    write_json(folder / "generation_config.json", numbers)
    data = b"".join(bytes(one) for _, one in pieces(dict(sorted(tensors.items())), about={"format": "pt"}))
    write_durably(folder / "model.safetensors", data)
    write_tokenizer(prepared, ids, folder)


@torch.no_grad()
def compare_pair(program: Program, prepared: Texts, folder: Path) -> Comparison:
    """The folder, opened by transformers, beside the model: logits of random ids behind sources of two
    lengths, and greedy texts.
    """
    from transformers import AutoModelForSeq2SeqLM

    theirs = AutoModelForSeq2SeqLM.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, local_files_only=True
    ).eval()
    order = torch.tensor(_ids(prepared).theirs)
    model, training = program.parts, program.module.training
    model.eval()
    generator = torch.Generator().manual_seed(1)
    source_BT = torch.randint(EOS + 1, len(order), (2, 11), generator=generator)
    lengths_B = torch.tensor([11, 6])
    real_BT = torch.arange(11) < lengths_B[:, None]
    source_BT = source_BT.masked_fill(~real_BT, PAD)
    ids_BU = torch.randint(EOS + 1, len(order), (2, 9), generator=generator)
    ids_BU[:, 0] = BOS
    asked_BT, seen_BT = _ended(model, source_BT, lengths_B)
    memory = model.read(source_BT, lengths_B)

    def ours(ids: Tensor) -> Tensor:
        logits: Tensor = model.head(model.decoder(ids, *memory))
        return logits

    def given(ids: Tensor) -> Tensor:
        answer = theirs(input_ids=order[asked_BT], attention_mask=seen_BT, decoder_input_ids=order[ids])
        logits: Tensor = answer.logits[..., order]
        return logits

    mine = ours(ids_BU)
    largest = float((mine - given(ids_BU)).abs().max() / mine.abs().max())
    first = ids_BU[:, :1]
    same = greedy(ours, first) == greedy(given, first)
    model.train(training)
    return Comparison(largest, same)


def _ended(model: Any, ids_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
    """The sources with the end that the model puts behind them, and what is real of them."""
    if model.source_end:
        ids_BT = torch.nn.functional.pad(ids_BT, (0, 1)).scatter(1, lengths_B[:, None], EOS)
        lengths_B = lengths_B + 1
    return ids_BT, (torch.arange(ids_BT.shape[1]) < lengths_B[:, None]).long()


def greedy(logits: Any, ids: Tensor, *, steps: int = 8) -> list[list[int]]:
    """The ids with as many more as ``steps``, each the likeliest."""
    for _ in range(steps):
        ids = torch.cat([ids, logits(ids)[:, -1].argmax(-1, keepdim=True)], 1)
    found: list[list[int]] = ids.tolist()
    return found


def _form(program: Program) -> PairForm:
    plan: Any = program.plan
    encoder, decoder = (plan.config(("model", name)) for name in ("encoder", "decoder"))
    model = plan.experiment.model
    reads = dict(plan.node("model", "encoder").takes)["source"]
    source_embedding = getattr(model, "embedding", None)
    if not hasattr(decoder, "pair_form") or model.task_vectors or model.outputs:
        raise refused(f"a pair with decoder `{decoder.component[1]}` and these settings has no place there")
    if getattr(program.parts.head, "weight_VD", None) is None:
        raise refused("its head is no table of one row a token")
    if source_embedding is None and not isinstance(reads, Tokens):
        raise refused("its source is no text")
    if model.tie in ("none", "target"):
        help = "set `tie: all`, or `tie: embeddings` for a softmax of its own"
        raise refused("source and target have tables of their own", help=help)
    try:
        form: PairForm = decoder.pair_form(encoder)
    except Mismatch as mismatch:
        raise refused(mismatch.message, help=mismatch.help) from None
    return form


def _ids(prepared: Texts) -> Ids:
    ids = ids_of(prepared, "target")
    if ids != ids_of(prepared, "source"):
        raise refused("source and target have vocabularies of their own", help="use `data.text.shared`")
    return ids


def _tensors(program: Program, form: PairForm, ids: Ids) -> Iterator[tuple[str, Tensor]]:
    model = program.parts
    for module, layout in ((model.encoder, form.encoder), (model.decoder, form.decoder)):
        yield from of_part(module, layout, ids).items()
    head: Any = model.head
    bias = getattr(head, "bias_V", None)
    if head.weight_VD is not model.decoder.embedding.weight_VD:
        if form.head is None:
            raise refused("this architecture shares its table with the softmax", help="set `tie: all`")
        yield form.head, by_their_ids(head.weight_VD.detach(), ids)
    if form.bias is not None:
        values = torch.zeros(len(ids.theirs)) if bias is None else bias.detach()
        yield form.bias, by_their_ids(values[:, None], ids).T
    elif bias is not None:
        raise refused("its head has a bias, which this architecture has not", help="set `bias: false`")
    table = sinusoids(
        0, form.num_positions, dim=form.dim, device=torch.device("cpu"), to_half=form.rates == "half"
    )
    for name in form.positions:
        yield name, table
    for name, size in form.zeros.items():
        yield name, torch.zeros(size)


def of_part(module: Any, layout: Layout, ids: Ids) -> dict[str, Tensor]:
    """The weights of a part by the names of the folder; of one whose table stands outside, the table is its
    decoder's.  Raises ``RunError`` where a weight has no place there.
    """
    own = {name: tensor.detach() for name, tensor in module.state_dict().items()}
    homeless = next(iter(own.keys() - {weight.here for weight in layout.weights}), None)
    if homeless is not None:
        raise refused(f"`{homeless}` has no place in the folder")
    for weight in layout.weights:
        if weight.by_id:
            own[weight.here] = by_their_ids(own[weight.here], ids)
    return to_folder(layout, own)
