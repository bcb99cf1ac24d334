"""Twenty thousand hostile strings: every segmenter's spans rebuild every one of them exactly."""

from __future__ import annotations

import random
import unicodedata

import pytest

from tests.components.text_steps import mecab, rebuild, segmenter

PIECES = [
    *"日本語東京都国際経済私行食人々〆ヶあいうえおがぱんアイウヴーッャ",
    *"ｱｲｳﾞﾟｶﾞｰ｡｢１２３ＡＢ！？（）。、「」…㍿①ﷺ〜～−－𠮷",
    *"abcXYZ019.,!?'-_<>&",
    *(" ", "  ", "\t", "\n", "\r", "\v", "\f", "\u3000", "\u00a0", "\u0085", "\u2028", "\u2029"),
    *("\u200b", "\u200d", "\ufeff", "\0", "\u3099", "\u309a", "e\u0301", "か\u3099", "\ufe30"),
    *("🇯🇵", "👨\u200d👩\u200d👧", "✌🏽", "EOS", "EOS\n", "BOS", "*", "名詞,一般", "<unk>"),
    *("▁", "␣", "\ud800", "\uffff", "\x1b[31m"),
]
COUNT = 20_000


@pytest.fixture(scope="module")
def strings():
    chooser = random.Random(20_000)
    return ["".join(chooser.choices(PIECES, k=chooser.randrange(0, 24))) for _ in range(COUNT)]


SEGMENTERS = {
    "mecab-unidic-lite": lambda: mecab("unidic-lite"),
    "mecab-ipadic": lambda: mecab("ipadic"),
    "sudachi": lambda: segmenter("sudachi", mode="C"),
    "characters": lambda: segmenter("characters"),
    "graphemes": lambda: segmenter("graphemes"),
    "whitespace": lambda: segmenter("whitespace"),
    "pretokenized": lambda: segmenter("pretokenized", by="fuzz"),
}


@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_string_is_rebuilt(name, strings):
    cut = SEGMENTERS[name]()

    for text in strings:
        spans = cut.spans(text)
        assert rebuild(text, spans) == text
        covered = {i for start, end in spans for i in range(start, end)}
        left = [text[i] for i in range(len(text)) if i not in covered]
        assert all(character.isspace() or unicodedata.category(character) == "Cc" for character in left), (
            text,
            spans,
        )


def test_words_are_the_text_at_their_spans(strings):
    for name in ("mecab-ipadic", "graphemes", "whitespace"):
        cut = SEGMENTERS[name]()
        for text in strings[:500]:
            assert cut.words(text) == [text[start:end] for start, end in cut.spans(text)]


def test_fast_spans_are_those_of_the_librarys_nodes(strings):
    cut = mecab("unidic-lite")

    for text in strings[:3000]:
        assert cut.spans(text) == [(word.start, word.end) for word in cut._analyse(text)]


@pytest.mark.parametrize(
    "text", ["今日は 晴れ", " 今日", "今日 ", "今日\t晴れ", "a b", "今日　", "", " ", "あ\n", "あ\x85"]
)
def test_blanks_at_every_place_keep_spans_those_of_the_nodes(text):
    for name in ("unidic-lite", "ipadic"):
        cut = mecab(name)

        assert cut.spans(text) == [(word.start, word.end) for word in cut._analyse(text)]


def test_joined_is_the_words_with_spaces_or_nothing(strings):
    cut = mecab("ipadic")

    for text in strings[:1000]:
        assert cut.joined(text) in (None, " ".join(cut.words(text)))
    assert cut.joined("すもももももも") == " ".join(cut.words("すもももももも"))
    assert cut.joined("a b") is None
