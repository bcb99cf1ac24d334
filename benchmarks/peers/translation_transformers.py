"""Hugging Face transformers 5: its Trainer over ``MarianMTModel`` (Junczys-Dowmunt et al. 2018, arXiv:1804.00344),
grouped by length, and ``generate``.

Marian there is post-norm only.  Weights of ours are therefore run by ``PegasusForConditionalGeneration``, the
same Transformer with the norm before each block.
"""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import torch  # noqa: E402
from translation_meter import Enough, Meter, ids_of, serve  # noqa: E402


def main() -> None:
    given = json.loads(sys.argv[1])
    torch.set_num_threads(given["threads"])
    torch.manual_seed(given["seed"])
    model = _train(given) if given["mode"] == "train" else _with_weights(given)
    serve(_answering(model.eval(), given), rule="after 5 ended answers (`early_stopping=True`)")


def _shape(given: dict[str, Any]) -> dict[str, Any]:
    shape = given["shape"]
    return {
        "vocab_size": shape["target"],
        "d_model": shape["dim"],
        "max_position_embeddings": 512,
        "encoder_layers": shape["layers"],
        "decoder_layers": shape["layers"],
        "encoder_attention_heads": shape["heads"],
        "decoder_attention_heads": shape["heads"],
        "encoder_ffn_dim": shape["inner"],
        "decoder_ffn_dim": shape["inner"],
        "activation_function": "relu",
        "dropout": shape["dropout"],
        "scale_embedding": True,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "forced_eos_token_id": None,
        "decoder_start_token_id": 2,
    }


def _train(given: dict[str, Any]) -> Any:
    from transformers import MarianConfig, MarianMTModel, Trainer, TrainingArguments

    shape = _shape(given) | {"vocab_size": given["shape"]["source"]}
    config = MarianConfig(
        **shape, decoder_vocab_size=given["shape"]["target"], share_encoder_decoder_embeddings=False
    )
    model = MarianMTModel(config)
    rows = _rows(Path(given["corpus"]))
    longest = [max(len(row["input_ids"]), len(row["labels"])) for row in rows]
    settings = TrainingArguments(
        output_dir=given["out"],
        use_cpu=True,
        seed=given["seed"],
        max_steps=10**6,
        per_device_train_batch_size=round(given["tokens"] * len(rows) / sum(longest)),
        train_sampling_strategy="group_by_length",
        learning_rate=given["rate"],
        lr_scheduler_type="inverse_sqrt",
        warmup_steps=given["warmup"],
        adam_beta2=0.98,
        weight_decay=0.0,
        max_grad_norm=1.0,
        label_smoothing_factor=0.1,
        save_strategy="no",
        logging_steps=50,
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    meter = Meter()
    trainer = Trainer(model, settings, data_collator=lambda batch: _collate(batch, meter), train_dataset=rows)
    with contextlib.suppress(Enough):
        trainer.train()
    return model


def _rows(corpus: Path) -> list[dict[str, list[int]]]:
    files = [(corpus / f"train.{side}").read_text().splitlines() for side in ("source", "target")]
    return [
        {"input_ids": ids_of(source), "labels": [*ids_of(target), 3]}
        for source, target in zip(*files, strict=True)
    ]


def _collate(rows: list[dict[str, Any]], meter: Meter) -> dict[str, torch.Tensor]:
    source = _padded([row["input_ids"] for row in rows], 0)
    labels = _padded([row["labels"] for row in rows], -100)
    inputs = torch.nn.functional.pad(labels[:, :-1], (1, 0), value=2).masked_fill(labels == -100, 0)
    targets = int((labels != -100).sum())
    meter.saw(targets=targets, real=int((source != 0).sum()) + targets, cells=source.numel() + labels.numel())
    return {
        "input_ids": source,
        "attention_mask": (source != 0).long(),
        "labels": labels,
        "decoder_input_ids": inputs,
    }


def _padded(rows: list[list[int]], value: int) -> torch.Tensor:
    tensors = [torch.tensor(row) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=value)


def _answering(model: Any, given: dict[str, Any]) -> Any:
    sources = [ids_of(line) for line in (Path(given["corpus"]) / "decode.source").read_text().splitlines()]
    size = given["sentences"]

    def run() -> list[list[int]]:
        found: list[list[int]] = []
        for start in range(0, len(sources), size):
            ids = _padded(sources[start : start + size], 0)
            written = model.generate(
                input_ids=ids,
                attention_mask=(ids != 0).long(),
                num_beams=given["beam"],
                max_new_tokens=given["longest"],
                early_stopping=True,
                do_sample=False,
            )
            found += [[id for id in row if id > 3 or id == 1] for row in written.tolist()]
        return found

    return run


@torch.no_grad()
def _with_weights(given: dict[str, Any]) -> Any:
    from safetensors.torch import load_file
    from transformers import PegasusConfig, PegasusForConditionalGeneration

    weights = load_file(given["weights"])
    model = PegasusForConditionalGeneration(PegasusConfig(**_shape(given), tie_word_embeddings=False))
    body = model.model
    body.encoder.embed_tokens = torch.nn.Embedding(*weights["source"].shape)
    body.encoder.embed_tokens.weight.copy_(weights["source"])
    body.decoder.embed_tokens.weight.copy_(weights["target"])
    model.lm_head.weight.copy_(weights["target"])
    model.final_logits_bias = weights["bias"][None]
    for side in ("encoder", "decoder"):
        part = getattr(body, side)
        part.embed_positions.weight.copy_(weights["places"][:512])
        _linear(part.layer_norm, weights, f"{side}.norm")
        for number, layer in enumerate(part.layers):
            _layer(layer, weights, f"{side}.{number}", cross=side == "decoder")
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-6
    return model


def _layer(layer: Any, weights: dict[str, torch.Tensor], name: str, *, cross: bool) -> None:
    _attention(layer.self_attn, weights, f"{name}.self")
    _linear(layer.self_attn_layer_norm, weights, f"{name}.self.norm")
    if cross:
        _attention(layer.encoder_attn, weights, f"{name}.cross")
        _linear(layer.encoder_attn_layer_norm, weights, f"{name}.cross.norm")
    _linear(layer.final_layer_norm, weights, f"{name}.up.norm")
    _linear(layer.fc1, weights, f"{name}.up")
    _linear(layer.fc2, weights, f"{name}.down")


def _attention(attention: Any, weights: dict[str, torch.Tensor], name: str) -> None:
    for part in ("q", "k", "v", "out"):
        _linear(getattr(attention, f"{part}_proj"), weights, f"{name}.{part}")


def _linear(layer: Any, weights: dict[str, torch.Tensor], name: str) -> None:
    layer.weight.copy_(weights[f"{name}.weight"])
    layer.bias.copy_(weights[f"{name}.bias"])


if __name__ == "__main__":
    main()
