"""Language models: a Llama beside litgpt and transformers, nanoGPT's model beside a public copy and transformers."""

from __future__ import annotations

import json
from typing import Any

from generative_steps import Family
from harness.peer_packages import stand_in
from torch import Tensor
from torch.nn import functional

from families.contest import Contest, Peer, Turn
from seqspec.data.batching.batch import Batch
from seqspec.schema.types import PAD

HEADS = 4
PACKED = (
    "data.text.target.tokenizer=characters",
    "data.pack.document_mask=false",
    "data.source.synthetic=4000",
)


def llama(layers: int, dim: int, length: int, rows: int) -> Contest:
    """A Llama over characters, ``rows`` of ``length`` a step."""
    inner = 8 * dim // 3
    decoder = {
        "type": "llama", "num_layers": layers, "dim": dim, "num_heads": HEADS, "num_kv_heads": HEADS,
        "feed_forward_dim": inner, "norm_epsilon": 1e-5,
    }  # fmt: skip

    def litgpt(ours: Any) -> Peer:
        from litgpt import GPT, Config

        symbols = _symbols(ours)
        model = GPT(Config(
            name="peer", block_size=length, n_layer=layers, n_embd=dim, n_head=HEADS, n_query_groups=HEADS,
            vocab_size=symbols, padded_vocab_size=symbols, rotary_percentage=1.0, parallel_residual=False,
            bias=False, norm_class_name="RMSNorm", mlp_class_name="LLaMAMLP", intermediate_size=inner,
        ))  # fmt: skip
        return [Turn(model, lambda batch: _next_token(model(batch.source), batch))]

    def transformers(ours: Any) -> Peer:
        from transformers import LlamaConfig, LlamaForCausalLM

        model = LlamaForCausalLM(LlamaConfig(
            vocab_size=_symbols(ours), hidden_size=dim, num_hidden_layers=layers, num_attention_heads=HEADS,
            num_key_value_heads=HEADS, intermediate_size=inner, max_position_embeddings=length,
            tie_word_embeddings=False,
        ))  # fmt: skip
        return [Turn(model, lambda batch: _next_token(model(input_ids=batch.source).logits, batch))]

    sets = (
        *PACKED, f"data.pack.length={length}", f"data.batch.size={rows}",
        f"model.decoder={json.dumps(decoder)}", "model.tie=none",
    )  # fmt: skip
    return Contest(Family("lm_small_llama", sets), {"litgpt": litgpt, "transformers": transformers})


def gpt(layers: int, dim: int, length: int, rows: int) -> Contest:
    """nanoGPT's model with biases, as the copy has them, over characters."""
    decoder = {
        "num_layers": layers, "dim": dim, "num_heads": HEADS, "max_positions": length, "bias": True,
        "feed_forward_bias": True, "feed_forward_dim": 4 * dim, "activation": "gelu_tanh",
    }  # fmt: skip

    def nano_gpt(ours: Any) -> Peer:
        stand_in("tiktoken", "datasets")
        from nano_gpt.config import GPTConfig
        from nano_gpt.model import GPT

        model = GPT(
            GPTConfig(block_size=length, vocab_size=_symbols(ours), n_layer=layers, n_head=HEADS, n_embd=dim),
            tokenizer=None,
        )
        return [Turn(model, lambda batch: _next_token(model(batch.source)[0], batch))]

    def transformers(ours: Any) -> Peer:
        from transformers import GPT2Config, GPT2LMHeadModel

        model = GPT2LMHeadModel(GPT2Config(
            vocab_size=_symbols(ours), n_positions=length, n_embd=dim, n_layer=layers, n_head=HEADS,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        ))  # fmt: skip
        return [Turn(model, lambda batch: _next_token(model(input_ids=batch.source).logits, batch))]

    sets = (
        "data.source.synthetic=4000", f"data.pack.length={length}", f"data.batch.size={rows}",
        *(f"model.decoder.{name}={json.dumps(value)}" for name, value in decoder.items()),
    )  # fmt: skip
    return Contest(Family("lm_shakespeare_char", sets), {"nano-gpt": nano_gpt, "transformers": transformers})


def _symbols(ours: Any) -> int:
    return int(ours.head.weight_VD.shape[0])


def _next_token(logits_BUV: Tensor, batch: Batch) -> Tensor:
    return functional.cross_entropy(logits_BUV.flatten(0, 1), batch.target.flatten(), ignore_index=PAD)
