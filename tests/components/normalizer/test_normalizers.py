"""Normalisers: what they change, and that every code point knows where it came from."""

from __future__ import annotations

import pickle
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.text_steps import normalizer

SETTINGS: list[tuple[str, dict[str, object]]] = [
    ("nfc", {}),
    ("nfkc", {}),
    ("lowercase", {}),
    ("uppercase", {}),
    ("casefold", {}),
    ("table", {"name": "ja-dashes-1"}),
    ("table", {"name": "ja-tildes-1"}),
    ("table", {"name": "quotes-1"}),
    ("table", {"name": "yen-1"}),
    ("kana", {"to": "katakana"}),
    ("kana", {"to": "hiragana"}),
    ("width", {}),
    ("width", {"letters": "full", "digits": "full", "symbols": "full", "space": "full", "katakana": "keep"}),
    ("punctuation", {}),
    ("punctuation", {"keep": "'-", "symbols": "strip", "replace_with": "space"}),
    ("whitespace", {}),
    ("whitespace", {"collapse": False, "trim": False}),
    ("whitespace", {"between_japanese": "remove"}),
    ("strip_control", {}),
    ("strip_control", {"joiners": "strip", "soft_hyphen": "keep"}),
    ("numbers", {}),
    ("numbers", {"digits": "full", "separators": "strip"}),
    ("neologd", {}),
    ("neologd", {"tildes": "wave", "spaces": "keep"}),
]
EVERY = pytest.mark.parametrize(("name", "options"), SETTINGS)
LETTERS = st.one_of(
    st.sampled_from("ｶﾞﾊﾟﾞがか\u3099ハ\u309a㍿①ﷺ…ー-－−―〜～~１2,，「」。Aａz"),
    st.sampled_from("\u3000 \t\u200b\u200d\xad\0İßΣς가각\u1100\u1161\u11a8é\u0301\u0323"),
    st.characters(),
)


@EVERY
@settings(deadline=None)
@given(text=st.lists(LETTERS, max_size=20).map("".join))
def test_alignment_gives_the_same_text_and_sound_spans(name, options, text):
    step = normalizer(name, **options)

    aligned = step.align(text)

    assert aligned.text == step.apply(text)
    assert len(aligned.spans) == len(aligned.text)
    assert all(0 <= start <= end <= len(text) for start, end in aligned.spans)
    assert all(before[0] <= after[0] for before, after in pairwise(aligned.spans))


@EVERY
def test_normalisers_travel_between_processes(name, options):
    step = normalizer(name, **options)
    text = "Ｈｉ　ｶﾞ１２，３４５〜ー−か\u3099㍿"

    assert pickle.loads(pickle.dumps(step)).apply(text) == step.apply(text)


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
@settings(deadline=None)
@given(text=st.lists(LETTERS, max_size=30).map("".join))
def test_unicode_forms_are_the_standards(form, text):
    assert normalizer(form.lower()).align(text).text == unicodedata.normalize(form, text)


@pytest.mark.parametrize(
    ("raw", "expected", "spans"),
    [
        ("x㍿y", "x株式会社y", [(0, 1), (1, 2), (1, 2), (1, 2), (1, 2), (2, 3)]),
        ("①", "1", [(0, 1)]),
        ("ｶﾞｯ", "ガッ", [(0, 2), (2, 3)]),
        ("か\u3099き", "がき", [(0, 2), (2, 3)]),
        ("…", "...", [(0, 1)] * 3),
        ("\ufe30", "..", [(0, 1)] * 2),
        ("１２", "12", [(0, 1), (1, 2)]),
    ],
)
def test_t10_nfkc_changes_lengths_and_keeps_the_spans(raw, expected, spans):
    aligned = normalizer("nfkc").align(raw)

    assert aligned.text == expected
    assert list(aligned.spans) == spans


def test_t10_one_code_point_can_become_eighteen():
    aligned = normalizer("nfkc").align("ﷺ")

    assert len(aligned.text) == 18
    assert set(aligned.spans) == {(0, 1)}


def test_t14_voicing_marks_are_neither_lost_nor_stripped():
    assert normalizer("nfkc").align("ﾃﾞ").spans == ((0, 2),)
    assert normalizer("nfkc").apply("バ") == "バ"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1467〜1487年", "14671487年"),
        ("すごーーーーい", "すごーい"),
        ("ハロー　ジャパン", "ハロージャパン"),
        ("㍿①", "㍿①"),
        ("ｈａｎｋａｋｕ　ﾊﾝｶｸ", "hankakuハンカク"),
    ],
)
def test_t15_neologd_loses_what_its_page_says(raw, expected):
    assert normalizer("neologd").apply(raw) == expected


def test_t15_losses_can_be_softened():
    step = normalizer("neologd", tildes="wave", spaces="keep")

    assert step.apply("1467～1487年　秋") == "1467〜1487年 秋"


def test_t16_decomposed_kana_are_composed():
    assert normalizer("nfc").apply("か\u3099ハ\u309a") == "がパ"


@pytest.mark.parametrize(
    ("table", "raw", "expected"),
    [
        ("ja-dashes-1", "−－‐–ー―─ｰ", "----ー——ー"),
        ("ja-tildes-1", "～〜∼〰~", "〜〜〜〜~"),
        ("quotes-1", "“a” ‘b’ ′", "\"a\" 'b' '"),
        ("yen-1", "￥\\¥", "¥\\¥"),
    ],
)
def test_t17_lookalikes_become_one_by_a_named_table(table, raw, expected):
    assert normalizer("table", name=table).apply(raw) == expected


def test_t18_width_is_changed_group_by_group():
    text = "Ａｂ１２！　ｶﾞ｡㍿"

    assert normalizer("width").apply(text) == "Ab12! ガ。㍿"
    assert normalizer("width", digits="keep", katakana="keep", space="keep").apply(text) == "Ab１２!　ｶﾞ｡㍿"
    assert normalizer("width", letters="full", digits="full").apply("a1") == "ａ１"


def test_t20_iteration_marks_and_long_vowels_are_no_punctuation():
    assert normalizer("punctuation").apply("人々、ラーメン。「いすゞ」") == "人々ラーメンいすゞ"


def test_punctuation_keeps_what_it_is_told_to():
    step = normalizer("punctuation", keep="'")

    assert step.apply("DON'T STOP, NOW!") == "DON'T STOP NOW"


def test_kana_shifts_only_what_has_a_twin():
    assert normalizer("kana", to="katakana").apply("らーめんとﾗｰﾒﾝとゔゝ") == "ラーメントﾗｰﾒﾝトヴヽ"
    assert normalizer("kana", to="hiragana").apply("ヴァイオリン・ヷ") == "ゔぁいおりん・ヷ"


def test_whitespace_leaves_words_apart_unless_japanese():
    step = normalizer("whitespace", between_japanese="remove")

    assert step.apply("　東京　 の iPhone 14 を\n買う ") == "東京の iPhone 14 を買う"


def test_control_characters_go_and_line_breaks_stay():
    assert normalizer("strip_control").apply("\ufeffa\0b\u200bc\td\n\u202ee\ud800") == "abc\td\ne"
    assert normalizer("strip_control").apply("👨\u200d👩") == "👨\u200d👩"


def test_numbers_are_left_alone_unless_asked():
    step = normalizer("numbers", separators="strip")

    assert step.apply("1,000円 １，２３４，５６７ 1,00 三千") == "1000円 1234567 1,00 三千"
    assert normalizer("numbers", digits="mask").apply("a12３") == "a000"
    assert normalizer("numbers", digits="keep").apply("１") == "１"


def test_sharp_s_and_dotted_i_keep_their_places():
    assert list(normalizer("uppercase").align("aßb").spans) == [(0, 1), (1, 2), (1, 2), (2, 3)]
    assert list(normalizer("lowercase").align("İx").spans) == [(0, 1), (0, 1), (1, 2)]


def test_unknown_table_is_refused():
    with pytest.raises(ValueError, match="ja-dashes-1"):
        normalizer("table", name="ja-dashes-2")
