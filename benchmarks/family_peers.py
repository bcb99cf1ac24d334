"""What a training step of a language model and of a recogniser costs, beside public implementations of the same model.

    pip install --no-deps --target FOLDER litgpt espnet typeguard
    PYTHONPATH=FOLDER python benchmarks/family_peers.py [--families language_model conformer_ctc] [--rounds 5]

``language_model``: a Llama of 4 layers of 128 over characters, 12 rows of 64 a step, as nanoGPT trains on a processor;
``language_model_wide``: 6 layers of 256, 4 rows of 256.  Peers: litgpt's ``GPT`` and transformers' ``LlamaForCausalLM``.
``conformer_ctc``: a Conformer of 4 blocks of 144 over 80 bins, with CTC.  Peer: ESPnet's ``ConformerEncoder`` with the
same CTC of torch.  SpeechBrain and timm cannot be imported without torchaudio and torchvision.

``seqspec`` is what ``seqspec run`` does between its first checkpoint and its last; ``plain`` the same model in a loop by
hand; each peer its own model in that loop over the same batches, which lie in memory: AdamW in one fused kernel, one
rate, gradients clipped to norm 1.  One process and one thread, contenders in alternating order, CPU seconds of an
update, medians of the rounds.  Prints a JSON line a family.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parent))

from generative_steps import Family, assembled_of, in_turns, loop_of, run_of, stream_of

from seqspec.data.batching.batch import Batch
from seqspec.runtime.devices.machine import keep_freed_memory
from seqspec.schema.types import PAD

Step = Callable[[Batch], Tensor]
"""The loss of a batch."""


@dataclass(frozen=True)
class Contest:
    """Our spec, and the peers that train the same model."""

    ours: Family
    peers: dict[str, Callable[[int], tuple[nn.Module, Step]]]
    """Each takes the number of symbols."""


def _language_model(layers: int, dim: int, length: int, rows: int) -> Contest:
    heads, inner = 4, 8 * dim // 3
    decoder = {
        "type": "llama", "num_layers": layers, "dim": dim, "num_heads": heads, "num_kv_heads": heads,
        "feed_forward_dim": inner, "norm_epsilon": 1e-5,
    }  # fmt: skip

    def litgpt(symbols: int) -> tuple[nn.Module, Step]:
        from litgpt import GPT, Config

        model = GPT(Config(
            name="peer", block_size=length, n_layer=layers, n_embd=dim, n_head=heads, n_query_groups=heads,
            vocab_size=symbols, padded_vocab_size=symbols, rotary_percentage=1.0, parallel_residual=False,
            bias=False, norm_class_name="RMSNorm", mlp_class_name="LLaMAMLP", intermediate_size=inner,
        ))  # fmt: skip
        return model, lambda batch: _next_token(model(batch.source), batch)

    def transformers(symbols: int) -> tuple[nn.Module, Step]:
        from transformers import LlamaConfig, LlamaForCausalLM

        model = LlamaForCausalLM(LlamaConfig(
            vocab_size=symbols, hidden_size=dim, num_hidden_layers=layers, num_attention_heads=heads,
            num_key_value_heads=heads, intermediate_size=inner, max_position_embeddings=length,
            tie_word_embeddings=False,
        ))  # fmt: skip
        return model, lambda batch: _next_token(model(input_ids=batch.source).logits, batch)

    sets = (
        f"data.pack.length={length}", "data.source.synthetic=4000", f"data.batch.size={rows}",
        "data.text.target.tokenizer=characters", "data.pack.document_mask=false",
        f"model.decoder={json.dumps(decoder)}", "model.tie=none",
    )  # fmt: skip
    return Contest(Family("lm_small_llama", sets), {"litgpt": litgpt, "transformers": transformers})


def _next_token(logits_BUV: Tensor, batch: Batch) -> Tensor:
    return functional.cross_entropy(logits_BUV.flatten(0, 1), batch.target.flatten(), ignore_index=PAD)


def _conformer(layers: int, dim: int) -> Contest:
    heads, kernel = 4, 15
    encoder = {
        "type": "conformer", "num_layers": layers, "dim": dim, "num_heads": heads, "feed_forward_dim": 4 * dim,
        "kernel": kernel, "dropout": 0.1,
    }  # fmt: skip

    def espnet(symbols: int) -> tuple[nn.Module, Step]:
        from espnet2.asr.ctc import CTC
        from espnet2.asr.encoder.conformer_encoder import ConformerEncoder

        body = ConformerEncoder(
            80, output_size=dim, attention_heads=heads, linear_units=4 * dim, num_blocks=layers,
            dropout_rate=0.1, positional_dropout_rate=0.1, macaron_style=True, rel_pos_type="latest",
            cnn_module_kernel=kernel,
        )  # fmt: skip
        ctc = CTC(symbols, dim)

        def loss(batch: Batch) -> Tensor:
            states, lengths, _ = body(batch.source, batch.source_lengths)
            found: Tensor = ctc(states, lengths, batch.target, batch.target_lengths)
            return found

        return nn.ModuleList([body, ctc]), loss

    sets = (
        "data.audio.features.num_bins=80", "data.batch.size=120.0", "data.audio.augment=[]",
        f"model.encoder={json.dumps(encoder)}",
    )  # fmt: skip
    return Contest(Family("asr_librispeech_ctc", sets), {"espnet": espnet})


CONTESTS = {
    "language_model": _language_model(4, 128, 64, 12),
    "language_model_wide": _language_model(6, 256, 256, 4),
    "conformer_ctc": _conformer(4, 144),
}


def main() -> None:
    """Prints a JSON line a family."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", nargs="+", choices=CONTESTS, default=list(CONTESTS))
    parser.add_argument("--steps", type=int, default=12, help="training steps of a round")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    for name in given.families:
        print(json.dumps(_compared(name, steps=given.steps, rounds=given.rounds)), flush=True)


def _compared(name: str, *, steps: int, rounds: int) -> dict[str, Any]:
    contest = CONTESTS[name]
    ours, plain = (assembled_of(contest.ours, steps=steps) for _ in range(2))
    held = list(stream_of(plain))
    symbols = plain.program.model.head.weight_VD.shape[0]
    peers = {peer: make(symbols) for peer, make in contest.peers.items()}
    contenders: dict[str, Callable[[], float]] = {
        "seqspec": lambda: run_of(ours),
        "plain": lambda: loop_of(plain, held),
    }
    for peer, (model, step) in peers.items():
        contenders[peer] = lambda model=model, step=step: _peer(model, step, held)  # type: ignore[misc]
    taken = in_turns(contenders, rounds)
    return {
        "family": name,
        "parameters": {"seqspec": ours.program.num_parameters}
        | {peer: sum(one.numel() for one in model.parameters()) for peer, (model, _) in peers.items()},
        "milliseconds": {which: round(1000 * value, 1) for which, value in taken.items()},
        "speed": {which: round(value / taken["seqspec"], 3) for which, value in taken.items()},
    }


def _peer(model: nn.Module, step: Step, batches: list[Batch]) -> float:
    """CPU seconds of an update, the first and the last left out."""
    weights = list(model.train().parameters())
    optimizer = torch.optim.AdamW(weights, lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    begun: list[float] = []
    for batch in batches:
        begun.append(time.process_time())
        step(batch).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return (begun[-1] - begun[1]) / (len(begun) - 2)


if __name__ == "__main__":
    main()
