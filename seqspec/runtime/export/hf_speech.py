"""An encoder of sound and a decoder as one folder in Hugging Face's layout, and the comparison of the two.

Which architecture computes the same, and what its tensors are called, stands with the decoder
(``pair_form``).
"""

# B batch, T frames, M features of a frame, U target time, V vocabulary

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seqspec.compile.build.program import Program
from seqspec.components._layers.low_rank import merge, unmerge
from seqspec.data.store.durable import write_durably
from seqspec.runtime.checkpoints.tensor_file import pieces
from seqspec.runtime.export.hf import (
    Comparison,
    Ids,
    Texts,
    ids_of,
    refused,
    write_json,
    write_tokenizer,
)
from seqspec.runtime.export.hf_pair import greedy, of_part
from seqspec.schema.config import Mismatch
from seqspec.schema.hugging_face_folder import PairForm
from seqspec.schema.types import BOS, EOS, PAD, Frames

PREPROCESSOR = "preprocessor_config.json"


def write_speech(program: Program, prepared: Texts, folder: Path) -> None:
    """Write the settings of model, generation and features, model.safetensors, and the tokenizer where it
    has Hugging Face's form; what an adaptation learned is merged.  Raises ``RunError`` where transformers has
    no such architecture.
    """
    form, ids = _form(program), ids_of(prepared)
    folder.mkdir(parents=True, exist_ok=True)
    kept = merge(program.module)
    try:
        tensors = {name: tensor.clone() for name, tensor in _tensors(program, form, ids).items()}
    finally:
        unmerge(program.module, kept)
    named = {"pad": PAD, "eos": EOS, "bos": EOS, "decoder_start": BOS}
    numbers: dict[str, Any] = {f"{name}_token_id": ids.theirs[id] for name, id in named.items()}
    settings = {**form.settings, **numbers, "vocab_size": ids.size, "is_encoder_decoder": True}
    write_json(folder / "config.json", {**settings, "dtype": "float32"})
    told: dict[str, Any] = getattr(prepared.parts.text["target"].tokenizer, "generation", dict)()
    write_json(folder / "generation_config.json", {**numbers, **told})
    write_json(folder / PREPROCESSOR, dict(form.preprocessor))
    data = b"".join(bytes(one) for _, one in pieces(dict(sorted(tensors.items())), about={"format": "pt"}))
    write_durably(folder / "model.safetensors", data)
    write_tokenizer(prepared, ids, folder)


@torch.no_grad()
def compare_speech(program: Program, prepared: Texts, folder: Path) -> Comparison:
    """The folder, opened by transformers, beside the model: logits of random ids behind random frames, and
    greedy texts.
    """
    from transformers import AutoModelForSpeechSeq2Seq

    theirs = AutoModelForSpeechSeq2Seq.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, local_files_only=True
    ).eval()
    order = torch.tensor(ids_of(prepared).theirs)
    model, training = program.parts, program.module.training
    model.eval()
    frames_BTM = _frames(program)
    generator = torch.Generator().manual_seed(1)
    length = min(9, model.decoder.max_positions - 8)
    ids_BU = torch.randint(EOS + 1, len(order), (2, length), generator=generator)
    ids_BU[:, 0] = BOS
    memory = model.read(frames_BTM, torch.full((2,), frames_BTM.shape[1]))

    def ours(ids: Tensor) -> Tensor:
        logits: Tensor = model.head(model.decoder(ids, *memory))
        return logits

    def given(ids: Tensor) -> Tensor:
        answer = theirs(input_features=frames_BTM.transpose(1, 2), decoder_input_ids=order[ids])
        logits: Tensor = answer.logits[..., order]
        return logits

    mine = ours(ids_BU)
    largest = float((mine - given(ids_BU)).abs().max() / mine.abs().max())
    first = ids_BU[:, :1]
    same = greedy(ours, first, steps=7) == greedy(given, first, steps=7)
    model.train(training)
    return Comparison(largest, same)


def _frames(program: Program) -> Tensor:
    """``[2, T, M]``, as long as the encoder wants them."""
    takes = dict(program.plan.node("model", "encoder").takes)["source"]
    assert isinstance(takes, Frames)
    generator = torch.Generator().manual_seed(2)
    return torch.randn(2, program.parts.encoder.size, takes.dim, generator=generator)


def _form(program: Program) -> PairForm:
    plan: Any = program.plan
    encoder, decoder = (plan.config(("model", name)) for name in ("encoder", "decoder"))
    model = plan.experiment.model
    if not hasattr(decoder, "pair_form") or model.task_vectors or model.outputs or model.embedding:
        raise refused(f"a pair with decoder `{decoder.component[1]}` and these settings has no place there")
    if model.tie != "target" or getattr(program.parts.head, "bias_V", None) is not None:
        help = "set `tie: target` and `head: {type: linear, bias: false}`"
        raise refused("the softmax of such folders is the target's table, without a bias", help=help)
    try:
        form: PairForm = decoder.pair_form(encoder)
    except Mismatch as mismatch:
        raise refused(mismatch.message, help=mismatch.help) from None
    if not form.preprocessor:
        raise refused("its source is no text")
    return form


def _tensors(program: Program, form: PairForm, ids: Ids) -> dict[str, Tensor]:
    model = program.parts
    return {**of_part(model.encoder, form.encoder, ids), **of_part(model.decoder, form.decoder, ids)}
