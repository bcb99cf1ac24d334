"""A tiny Whisper with random weights and its tokenizer, saved by transformers in the real layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.runtime.pretrained.folders import TEXTS, _saved

LANGUAGES = ("en", "zh", "de", "ja")
TEXT_IDS = 300
PIECES = (
    "<|endoftext|>", "<|startoftranscript|>", *(f"<|{name}|>" for name in LANGUAGES), "<|translate|>",
    "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
)  # fmt: skip


def save_whisper_tokenizer(folder: Path) -> dict[str, int]:
    """Byte-level BPE, whose special pieces stand behind the others; gives all ids."""
    import transformers
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TEXT_IDS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.add_special_tokens([AddedToken(piece, special=True) for piece in PIECES])
    end = "<|endoftext|>"
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end, pad_token=end
    )
    fast.save_pretrained(folder)
    return dict(fast.get_vocab())


def save_whisper(folder: Path, **settings: Any) -> Any:
    """Whisper with 2 + 1 layers that hears a second; the pieces of prompts are in its generation settings."""
    import transformers

    ids = save_whisper_tokenizer(folder)
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    config = transformers.WhisperConfig(**{
        "vocab_size": len(ids), "d_model": 16, "encoder_layers": 2, "decoder_layers": 1,
        "encoder_attention_heads": 4, "decoder_attention_heads": 2, "encoder_ffn_dim": 24,
        "decoder_ffn_dim": 20, "num_mel_bins": 80, "max_source_positions": 50, "max_target_positions": 40,
        "pad_token_id": end, "bos_token_id": end, "eos_token_id": end, "decoder_start_token_id": start,
        "init_std": 0.3, "suppress_tokens": None, "begin_suppress_tokens": None, **settings,
    })  # fmt: skip
    transformers.WhisperFeatureExtractor(feature_size=config.num_mel_bins).save_pretrained(folder)
    model = _saved(transformers.WhisperForConditionalGeneration, config, folder)
    told = model.generation_config
    told.is_multilingual, told.no_timestamps_token_id = True, ids["<|notimestamps|>"]
    told.lang_to_id = {f"<|{name}|>": ids[f"<|{name}|>"] for name in LANGUAGES}
    told.task_to_id = {name: ids[f"<|{name}|>"] for name in ("translate", "transcribe")}
    return model
