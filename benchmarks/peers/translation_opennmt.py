"""OpenNMT-py 3.5.1: Klein et al. (2017), "OpenNMT: Open-Source Toolkit for Neural Machine Translation",
arXiv:1701.02810.  Trains with its own trainer, then answers the file to decode with its own translator.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

# Its translator loads its own checkpoint with torch.load, which refuses pickled settings by default.
os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
warnings.simplefilter("ignore")

import torch  # noqa: E402
from translation_meter import Enough, Meter, ids_of, serve  # noqa: E402


def main() -> None:
    given = json.loads(sys.argv[1])
    torch.set_num_threads(given["threads"])
    model = str(Path(given["out"]) / "model.pt")
    Path(given["out"]).mkdir(parents=True, exist_ok=True)
    saver = _train(given, meter=given["mode"] == "train")
    if given["mode"] == "decode":
        from safetensors.torch import load_file

        _copy(saver.model, load_file(given["weights"]), layers=given["shape"]["layers"])
    path = saver._save(1, saver.model)
    os.replace(path[0] if isinstance(path, tuple) else path, model)
    serve(_translator(given, model), rule="OpenNMT-py's own (the best ended answer is above every open one)")


def _options(given: dict[str, Any]) -> list[str]:
    corpus, shape = Path(given["corpus"]), given["shape"]
    width = str(shape["dim"])
    # Noam's curve with its factor chosen such that the peak is the rate that is asked for.
    factor = given["rate"] * (shape["dim"] * given["warmup"]) ** 0.5
    data = {"corpus": {"path_src": str(corpus / "train.source"), "path_tgt": str(corpus / "train.target")}}
    pairs = {
        "config": _write(Path(given["out"]) / "data.yaml", {"data": data}),
        "src_vocab": corpus / "source.vocab.whole",
        "tgt_vocab": corpus / "target.vocab.whole",
        "src_vocab_size": 10**6,
        "tgt_vocab_size": 10**6,
        "vocab_size_multiple": 1,
        "save_model": Path(given["out"]) / "run",
        "save_checkpoint_steps": 10**9,
        "train_steps": 10**8,
        "valid_steps": 10**9,
        "report_every": 50,
        "encoder_type": "transformer",
        "decoder_type": "transformer",
        "layers": shape["layers"],
        "heads": shape["heads"],
        "hidden_size": width,
        "word_vec_size": width,
        "transformer_ff": shape["inner"],
        "dropout": shape["dropout"],
        "attention_dropout": 0.0,
        "position_encoding_type": "SinusoidalConcat",
        "param_init": 0,
        "label_smoothing": 0.1,
        "optim": "adam",
        "adam_beta1": 0.9,
        "adam_beta2": 0.98,
        "learning_rate": factor,
        "warmup_steps": given["warmup"],
        "decay_method": "noam",
        "max_grad_norm": 1.0,
        "normalization": "tokens",
        "batch_type": "tokens",
        "batch_size": given["tokens"],
        # One bucket an epoch: its default would read this corpus several times before the first step.
        "bucket_size": len((corpus / "train.source").read_text().splitlines()),
        "num_workers": 0,
        "seed": given["seed"],
    }
    flags = ["-position_encoding", "-param_init_glorot", "-share_decoder_embeddings", "-add_qkvbias"]
    return [text for key, value in pairs.items() for text in (f"-{key}", str(value))] + flags


def _write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def _train(given: dict[str, Any], *, meter: bool) -> Any:
    """Trains until the parent has seen enough, or not at all; gives what saves the model."""
    from onmt import train_single, trainer
    from onmt.bin import train

    kept: list[Any] = []
    build, step = train_single.build_trainer, trainer.Trainer._gradient_accumulation
    counter = Meter() if meter else None

    def building(*args: Any, **kwargs: Any) -> Any:
        kept.append(kwargs["model_saver"])
        if counter is None:
            raise Enough
        return build(*args, **kwargs)

    def counted(self: Any, batches: Any, *args: Any) -> Any:
        assert counter is not None
        for batch in batches:
            targets = int(batch["tgt"][:, 1:, 0].ne(0).sum())
            cells = batch["src"].numel() + batch["tgt"].numel() - len(batch["tgt"])
            counter.saw(targets=targets, real=int(batch["srclen"].sum()) + targets, cells=cells)
        return step(self, batches, *args)

    train_single.build_trainer = building
    trainer.Trainer._gradient_accumulation = counted
    try:
        train.train(train._get_parser().parse_args(_options(given)))
    except Enough:
        return kept[0]


def _translator(given: dict[str, Any], model: str) -> Any:
    from onmt.bin import translate
    from onmt.inference_engine import InferenceEnginePY
    from onmt.utils.parse import ArgumentParser

    pairs = {
        "model": model,
        "src": Path(given["corpus"]) / "decode.source",
        "output": Path(given["out"]) / "answers",
        "beam_size": given["beam"],
        "batch_size": given["sentences"],
        "batch_type": "sents",
        "max_length": given["longest"],
        "length_penalty": "wu",
        "alpha": 0.6,
        "gpu": -1,
    }
    words = [text for key, value in pairs.items() for text in (f"-{key}", str(value))]
    options = translate._get_parser().parse_args(words)
    ArgumentParser.validate_translate_opts(options)
    ArgumentParser._get_all_transform_translate(options)
    ArgumentParser._validate_transforms_opts(options)
    ArgumentParser.validate_translate_opts_dynamic(options)
    engine = InferenceEnginePY(options)

    def run() -> list[list[int]]:
        _, answers = engine.infer_file()
        return [ids_of(best[0]) for best in answers]

    return run


@torch.no_grad()
def _copy(model: Any, weights: dict[str, torch.Tensor], *, layers: int) -> None:
    model.encoder.embeddings.word_lut.weight.copy_(weights["source"])
    model.decoder.embeddings.word_lut.weight.copy_(weights["target"])
    model.generator.bias.copy_(weights["bias"])
    for side in ("encoder", "decoder"):
        part = getattr(model, side)
        table = weights["places"]
        part.embeddings.make_embedding.pe.pe[: len(table)] = table[:, None]
        _linear(part.layer_norm, weights, f"{side}.norm")
        for number in range(layers):
            layers_of = part.transformer if side == "encoder" else part.transformer_layers
            _layer(layers_of[number], weights, f"{side}.{number}", cross=side == "decoder")


def _layer(layer: Any, weights: dict[str, torch.Tensor], name: str, *, cross: bool) -> None:
    _attention(layer.self_attn, weights, f"{name}.self")
    _linear(layer.layer_norm_1 if cross else layer.layer_norm, weights, f"{name}.self.norm")
    if cross:
        _attention(layer.context_attn, weights, f"{name}.cross")
        _linear(layer.layer_norm_2, weights, f"{name}.cross.norm")
    network = layer.feed_forward
    _linear(network.layer_norm, weights, f"{name}.up.norm")
    _linear(network.w_1, weights, f"{name}.up")
    _linear(network.w_2, weights, f"{name}.down")


def _attention(attention: Any, weights: dict[str, torch.Tensor], name: str) -> None:
    for part, theirs in (("q", "query"), ("k", "keys"), ("v", "values")):
        _linear(getattr(attention, f"linear_{theirs}"), weights, f"{name}.{part}")
    _linear(attention.final_linear, weights, f"{name}.out")


def _linear(layer: Any, weights: dict[str, torch.Tensor], name: str) -> None:
    layer.weight.copy_(weights[f"{name}.weight"])
    if layer.bias is not None:
        layer.bias.copy_(weights[f"{name}.bias"])
    else:
        layer.bias = torch.nn.Parameter(weights[f"{name}.bias"])


if __name__ == "__main__":
    main()
