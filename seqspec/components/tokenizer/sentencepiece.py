"""SentencePiece, trained so that the same text gives the same bytes, and wrapped so that no text is lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from io import BytesIO
from tempfile import NamedTemporaryFile
from typing import Any

from seqspec.components.tokenizer import _vocabulary
from seqspec.components.tokenizer._by_model import ByModel
from seqspec.components.tokenizer._model_file import (
    NORMALIZER,
    NORMALIZER_PREFIX,
    TRAINER,
    TRAINER_INPUT_FORMAT,
    TRAINER_SEEDS_FILE,
    without,
)
from seqspec.components.tokenizer._pieces import (
    LONGEST_LINE,
    SPACE,
    TrainingText,
    repeats,
    seeds,
    training_text,
    weighted,
)
from seqspec.components.tokenizer._sentencepiece_model import SentencepieceModel
from seqspec.schema.diagnostic import DataError
from seqspec.schema.tokenizer.sentencepiece import SentencepieceConfig
from seqspec.schema.types import BOS, EOS, PAD, UNK, Type

_SEED = 1


class Sentencepiece(ByModel[SentencepieceModel]):
    """Learns its pieces from training text; the same text gives the same bytes."""

    def __init__(self, config: SentencepieceConfig, source: Type) -> None:
        super().__init__()
        self.config = config
        self._options = _options(config)
        self._limit, self._size = config.limit, config.vocab_size
        self._seeds, self._longest = config.seeds, config.max_piece_length
        self._across_words, self._prefix_space = config.across_words, config.prefix_space
        self._max_lines = config.max_lines

    def train(self, texts: Iterable[str]) -> bytes:
        """Learn the pieces.  Raises ``DataError`` where the text cannot give a vocabulary of that size."""
        text = training_text(texts, max_lines=self._max_lines, seed=_SEED)
        try:
            artifact = self._learn(text)
        except RuntimeError as error:
            raise _explain(str(error), config=self.config, lines=text.num_lines) from None
        self.load(artifact)
        return artifact

    def _learn(self, text: TrainingText) -> bytes:
        if self._across_words or self._seeds == "library":
            return _run(text.lines, self._options)
        words = text.words(prefix_space=self._prefix_space)
        if not repeats(words):
            return _run(text.lines, self._options)
        # Every word brings its own leading space, or has none.
        options = {**self._options, "add_dummy_prefix": False, "input_format": "tsv"}
        if self.config.model == "bpe":
            model = _run(weighted(words), options)
        else:
            model = _run_from(seeds(words, longest=self._longest), weighted(words), options)
        prefix = {NORMALIZER_PREFIX} if self._prefix_space else set()
        return without(model, {TRAINER: {TRAINER_INPUT_FORMAT, TRAINER_SEEDS_FILE}, NORMALIZER: prefix})

    def load(self, artifact: bytes) -> None:
        """Take the model that ``train`` gave."""
        self._model = SentencepieceModel(artifact)

    @property
    def vocab_size(self) -> int:
        """Ids in all."""
        return self._size if self._model is None and self._limit == "hard" else self._loaded().size

    def fingerprint(self) -> dict[str, Any]:
        """Settings, the library's version and the model's hash."""
        from importlib.metadata import version

        artifact = None if self._model is None else self._model.artifact
        return {**_vocabulary.fingerprint(self.config, artifact), "library": version("sentencepiece")}


def _options(config: SentencepieceConfig) -> dict[str, Any]:
    """The library's options by its own names.  One thread and a fixed seed make training repeatable."""
    return {
        "model_type": config.model,
        "vocab_size": config.vocab_size,
        "hard_vocab_limit": config.limit == "hard",
        "character_coverage": config.character_coverage,
        "byte_fallback": config.byte_fallback,
        "normalization_rule_name": config.normalization,
        "add_dummy_prefix": config.prefix_space,
        "remove_extra_whitespaces": False,
        # Without it, a text that holds no space gives a model that decodes one as "▁".
        "required_chars": SPACE,
        "split_digits": config.split_digits,
        "max_sentencepiece_length": config.max_piece_length,
        "split_by_whitespace": not config.across_words,
        "max_sentence_length": LONGEST_LINE,
        "num_threads": 1,
        "pad_id": PAD,
        "unk_id": UNK,
        "bos_id": BOS,
        "eos_id": EOS,
        "unk_surface": "\N{REPLACEMENT CHARACTER}",
        "minloglevel": 2,
    }


def _run(lines: Iterable[str], options: Mapping[str, Any]) -> bytes:
    """Train on lines; gives the model file."""
    import sentencepiece

    model = BytesIO()
    sentencepiece.set_random_generator_seed(_SEED)
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, **options)
    return model.getvalue()


def _run_from(pieces: Iterable[tuple[str, int]], lines: Iterable[str], options: Mapping[str, Any]) -> bytes:
    """Train on lines, starting from the pieces."""
    with NamedTemporaryFile("w", encoding="utf-8", newline="\n", suffix=".tsv") as file:
        file.writelines(f"{piece}\t{count}\n" for piece, count in pieces)
        file.flush()
        return _run(lines, {**options, "seed_sentencepieces_file": file.name})


def _explain(message: str, *, config: SentencepieceConfig, lines: int) -> DataError:
    """The library's complaint in the person's words."""
    if lines == 0:
        return DataError("there is no text to train SentencePiece on", code="SQ430")
    most = re.search(r"Vocabulary size too high .*?<= (\d+)|value <= (\d+)", message)
    if most:
        number = int(next(group for group in most.groups() if group))
        text = "1 line of text holds" if lines == 1 else f"{lines} lines of text hold"
        return DataError(
            f"{text} {number} pieces at most, and `vocab_size` is {config.vocab_size}",
            help=f"set `vocab_size: {number}` or less, or `limit: soft` to take what there is; "
            "words from a segmenter leave fewer pieces than raw text",
            code="SQ430",
        )
    least = re.search(r"smaller than required_chars\. (\d+) vs (\d+)", message)
    if least:
        needed = int(least.group(2))
        bytes_help = ", set `byte_fallback: false` (256 ids)," if config.byte_fallback else ""
        return DataError(
            f"`vocab_size` is {config.vocab_size}, and letters and special ids alone are {needed}",
            help=f"set `vocab_size` above {needed}{bytes_help} or lower `character_coverage`",
            code="SQ430",
        )
    return DataError(f"SentencePiece could not be trained: {message.strip().splitlines()[-1]}", code="SQ430")
