"""Tiny models with random weights, saved by transformers in the real layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "then",
    "it",
    "saw",
    "two",
    "dogs",
    "near",
    "old",
    "trees",
    "while",
    "rain",
    "fell",
    "over",
    "hills",
]
TEXTS = [" ".join(WORDS[i % 19] for i in range(n, n + 5 + n % 4)) for n in range(40)]


def write_texts(folder: Path) -> Path:
    """A corpus of plain lines."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text("\n".join(TEXTS) + "\n")
    return folder


def save_tokenizer(folder: Path, *, special: tuple[str, ...]) -> int:
    """A byte-level BPE of our texts; gives its size.  The first special piece is the beginning, the last the end."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=list(special), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator(TEXTS, trainer)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=special[0], eos_token=special[-1]
    )
    fast.save_pretrained(folder)
    return len(fast)


def save_llama(folder: Path, **settings: Any) -> Any:
    """A Llama that others might have trained, with a few rows more than its tokenizer has pieces."""
    import transformers

    size = save_tokenizer(folder, special=("<s>", "</s>"))
    config = transformers.LlamaConfig(**{
        "vocab_size": size + 5, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "bos_token_id": 0, "eos_token_id": 1,
        "initializer_range": 0.3, **settings,
    })  # fmt: skip
    return _saved(transformers.LlamaForCausalLM, config, folder)


def save_gpt2(folder: Path, **settings: Any) -> Any:
    """A GPT-2, whose texts begin and end with the same piece."""
    import transformers

    size = save_tokenizer(folder, special=("<|endoftext|>",))
    config = transformers.GPT2Config(**{
        "vocab_size": size, "n_positions": 48, "n_embd": 16, "n_layer": 2, "n_head": 4, "bos_token_id": 0,
        "eos_token_id": 0, "initializer_range": 0.3, **settings,
    })  # fmt: skip
    return _saved(transformers.GPT2LMHeadModel, config, folder)


def _saved(cls: Any, config: Any, folder: Path) -> Any:
    torch.manual_seed(1)
    model = cls(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    return model


def save_wav2vec2(folder: Path, *, kind: str = "Wav2Vec2", **settings: Any) -> Any:
    """wav2vec 2.0 (or HuBERT, WavLM) with a CTC head of some other language's letters."""
    import transformers

    config = getattr(transformers, f"{kind}Config")(**{
        "vocab_size": 9, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 40, "conv_dim": [8, 8, 10], "conv_kernel": [10, 8, 8], "conv_stride": [8, 8, 5],
        "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4, "initializer_range": 0.3, **settings,
    })  # fmt: skip
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True, sampling_rate=16_000).save_pretrained(folder)
    return _saved(getattr(transformers, f"{kind}ForCTC"), config, folder)


JAPANESE = ["東京に行きます。", "私は日本語を話す。", "ＡＢＣと 東京タワー。", "英国に行く　つもりです。"]
_PIECES = [
    "東京",
    "に",
    "行き",
    "ます",
    "。",
    "日本",
    "語",
    "英",
    "##国",
    "私",
    "は",
    "を",
    "話す",
    "です",
    "##タワー",
    "abc",
    "A",
    "##B",
    "##C",
    "と",
    "行く",
    "つもり",
]


def save_bert(folder: Path, *, cls: str = "BertForMaskedLM", **settings: Any) -> Any:
    """A Japanese BERT, whose words MeCab finds, with its softmax or another head."""
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_PIECES]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    transformers.BertJapaneseTokenizer(
        str(folder / "vocab.txt"), word_tokenizer_type="mecab", mecab_kwargs={"mecab_dic": "unidic_lite"}
    ).save_pretrained(folder)
    config = transformers.BertConfig(**{
        "vocab_size": len(pieces), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 24, "max_position_embeddings": 32, "initializer_range": 0.3, **settings,
    })  # fmt: skip
    return _saved(getattr(transformers, cls), config, folder)


def save_t5(folder: Path, *, untied: bool = False, **settings: Any) -> Any:
    """A T5 whose heads are wider than their share; ``untied``: with a softmax of its own, as version 1.1."""
    import transformers

    size = save_tokenizer(folder, special=("<pad>", "</s>"))
    config = transformers.T5Config(**{
        "vocab_size": size + 3, "d_model": 16, "d_kv": 6, "d_ff": 24, "num_layers": 2, "num_heads": 4,
        "num_decoder_layers": 1, "decoder_start_token_id": 0, "initializer_factor": 0.5, **settings,
    })  # fmt: skip
    torch.manual_seed(1)
    model = transformers.T5ForConditionalGeneration(config).eval()
    with torch.no_grad():
        if untied:
            model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
            model.config.tie_word_embeddings = False
        for name, parameter in model.named_parameters():
            if "relative" in name or "norm" in name:
                parameter.add_(torch.randn_like(parameter))
    model.save_pretrained(folder)
    return model


def save_pair(folder: Path, *, kind: str, **settings: Any) -> Any:
    """A Marian, Pegasus or M2M-100 (NLLB), whose softmax has offsets where such folders have them."""
    import transformers

    size = save_tokenizer(folder, special=("<s>", "<pad>", "</s>"))
    config, cls = {
        "marian": (transformers.MarianConfig, transformers.MarianMTModel),
        "pegasus": (transformers.PegasusConfig, transformers.PegasusForConditionalGeneration),
        "m2m_100": (transformers.M2M100Config, transformers.M2M100ForConditionalGeneration),
    }[kind]
    model = _saved(cls, config(**{
        "vocab_size": size, "d_model": 16, "encoder_layers": 2, "decoder_layers": 1, "init_std": 0.3,
        "encoder_attention_heads": 4, "decoder_attention_heads": 2, "encoder_ffn_dim": 24,
        "decoder_ffn_dim": 20, "max_position_embeddings": 40, "scale_embedding": True, "pad_token_id": 1,
        "eos_token_id": 2, "bos_token_id": 0, "forced_eos_token_id": None,
        "decoder_start_token_id": 2 if kind == "m2m_100" else 1, **settings,
    }), folder)  # fmt: skip
    if kind != "m2m_100":
        with torch.no_grad():
            model.final_logits_bias.normal_(std=0.3)
        model.save_pretrained(folder)
    return model


def save_modernbert(folder: Path, **settings: Any) -> Any:
    """A ModernBERT whose windows are much shorter than its inputs, with its softmax."""
    import transformers

    size = save_tokenizer(folder, special=("[CLS]", "[PAD]", "[SEP]"))
    config = transformers.ModernBertConfig(**{
        "vocab_size": size + 2, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 4,
        "num_attention_heads": 2, "local_attention": 14, "max_position_embeddings": 96, "pad_token_id": 1,
        "cls_token_id": 0, "bos_token_id": 0, "sep_token_id": 2, "eos_token_id": 2, "initializer_range": 0.3,
        **settings,
    })  # fmt: skip
    return _saved(transformers.ModernBertForMaskedLM, config, folder)
