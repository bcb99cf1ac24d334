"""Our Transformer in CTranslate2's terms: which weights go where, and what it cannot run."""

# D width, V vocabulary

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqspec.components._layers.attention import Attention
from seqspec.components._layers.feed_forward import GATED
from seqspec.components._layers.positions import sinusoids
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.types import BOS, EOS, UNK

POSITIONS = 4096
"""Rows of the table of sinusoids that is written out."""
ACTIVATIONS = {
    "relu": "RELU",
    "gelu": "GELU",
    "gelu_tanh": "GELUTanh",
    "silu": "SWISH",
    "reglu": "RELU",
    "geglu": "GELU",
    "swiglu": "SWISH",
}


@torch.no_grad()
def convert(model: Any, config: Any, folder: Path, *, arithmetic: str) -> None:
    """Writes ``model`` where the engine can load it; raises ``RunError`` for what it does not know."""
    from ctranslate2.specs import TransformerSpec, common_spec

    _check(model, config)
    shape = config.encoder
    spec = TransformerSpec.from_config(
        (config.encoder.num_layers, config.decoder.num_layers),
        shape.num_heads,
        pre_norm=shape.norm == "pre",
        no_final_norm=not shape.final_norm,
        activation=getattr(common_spec.Activation, ACTIVATIONS[shape.activation]),
        ffn_glu=shape.activation in GATED,
        rms_norm=shape.norm_type == "rms",
    )
    _encoder(spec.encoder, model)
    _decoder(spec.decoder, model)
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = (str(n) for n in (BOS, EOS, UNK))
    spec.config.decoder_start_token = str(BOS)
    spec.config.add_source_bos = spec.config.add_source_eos = False
    spec.config.layer_norm_epsilon = shape.norm_epsilon
    spec.register_source_vocabulary([str(n) for n in range(len(model.embedding.weight_VD))])
    spec.register_target_vocabulary([str(n) for n in range(len(model.head.weight_VD))])
    spec.validate()
    spec.optimize(quantization=None if arithmetic == "float32" else arithmetic)
    folder.mkdir(parents=True)
    spec.save(os.fspath(folder))


def _check(model: Any, config: Any) -> None:
    parts = [getattr(config, part, None) for part in ("encoder", "decoder")]
    if None in parts:
        _refuse(f"models `{config.component[1]}`, which have no encoder and decoder")
    kinds = (config.component[1], *(part.component[1] for part in parts if part is not None))
    if kinds != ("encoder_decoder", "transformer", "transformer"):
        _refuse(f"models `{kinds[0]}` of encoder `{kinds[1]}` and decoder `{kinds[2]}`")
    if config.embedding is None or config.embedding.component[1] != "lookup" or model.tasks is not None:
        _refuse("sources other than ids that are looked up")
    if config.head.component[1] != "linear":
        _refuse(f"head `{config.head.component[1]}`")
    encoder, decoder = config.encoder, config.decoder
    shared = ("dim", "num_heads", "norm", "norm_type", "final_norm", "norm_epsilon", "activation")
    for field in shared:
        if getattr(encoder, field) != getattr(decoder, field):
            _refuse(f"an encoder and decoder that differ in `{field}`")
    for side in (encoder, decoder):
        for slot in ("feed_forward", "self_attention"):
            other = getattr(side, slot, None)
            if other is not None:
                _refuse(f"`{slot}` of type `{other.component[1]}`")
        if side.positions not in ("sinusoidal", "learned") or side.feed_forward_kernel > 1:
            _refuse(f"positions `{side.positions}` with a feed-forward kernel of {side.feed_forward_kernel}")
    if encoder.activation not in ACTIVATIONS or model.encoder.project is not None:
        _refuse(f"activation `{encoder.activation}`, or an embedding of another width than the encoder's")


def _refuse(what: str) -> None:
    raise RunError(
        f"the engine `ctranslate2` does not run {what}", exit=Exit.USAGE, help="use `--engine torch`"
    )


def _encoder(spec: Any, model: Any) -> None:
    spec.embeddings[0].weight = _array(model.embedding.weight_VD * model.embedding.scale)
    spec.scale_embeddings = False
    spec.position_encodings.encodings = _positions(model.encoder.entrance, model.encoder.layers[0])
    if model.encoder.norm is not None:
        _norm(spec.layer_norm, model.encoder.norm)
    for there, layer in zip(spec.layer, model.encoder.layers, strict=True):
        _self_attention(there.self_attention, layer)
        _feed_forward(there.ffn, layer)


def _decoder(spec: Any, model: Any) -> None:
    spec.embeddings.weight = _array(model.decoder.embedding.weight_VD * model.decoder.embedding.scale)
    spec.scale_embeddings = False
    spec.position_encodings.encodings = _positions(model.decoder.entrance, model.decoder.layers[0])
    if model.decoder.norm is not None:
        _norm(spec.layer_norm, model.decoder.norm)
    for there, layer in zip(spec.layer, model.decoder.layers, strict=True):
        _self_attention(there.self_attention, layer)
        _cross_attention(there.attention, layer)
        _feed_forward(there.ffn, layer)
    spec.projection.weight = _array(model.head.weight_VD)
    bias = model.head.bias_V
    spec.projection.bias = _array(torch.zeros(len(model.head.weight_VD)) if bias is None else bias)


def _positions(entrance: Any, layer: Any) -> np.ndarray:
    dim = layer.self_attention.query.weight.shape[0]
    if entrance.learned is not None:
        return _array(entrance.learned)
    return _array(sinusoids(0, POSITIONS, dim=dim, device=torch.device("cpu")))


def _self_attention(spec: Any, layer: Any) -> None:
    attention = layer.self_attention
    _norm(spec.layer_norm, layer.self_residual.norm)
    parts = [_query(attention), _pair(attention.key), _pair(attention.value)]
    spec.linear[0].weight = _array(torch.cat([weight for weight, _ in parts]))
    spec.linear[0].bias = _array(torch.cat([bias for _, bias in parts]))
    _linear(spec.linear[1], attention.output)


def _cross_attention(spec: Any, layer: Any) -> None:
    attention = layer.cross_attention
    _norm(spec.layer_norm, layer.cross_residual.norm)
    weight, bias = _query(attention)
    spec.linear[0].weight, spec.linear[0].bias = _array(weight), _array(bias)
    parts = [_pair(attention.key), _pair(attention.value)]
    spec.linear[1].weight = _array(torch.cat([weight for weight, _ in parts]))
    spec.linear[1].bias = _array(torch.cat([bias for _, bias in parts]))
    _linear(spec.linear[2], attention.output)


def _query(attention: Attention) -> tuple[Tensor, Tensor]:
    """The query's weight and bias, with the learned scale of its features multiplied in."""
    weight, bias = _pair(attention.query)
    if attention.scale is None:
        return weight, bias
    scale = torch.nn.functional.softplus(attention.scale).repeat(attention.num_heads) / math.log(2.0)
    return weight * scale[:, None], bias * scale


def _feed_forward(spec: Any, layer: Any) -> None:
    network = layer.feed_forward
    _norm(spec.layer_norm, layer.feed_forward_residual.norm)
    weight, bias = _pair(network.expand)
    if network.activation in GATED:
        (gate, value), (gate_bias, value_bias) = weight.chunk(2), bias.chunk(2)
        spec.linear_0.weight, spec.linear_0.bias = _array(gate), _array(gate_bias)
        spec.linear_0_noact.weight, spec.linear_0_noact.bias = _array(value), _array(value_bias)
    else:
        spec.linear_0.weight, spec.linear_0.bias = _array(weight), _array(bias)
    _linear(spec.linear_1, network.contract)


def _norm(spec: Any, norm: Any) -> None:
    spec.gamma = _array(norm.weight)
    if hasattr(norm, "bias"):
        spec.beta = _array(norm.bias)


def _linear(spec: Any, layer: Any) -> None:
    weight, bias = _pair(layer)
    spec.weight, spec.bias = _array(weight), _array(bias)


def _pair(layer: Any) -> tuple[Tensor, Tensor]:
    bias = layer.bias if layer.bias is not None else layer.weight.new_zeros(layer.weight.shape[0])
    return layer.weight, bias


def _array(x: Tensor) -> np.ndarray:
    # A copy: the library quantises in place, and would quantise the model's own weights.
    return np.array(x.detach().float().cpu().numpy(), order="C")
