import json
import pickle

import pytest

from seqspec.components.tokenizer.hf import Hf
from seqspec.schema.diagnostic import DataError
from seqspec.schema.tokenizer.hf import HfConfig
from seqspec.schema.types import Text

tokenizers = pytest.importorskip("tokenizers")
WORDS = ["[CLS]", "[SEP]", "[UNK]", "猫", "が", "東京", "the", "cat", "##s"]


def save(folder, *, about=True, **settings):
    """A WordPiece tokenizer with a template, as BERT's folders have."""
    folder.mkdir(parents=True, exist_ok=True)
    model = tokenizers.models.WordPiece({word: id for id, word in enumerate(WORDS)}, unk_token="[UNK]")
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.decoder = tokenizers.decoders.WordPiece()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
    )
    made.enable_truncation(2)
    made.enable_padding(length=9)
    made.save(str(folder / "tokenizer.json"))
    names = {"cls_token": "[CLS]", "sep_token": {"content": "[SEP]"}, "unk_token": "[UNK]"}
    if about:
        (folder / "tokenizer_config.json").write_text(json.dumps(names))
    (folder / "config.json").write_text(json.dumps(settings))
    return folder


def built(folder, **settings):
    tokenizer = Hf(HfConfig(**{"from": str(folder)}, **settings), Text("ja"))
    tokenizer.train(())
    return tokenizer


def test_special_pieces_are_ours_and_the_others_keep_their_order(tmp_path):
    tokenizer = built(save(tmp_path))

    assert tokenizer.original_ids() == (-1, 2, 0, 1, 3, 4, 5, 6, 7, 8)
    assert tokenizer.pieces(range(6)) == ["<pad>", "<unk>", "<s>", "</s>", "猫", "が"]
    assert tokenizer.encode("the cats 犬") == [7, 8, 9, 1]
    assert tokenizer.decode([2, 7, 8, 9, 3, 0]) == "the cats"


def test_neither_truncation_nor_padding_of_the_folder_reaches_the_ids(tmp_path):
    assert len(built(save(tmp_path)).encode("the cat the cat")) == 4


def test_a_template_puts_its_pieces_around_each_text(tmp_path):
    tokenizer = built(save(tmp_path), template=True)

    assert tokenizer.encode_batch(["the", "cat"]) == [[2, 7, 3], [2, 8, 3]]


def test_offsets_count_code_points(tmp_path):
    tokenizer = built(save(tmp_path))

    assert tokenizer.offsets("𠮷 東京 cats") == [(0, 1), (2, 4), (5, 8), (8, 9)]


def test_rows_of_the_model_beyond_the_pieces_have_ids(tmp_path):
    tokenizer = built(save(tmp_path, vocab_size=12, pad_token_id=11, bos_token_id=[0]))

    assert tokenizer.vocab_size == 12
    assert tokenizer.original_ids()[0] == 11
    assert tokenizer.pieces([11]) == ["<unused 10>"]


def test_it_travels_between_processes_and_runs(tmp_path):
    tokenizer = built(save(tmp_path))
    again = Hf(HfConfig(**{"from": "nowhere"}), Text("ja"))
    again.load(tokenizer.train(()))

    assert pickle.loads(pickle.dumps(tokenizer)).encode("the cat") == again.encode("the cat")
    assert again.fingerprint() == tokenizer.fingerprint()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "has no tokenizer.json"),
        ("{", "is no tokenizer"),
        ('{"version": "1.0"}', "is no tokenizer"),
        ('{"model": {"type": "Unheard"}}', "is no tokenizer"),
    ],
)
def test_what_is_no_tokenizer_is_told(tmp_path, text, said):
    save(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    if text is not None:
        (tmp_path / "tokenizer.json").write_text(text)

    with pytest.raises(DataError, match=said) as raised:
        built(tmp_path)

    assert raised.value.code == "SQ450"
