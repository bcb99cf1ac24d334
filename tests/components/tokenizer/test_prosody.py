"""Accent marks as ESPnet's recipes read them."""

import pytest

from seqspec.components.tokenizer._prosody import prosody
from seqspec.schema.config import Mismatch
from seqspec.schema.tokenizer.phonemes import PhonemesConfig
from seqspec.schema.types import Text

pytest.importorskip("pyopenjtalk")


def symbols(text, **settings):
    from seqspec.components.tokenizer.phonemes import Phonemes

    tokenizer = Phonemes(PhonemesConfig(style="prosody", **settings), Text("ja"))
    tokenizer.train([text])
    return tokenizer.decode(tokenizer.encode(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("こんにちは。", "^ k o [ N n i ch i w a $"),
        ("橋を", "^ h a [ sh i ] o $"),
        ("箸を", "^ h a ] sh i o $"),
        ("端を", "^ h a [ sh i o $"),
        ("東京、大阪。", "^ t o [ o ky o o _ o [ o s a k a $"),
        ("本当ですか？", "^ h o [ N t o o d e ] s u k a ?"),
    ],
)
def test_symbols_are_those_of_the_recipe(text, expected):
    assert symbols(text, marks="espnet") == expected


def test_the_library_s_own_marks_stay_what_they_were():
    assert (
        symbols("本当ですか？")
        == symbols("本当ですか？", marks="plus")
        != symbols("本当ですか？", marks="espnet")
    )


def test_marks_belong_to_prosody():
    with pytest.raises(Mismatch, match="says how prosody is written"):
        PhonemesConfig(style="phonemes", marks="espnet").output(Text("ja"))


def test_a_border_of_phrases_stands_behind_the_last_mora():
    label = "x^x-{}+x=x/A:{}+{}+{}/B:/E:x_x!0_x/F:2_1#"
    labels = [label.format("sil", "xx", "xx", "xx"), label.format("a", -1, 2, 1), label.format("k", 0, 1, 2)]

    assert prosody(labels) == ["^", "a", "#", "k"]
