"""One contender of ``benchmarks/tokenize.py`` over one file: prints lines per CPU second and tokens a line as
JSON."""

import json
import os
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

# The folder of this script holds no modules that anyone should import.
sys.path.pop(0)

VOCABULARY = 8000
Run = Callable[[Sequence[str]], int]


def main() -> None:
    name, dictionary, file = sys.argv[1:4]
    lines = Path(file).read_bytes().decode().split("\n")
    run = CONTENDERS[name](lines, dictionary)
    run(lines[:200])
    start = _cpu()
    tokens = run(lines)
    seconds = _cpu() - start
    print(json.dumps({"rate": len(lines) / seconds, "tokens": tokens / len(lines)}))


def _cpu() -> float:
    """CPU seconds of this process and of those that it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def ours_spans(lines: Sequence[str], dictionary: str) -> Run:
    cut = _segmenter(dictionary)
    return lambda some: sum(len(cut.spans(line)) for line in some)


def ours_words_and_ids(lines: Sequence[str], dictionary: str) -> Run:
    """The pipeline that ``BertJapaneseTokenizer`` is: NFKC, MeCab, WordPiece from a file, ids."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(_wordpieces(lines, dictionary)))
        file.flush()
        steps = _steps(segment=_segmenter(dictionary), tokenizer={"type": "wordpiece", "vocab": file.name})
        steps.train([])
    return lambda some: sum(map(len, steps.encode_batch(some)))


def ours_raw_sentencepiece(lines: Sequence[str], dictionary: str) -> Run:
    steps = _steps(
        segment=None, tokenizer={"type": "sentencepiece", "vocab_size": VOCABULARY, "limit": "soft"}
    )
    steps.train(lines)
    return lambda some: sum(map(len, steps.encode_batch(some)))


def ours_prepare(lines: Sequence[str], dictionary: str) -> Run:
    """``data prepare`` of both sides, as a user runs it, its training of SentencePiece and its cache
    included."""
    from seqspec.compile.build.data_parts import build_data
    from seqspec.compile.pipeline import compile
    from seqspec.data.stages.prepare import prepare

    def run(some: Sequence[str]) -> int:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "train.ja").write_text("\n".join(some) + "\n", encoding="utf-8")
            spec = root / "spec.yaml"
            spec.write_text(SPEC.format(root=root, dictionary=dictionary), encoding="utf-8")
            found = prepare(build_data(compile(spec).plan), cache=root / "cache")
            return int(found.splits["train"].lengths.sum())

    return run


def fugashi_nodes(lines: Sequence[str], dictionary: str) -> Run:
    tagger = _tagger(dictionary)

    def spans(line: str) -> list[tuple[int, int]]:
        found, position = [], 0
        for node in tagger(line):
            start = position + len(node.white_space)
            position = start + len(node.surface)
            found.append((start, position))
        return found

    return lambda some: sum(len(spans(line)) for line in some)


def fugashi_wakati(lines: Sequence[str], dictionary: str) -> Run:
    tagger = _tagger(dictionary, "-Owakati")
    return lambda some: sum(len(tagger.parse(line).split(" ")) for line in some)


def transformers_tokenize(lines: Sequence[str], dictionary: str) -> Run:
    made = _bert(lines, dictionary)
    return lambda some: sum(len(made.tokenize(line)) for line in some)


def transformers_call(lines: Sequence[str], dictionary: str) -> Run:
    made = _bert(lines, dictionary)
    return lambda some: sum(len(made(line, add_special_tokens=False)["input_ids"]) for line in some)


def konoha(lines: Sequence[str], dictionary: str) -> Run:
    import fugashi

    library = next(Path(fugashi.__file__).parents[1].glob("fugashi.libs/libmecab*.so*"))
    os.environ.update(MECAB_PATH=str(library), MECAB_CHARSET="utf8", MECABRC=os.devnull)
    from konoha import WordTokenizer

    made = WordTokenizer("MeCab", system_dictionary_path=_folder(dictionary))
    return lambda some: sum(len(made.tokenize(line)) for line in some)


def datasets_map(lines: Sequence[str], dictionary: str) -> Run:
    """The steps of ``ours-prepare`` by Hugging Face datasets: SentencePiece is trained on the words, then
    ``map`` encodes them."""
    import sentencepiece
    from datasets import Dataset, disable_caching, disable_progress_bars

    disable_caching()
    disable_progress_bars()
    tagger = _tagger(dictionary, "-Owakati")

    def words(batch: dict[str, list[str]]) -> dict[str, list[str]]:
        return {"words": [tagger.parse(unicodedata.normalize("NFKC", line)) for line in batch["text"]]}

    def run(some: Sequence[str]) -> int:
        with tempfile.TemporaryDirectory() as folder:
            cut = Dataset.from_dict({"text": list(some)}).map(
                words, batched=True, cache_file_name=f"{folder}/words.arrow"
            )
            prefix = f"{folder}/model"
            options = {"vocab_size": 4000, "hard_vocab_limit": False, "num_threads": 1, "minloglevel": 2}
            trainer = sentencepiece.SentencePieceTrainer
            trainer.train(sentence_iterator=iter(cut["words"]), model_prefix=prefix, **options)
            model = sentencepiece.SentencePieceProcessor(model_file=f"{prefix}.model")

            def encode(batch: dict[str, list[str]]) -> dict[str, list[object]]:
                ids = model.encode(batch["words"])
                return {"ids": ids, "length": [len(row) for row in ids]}

            encoded = cut.map(encode, batched=True, cache_file_name=f"{folder}/ids.arrow")
            return sum(encoded["length"])

    return run


SPEC = """
seqspec: 1
name: benchmark
data:
  source: {{type: lines, root: "{root}", language: ja, splits: {{train: train.ja}}}}
  text:
    target:
      normalize: [nfkc]
      segment: {{type: mecab, dictionary: {dictionary}}}
      tokenizer: {{type: sentencepiece, vocab_size: 4000, limit: soft}}
  batch: {{unit: tokens, size: 4096}}
model:
  type: language_model
  decoder: {{type: transformer, num_layers: 1, dim: 32, num_heads: 2}}
train: {{max_steps: 10}}
evaluate: {{splits: []}}
"""


def _segmenter(dictionary: str):
    from seqspec.schema.catalogue import Catalogue
    from seqspec.schema.types import Text

    catalogue = Catalogue()
    config = catalogue.config("segmenter", "mecab").model_validate({"dictionary": dictionary})
    return catalogue.module("segmenter", "mecab")(config, Text("ja"))


def _steps(*, segment, tokenizer: dict[str, object]):
    from seqspec.data.text.text_pipeline import TextProcessor
    from seqspec.schema.catalogue import Catalogue
    from seqspec.schema.types import Text

    catalogue = Catalogue()
    kind = tokenizer.pop("type")
    config = catalogue.config("tokenizer", kind).model_validate(tokenizer)
    nfkc = catalogue.module("normalizer", "nfkc")(catalogue.config("normalizer", "nfkc")(), Text("ja"))
    made = catalogue.module("tokenizer", kind)(config, Text("ja"))
    return TextProcessor(normalizers=[nfkc], segmenter=segment, tokenizer=made)


def _tagger(dictionary: str, *options: str):
    import fugashi

    return fugashi.GenericTagger(" ".join(["-r", os.devnull, "-d", f'"{_folder(dictionary)}"', *options]))


def _folder(dictionary: str) -> str:
    if dictionary == "ipadic":
        import ipadic

        return ipadic.DICDIR
    import unidic_lite

    return unidic_lite.DICDIR


def _wordpieces(lines: Sequence[str], dictionary: str) -> list[str]:
    """A vocabulary file for both: frequent words whole, letters for the rest."""
    tagger = _tagger(dictionary, "-Owakati")
    words = Counter(
        word for line in lines for word in tagger.parse(unicodedata.normalize("NFKC", line)).split(" ")
    )
    letters = sorted({letter for word in words for letter in word})
    whole = [word for word, _ in words.most_common() if len(word) > 1]
    pieces = [*letters, *(f"##{letter}" for letter in letters), *whole]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces[: VOCABULARY - 5]]


def _bert(lines: Sequence[str], dictionary: str):
    from transformers import BertJapaneseTokenizer

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", delete=False) as file:
        file.write("\n".join(_wordpieces(lines, dictionary)))
    name = {"unidic-lite": "unidic_lite"}.get(dictionary, dictionary)
    return BertJapaneseTokenizer(
        file.name, word_tokenizer_type="mecab", do_lower_case=False, mecab_kwargs={"mecab_dic": name}
    )


CONTENDERS = {
    "ours-spans": ours_spans,
    "ours-words-and-ids": ours_words_and_ids,
    "ours-raw-sentencepiece": ours_raw_sentencepiece,
    "ours-prepare": ours_prepare,
    "fugashi-nodes": fugashi_nodes,
    "fugashi-wakati": fugashi_wakati,
    "transformers-tokenize": transformers_tokenize,
    "transformers-call": transformers_call,
    "konoha": konoha,
    "datasets-map": datasets_map,
}

if __name__ == "__main__":
    main()
