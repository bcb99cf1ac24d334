"""joeynmt 2.3.0: Kreutzer, Bastings & Riezler (2019), "Joey NMT: A Minimalist NMT Toolkit for Novices",
arXiv:1907.12484.  Trains, then answers the file to decode.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from translation_meter import Enough, Meter, ids_of, serve


def main() -> None:
    given = json.loads(sys.argv[1])
    torch.set_num_threads(given["threads"])
    torch.manual_seed(given["seed"])
    settings = _settings(given)
    if given["mode"] == "train":
        model, data, args = _train(settings)
    else:
        model, data, args = _prepared(settings, given)
    serve(lambda: _answers(model, data, args), rule="joeynmt's own (until the beam's answers are ended)")


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    corpus, shape = Path(given["corpus"]), given["shape"]
    side = {
        "type": "transformer",
        "num_layers": shape["layers"],
        "num_heads": shape["heads"],
        "embeddings": {"embedding_dim": shape["dim"], "scale": True, "dropout": shape["dropout"]},
        "hidden_size": shape["dim"],
        "ff_size": shape["inner"],
        "dropout": shape["dropout"],
        "layer_norm": "pre",
        "activation": "relu",
    }
    return {
        "name": "bench",
        "model_dir": given["out"],
        "use_cuda": False,
        "random_seed": given["seed"],
        "data": {
            "train": str(corpus / "train"),
            "dev": str(corpus / "decode"),
            "dataset_type": "plain",
            "src": _language(corpus, "source"),
            "trg": _language(corpus, "target"),
        },
        "training": {
            "optimizer": "adam",
            "adam_betas": [0.9, 0.98],
            "learning_rate": given["rate"],
            "learning_rate_min": 1e-9,
            "learning_rate_warmup": given["warmup"],
            "scheduling": "warmupinversesquareroot",
            "clip_grad_norm": 1.0,
            "label_smoothing": 0.1,
            "normalization": "tokens",
            "batch_size": given["tokens"],
            "batch_type": "token",
            "epochs": 10**6,
            "validation_freq": 10**9,
            "logging_freq": 100,
            "print_valid_sents": [],
        },
        "testing": {
            "beam_size": given["beam"],
            "beam_alpha": 0.6,
            "batch_size": given["sentences"],
            "batch_type": "sentence",
            "max_output_length": given["longest"],
            "eval_metrics": [],
        },
        "model": {
            "initializer": "xavier_uniform",
            "embed_initializer": "xavier_uniform",
            "bias_initializer": "zeros",
            "tied_softmax": True,
            "encoder": side,
            "decoder": side,
        },
    }


def _language(corpus: Path, name: str) -> dict[str, Any]:
    return {"lang": name, "level": "word", "max_length": 128, "voc_file": str(corpus / f"{name}.vocab")}


def _train(settings: dict[str, Any]) -> Any:
    from joeynmt.config import parse_global_args
    from joeynmt.prediction import prepare
    from joeynmt.training import TrainManager

    args = parse_global_args(settings, mode="train")
    Path(args.model_dir).mkdir(parents=True, exist_ok=True)
    model, train, dev, _ = prepare(args, rank=0, mode="train")
    manager = TrainManager(
        model=model,
        rank=0,
        model_dir=args.model_dir,
        device=args.device,
        seed=args.seed,
        autocast=args.autocast,
        train_args=args.train,
        dev_args=args.test,
    )
    meter, step = Meter(), manager._train_step

    def counted(batch: Any) -> Any:
        targets = int(batch.ntokens)
        cells = batch.src.numel() + batch.trg.numel()
        meter.saw(targets=targets, real=int(batch.src_length.sum()) + targets, cells=cells)
        return step(batch)

    manager._train_step = counted
    try:
        manager.train_and_validate(train_data=train, valid_data=dev)
    except Enough:
        return model, dev, args


def _prepared(settings: dict[str, Any], given: dict[str, Any]) -> Any:
    """A model with the weights of the file."""
    from joeynmt.config import parse_global_args
    from joeynmt.prediction import prepare
    from safetensors.torch import load_file

    args = parse_global_args(settings, mode="train")
    Path(args.model_dir).mkdir(parents=True, exist_ok=True)
    model, _, dev, _ = prepare(args, rank=0, mode="train")
    _copy(model, load_file(given["weights"]), layers=given["shape"]["layers"])
    # Our sources have no end symbol, and joeynmt adds one.
    encode = dev.sequence_encoder["source"]
    dev.sequence_encoder = dev.sequence_encoder | {
        "source": lambda rows, bos, eos: encode(rows, bos=bos, eos=False)
    }
    return model, dev, args


@torch.no_grad()
def _copy(model: Any, weights: dict[str, torch.Tensor], *, layers: int) -> None:
    # Its unknown id is 0 and its padding 1.
    source, target, bias = (weights[name].clone() for name in ("source", "target", "bias"))
    for table in (source, target, bias):
        table[:2] = table[:2].flip(0)
    model.src_embed.lut.weight.copy_(source)
    model.trg_embed.lut.weight.copy_(target)
    model.decoder.output_layer.bias = torch.nn.Parameter(bias)
    for side in ("encoder", "decoder"):
        part = getattr(model, side)
        table = weights["places"]
        part.pe.pe = table[None].clone()
        _norm(part.layer_norm, weights, f"{side}.norm")
        for number in range(layers):
            _layer(part.layers[number], weights, f"{side}.{number}", cross=side == "decoder")


def _layer(layer: Any, weights: dict[str, torch.Tensor], name: str, *, cross: bool) -> None:
    own = layer.trg_trg_att if cross else layer.src_src_att
    _attention(own, weights, f"{name}.self")
    _norm(layer.x_layer_norm if cross else layer.layer_norm, weights, f"{name}.self.norm")
    if cross:
        _attention(layer.src_trg_att, weights, f"{name}.cross")
        _norm(layer.dec_layer_norm, weights, f"{name}.cross.norm")
    network = layer.feed_forward
    _norm(network.layer_norm, weights, f"{name}.up.norm")
    _linear(network.pwff_layer[0], weights, f"{name}.up")
    _linear(network.pwff_layer[3], weights, f"{name}.down")


def _attention(attention: Any, weights: dict[str, torch.Tensor], name: str) -> None:
    for part in "qkv":
        _linear(getattr(attention, f"{part}_layer"), weights, f"{name}.{part}")
    _linear(attention.output_layer, weights, f"{name}.out")


def _linear(layer: Any, weights: dict[str, torch.Tensor], name: str) -> None:
    layer.weight.copy_(weights[f"{name}.weight"])
    layer.bias.copy_(weights[f"{name}.bias"])


_norm = _linear


def _answers(model: Any, data: Any, args: Any) -> list[list[int]]:
    from joeynmt.prediction import predict

    _, _, _, decoded, _, _ = predict(
        model=model, data=data, device=args.device, n_gpu=0, args=args.test, autocast=args.autocast
    )
    return [ids_of(" ".join(word for word in words if word != "</s>")) for words in decoded]


if __name__ == "__main__":
    main()
