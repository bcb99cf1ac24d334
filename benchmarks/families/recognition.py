"""Recognisers: a Conformer with CTC, and with attention and CTC, beside ESPnet and SpeechBrain."""

# B batch, T frames, U target time, V symbols

from __future__ import annotations

import json
from typing import Any

import torch
from generative_steps import Family
from harness.peer_packages import stand_in
from torch import Tensor, nn
from torch.nn import functional

from families.contest import Contest, Peer, Turn
from seqspec.data.batching.batch import Batch
from seqspec.schema.types import BOS, EOS, PAD

BINS, HEADS, KERNEL, DROPOUT, SMOOTHING, CTC_SHARE = 80, 4, 15, 0.1, 0.1, 0.3
SECONDS = (
    "data.audio.features.num_bins=80",
    "data.batch.size=120.0",
    "data.batch.unit=seconds",
    "data.audio.augment=[]",
)


def conformer_ctc(layers: int, dim: int) -> Contest:
    """Its only loss is CTC."""

    def espnet(ours: Any) -> Peer:
        from espnet2.asr.ctc import CTC

        body, ctc = _espnet_body(layers, dim), CTC(_states_to_symbols(ours.head), dim)

        def loss(batch: Batch) -> Tensor:
            states, lengths, _ = body(batch.source, batch.source_lengths)
            found: Tensor = ctc(states, lengths, batch.target, batch.target_lengths)
            return found

        return [Turn(nn.ModuleList([body, ctc]), loss)]

    def speechbrain(ours: Any) -> Peer:
        front, body = _speechbrain(layers, 0, dim, symbols=10)
        head = nn.Linear(dim, _states_to_symbols(ours.head))

        def loss(batch: Batch) -> Tensor:
            states = body.encode(front(batch.source), _shares(batch))
            return _ctc(head(states), batch)

        return [Turn(nn.ModuleList([front, body, head]), loss)]

    sets = (*SECONDS, f"model.encoder={json.dumps(_encoder(layers, dim))}")
    return Contest(Family("asr_librispeech_ctc", sets), {"espnet": espnet, "speechbrain": speechbrain})


def conformer_attention(layers: int, dim: int, decoder_layers: int) -> Contest:
    """Attention over characters with label smoothing, and CTC beside it."""

    def espnet(ours: Any) -> Peer:
        from espnet2.asr.ctc import CTC
        from espnet2.asr.decoder.transformer_decoder import TransformerDecoder
        from espnet2.asr.espnet_model import ESPnetASRModel

        symbols = _states_to_symbols(ours.head)
        decoder = TransformerDecoder(
            symbols, dim, attention_heads=HEADS, linear_units=4 * dim, num_blocks=decoder_layers,
            dropout_rate=DROPOUT, positional_dropout_rate=DROPOUT,
        )  # fmt: skip
        model = ESPnetASRModel(
            vocab_size=symbols, token_list=[str(one) for one in range(symbols)], frontend=None, specaug=None,
            normalize=None, preencoder=None, encoder=_espnet_body(layers, dim), postencoder=None,
            decoder=decoder, ctc=CTC(symbols, dim), joint_network=None, ctc_weight=CTC_SHARE,
            lsm_weight=SMOOTHING, report_cer=False, report_wer=False,
        )  # fmt: skip

        def loss(batch: Batch) -> Tensor:
            target = batch.target.masked_fill(batch.target == PAD, -1)
            found: Tensor = model(batch.source, batch.source_lengths, target, batch.target_lengths)[0]
            return found

        return [Turn(model, loss)]

    def speechbrain(ours: Any) -> Peer:
        symbols = _states_to_symbols(ours.head)
        front, body = _speechbrain(layers, decoder_layers, dim, symbols=symbols)
        head, ctc = nn.Linear(dim, symbols), nn.Linear(dim, symbols)

        def loss(batch: Batch) -> Tensor:
            assert batch.target_lengths is not None
            begun = functional.pad(batch.target, (1, 0), value=BOS)
            ended = functional.pad(batch.target, (0, 1), value=PAD)
            ended[torch.arange(len(ended)), batch.target_lengths] = EOS
            states, decoded = body(front(batch.source), begun, _shares(batch), pad_idx=PAD)
            spoken = functional.cross_entropy(
                head(decoded).flatten(0, 1), ended.flatten(), ignore_index=PAD, label_smoothing=SMOOTHING
            )
            return (1 - CTC_SHARE) * spoken + CTC_SHARE * _ctc(ctc(states), batch)

        return [Turn(nn.ModuleList([front, body, head, ctc]), loss)]

    decoder = {
        "type": "transformer", "num_layers": decoder_layers, "num_heads": HEADS, "feed_forward_dim": 4 * dim,
        "dropout": DROPOUT,
    }  # fmt: skip
    sets = (
        *SECONDS, "data.batch.buckets=auto", "data.batch.sizes=null", "data.text.target.tokenizer=characters",
        f"model.encoder={json.dumps(_encoder(layers, dim))}", f"model.decoder={json.dumps(decoder)}",
        f"losses.attention.weight={1 - CTC_SHARE}", f"losses.attention.label_smoothing={SMOOTHING}",
        f"losses.ctc.weight={CTC_SHARE}", "train.l2=0.0", "train.zero_above_norm=null",
    )  # fmt: skip
    return Contest(Family("asr_librispeech", sets), {"espnet": espnet, "speechbrain": speechbrain})


def _encoder(layers: int, dim: int) -> dict[str, Any]:
    return {
        "type": "conformer", "num_layers": layers, "dim": dim, "num_heads": HEADS, "feed_forward_dim": 4 * dim,
        "kernel": KERNEL, "dropout": DROPOUT,
    }  # fmt: skip


def _espnet_body(layers: int, dim: int) -> Any:
    from espnet2.asr.encoder.conformer_encoder import ConformerEncoder

    return ConformerEncoder(
        BINS, output_size=dim, attention_heads=HEADS, linear_units=4 * dim, num_blocks=layers,
        dropout_rate=DROPOUT, positional_dropout_rate=DROPOUT, macaron_style=True, rel_pos_type="latest",
        cnn_module_kernel=KERNEL,
    )  # fmt: skip


def _speechbrain(layers: int, decoder_layers: int, dim: int, *, symbols: int) -> tuple[nn.Module, Any]:
    """Two convolutions of ``dim`` channels that quarter time, as ours and ESPnet's have, and the rest."""
    stand_in("torchaudio")
    from speechbrain.lobes.models.convolution import ConvolutionFrontEnd
    from speechbrain.lobes.models.transformer.TransformerASR import TransformerASR

    front = ConvolutionFrontEnd(
        input_shape=(8, 100, BINS), num_blocks=2, num_layers_per_block=1, out_channels=[dim, dim],
        kernel_sizes=[3, 3], strides=[2, 2], residuals=[False, False], norm=None, activation=nn.ReLU, dropout=0.0,
    )  # fmt: skip
    body = TransformerASR(
        tgt_vocab=symbols, input_size=dim * BINS // 4, d_model=dim, nhead=HEADS, num_encoder_layers=layers,
        num_decoder_layers=decoder_layers, d_ffn=4 * dim, dropout=DROPOUT, activation=nn.GELU,
        encoder_module="conformer", kernel_size=KERNEL, attention_type="RelPosMHAXL", normalize_before=True,
        causal=False,
    )  # fmt: skip
    return front, body


def _shares(batch: Batch) -> Tensor:
    """Lengths as SpeechBrain has them: of the longest."""
    assert batch.source is not None
    assert batch.source_lengths is not None
    return batch.source_lengths / batch.source.shape[1]


def _ctc(logits_BTV: Tensor, batch: Batch) -> Tensor:
    lengths = (_shares(batch) * logits_BTV.shape[1]).round().long()
    log_probs_TBV = logits_BTV.log_softmax(-1).transpose(0, 1)
    return functional.ctc_loss(
        log_probs_TBV, batch.target, lengths, batch.target_lengths, zero_infinity=True
    )  # fmt: skip


def _states_to_symbols(head: Any) -> int:
    return int(head.weight_VD.shape[0])
