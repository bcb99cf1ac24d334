"""The known traps of Japanese segmentation, by the numbers that the project gives them."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from seqspec.components.segmenter._fields import fields_of
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Text
from tests.components.text_steps import config, mecab, rebuild, segmenter

BOTH = pytest.mark.parametrize("dictionary", ["unidic-lite", "ipadic"])


def folder(name: str) -> Path:
    return mecab(name).dictionary.folder


def test_t01_missing_dictionary_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipadic", None)

    with pytest.raises(DataError) as found:
        segmenter("mecab", dictionary="ipadic").spans("あ")

    assert str(found.value) == "the dictionary `ipadic` of segmenter `mecab` is not installed"
    assert found.value.help == "pip install ipadic"


def test_t01_half_a_dictionary_says_what_it_lacks(tmp_path):
    (tmp_path / "sys.dic").write_bytes(b"")

    with pytest.raises(DataError, match=r"lacks matrix\.bin, char\.bin, unk\.dic, dicrc"):
        segmenter("mecab", dictionary=str(tmp_path)).spans("あ")


def test_t01_damaged_dictionary_gives_one_line(tmp_path):
    for file in ("sys.dic", "matrix.bin", "char.bin", "unk.dic", "dicrc"):
        (tmp_path / file).write_bytes(b"broken")

    with pytest.raises(DataError) as found:
        segmenter("mecab", dictionary=str(tmp_path)).spans("あ")

    assert "\n" not in str(found.value)
    assert str(tmp_path) in str(found.value)


def test_t02_settings_of_the_machine_are_not_read(monkeypatch, tmp_path):
    monkeypatch.setenv("MECABRC", str(tmp_path / "nowhere"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".mecabrc").write_text("dicdir = /nowhere\n")

    assert segmenter("mecab", dictionary="ipadic").words("東京都") == ["東京", "都"]


def test_t03_dictionary_path_with_spaces_and_kanji(tmp_path):
    place = tmp_path / "my 辞書 'x'"
    place.symlink_to(folder("ipadic"))

    assert segmenter("mecab", dictionary=str(place)).words("東京都") == ["東京", "都"]


@pytest.mark.parametrize(("count", "kana"), [(9, 7), (17, 6), (26, 17), (29, 20)])
def test_t04_readings_are_found_by_the_dictionarys_schema(count, kana):
    assert fields_of(count, dictionary="x").kana == kana


@BOTH
def test_t04_both_dictionaries_read_the_same_word(dictionary):
    read = segmenter("mecab", dictionary=dictionary, reading="kana", unknown_reading="surface")

    assert read.words("学校") == ["ガッコウ"]


def test_t05_dictionary_with_other_fields_is_refused():
    with pytest.raises(DataError, match="have 13 fields"):
        fields_of(13, dictionary="neologd")


@BOTH
def test_t06_wide_spaces_are_words_and_narrow_ones_are_not(dictionary):
    text = "東京 \t大阪\u3000京都\u00a0x"

    words = mecab(dictionary).words(text)

    assert "\u3000" in words
    assert "\u00a0" in words
    assert not any(" " in word or "\t" in word for word in words)


@BOTH
@pytest.mark.parametrize("tail", [" ", "\n", "\u3000", "\u3000 \u3000", "\u00a0", "\u0085", " \t "])
def test_t07_trailing_white_space_is_not_lost(dictionary, tail):
    text = "行く" + tail

    assert rebuild(text, mecab(dictionary).spans(text)) == text
    wide = [character for character in tail if character not in " \t\n"]
    assert sum(mecab(dictionary).words(text).count(character) for character in set(wide)) == len(wide)


def test_t08_ideographic_space_survives_as_a_word():
    text = "東京\u3000大阪"

    assert mecab().words(text) == ["東京", "\u3000", "大阪"]


@BOTH
def test_t09_nul_does_not_end_the_text(dictionary):
    assert mecab(dictionary).words("東京\0大阪\0") == ["東京", "\0", "大阪", "\0"]


def test_t09_long_blank_does_not_swallow_a_word():
    text = " " * 70_000 + "東京"

    assert mecab().spans(text) == [(70_000, 70_002)]


@pytest.mark.parametrize("name", ["mecab", "sudachi"])
def test_t09_long_runs_do_not_crash_or_crawl(name):
    kept = mecab("ipadic") if name == "mecab" else segmenter("sudachi", mode="A")
    text = "a" * 20_000 + "あ" * 20_000

    assert rebuild(text, kept.spans(text)) == text


def test_t09_crash_length_is_survived_in_a_fresh_process():
    code = (
        "from tests.components.text_steps import mecab;"
        "t = 'a' * 200_000; s = mecab('ipadic').spans(t); assert s[-1][1] == len(t)"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False)

    assert done.returncode == 0


def test_t09_guard_does_not_change_what_fits():
    sentence = "東京の大学に通っています。"
    text = sentence * 400

    assert len(text) > 4096
    assert mecab().words(text) == mecab().words(sentence) * 400


def test_t19_code_points_beyond_the_first_plane_count_once():
    text = "𠮷野家👨\u200d👩\u200d👧で"

    spans = mecab().spans(text)

    assert rebuild(text, spans) == text
    assert spans[-1] == (len(text) - 1, len(text))


def test_t19_graphemes_keep_emoji_whole():
    assert segmenter("graphemes").words("👨\u200d👩\u200d👧か\u3099e\u0301") == [
        "👨\u200d👩\u200d👧",
        "か\u3099",
        "e\u0301",
    ]


def test_t20_iteration_marks_stay_in_their_words():
    assert mecab().words("人々と時々") == ["人々", "と", "時々"]


def test_t21_units_differ_so_the_mode_has_no_default():
    text = "関西国際空港"

    assert mecab("ipadic").words(text) == ["関西国際空港"]
    assert mecab("unidic-lite").words(text) == ["関西", "国際", "空港"]
    assert segmenter("sudachi", mode="A").words(text) == ["関西", "国際", "空港"]
    assert segmenter("sudachi", mode="C").words(text) == ["関西国際空港"]
    with pytest.raises(ValueError, match="mode"):
        config("segmenter", "sudachi")


def test_t22_unknown_words_get_the_reading_that_was_asked_for():
    text = "ぬるﾎﾟﾎﾟﾎﾟ"
    settings = {"dictionary": "unidic-lite", "reading": "kana"}

    katakana = segmenter("mecab", **settings, unknown_reading="katakana").words(text)
    surface = segmenter("mecab", **settings, unknown_reading="surface").words("ｱﾎﾞｶﾄﾞポケモン")

    assert "".join(katakana).startswith("ヌル")
    assert surface == ["ｱﾎﾞｶﾄﾞポケモン"]


def test_t22_reading_without_a_policy_is_a_mismatch():
    with pytest.raises(Mismatch, match="have no reading"):
        config("segmenter", "mecab", dictionary="ipadic", reading="kana").output(Text("ja"))


@pytest.mark.parametrize(
    ("reading", "expected"),
    [("kana", ["ワタクシ", "ハ", "ケイザイ"]), ("pronunciation", ["ワタクシ", "ワ", "ケーザイ"])],
)
def test_t23_spelling_and_pronunciation_differ(reading, expected):
    read = segmenter("mecab", dictionary="unidic-lite", reading=reading, unknown_reading="surface")

    assert read.words("私は経済") == expected


def test_t25_dictionary_has_no_default():
    with pytest.raises(ValueError, match="dictionary"):
        config("segmenter", "mecab")


def test_t25_fingerprint_names_everything_that_decides_words():
    found = mecab("unidic-lite").fingerprint()

    assert found["library"].startswith("fugashi-")
    assert found["dictionary"] == "unidic-lite"
    assert found["version"]
    assert len(found["unicode"].split(".")) == 3


def test_t25_misspelt_dictionary_is_caught_without_looking_for_it():
    with pytest.raises(Mismatch, match="unidic_light"):
        config("segmenter", "mecab", dictionary="unidic_light").output(Text("ja"))


def test_t26_user_dictionary_changes_words_and_fingerprint(tmp_path):
    system = folder("ipadic")
    entry = "外国人参政権,1285,1285,-5000,名詞,一般,*,*,*,*,外国人参政権,ガイコクジンサンセイケン,*\n"
    (tmp_path / "user.csv").write_text(entry)
    command = [sys.executable, "-c", "from fugashi.cli import build_dict; build_dict()"]
    command += [
        "-d",
        str(system),
        "-u",
        str(tmp_path / "user.dic"),
        "-f",
        "utf8",
        "-t",
        "utf8",
        str(tmp_path / "user.csv"),
    ]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ})

    own = segmenter("mecab", dictionary="ipadic", user_dictionaries=[str(tmp_path / "user.dic")])

    assert own.words("外国人参政権だ") == ["外国人参政権", "だ"]
    assert mecab("ipadic").words("外国人参政権だ") != ["外国人参政権", "だ"]
    assert own.fingerprint() != mecab("ipadic").fingerprint()


def test_t26_missing_user_dictionary_is_named(tmp_path):
    with pytest.raises(DataError, match=r"user dictionary .*none\.dic.* does not exist"):
        segmenter("mecab", dictionary="ipadic", user_dictionaries=[str(tmp_path / "none.dic")]).spans("あ")


def test_t30_latin_and_digits_inside_japanese():
    assert mecab().words("iPhone14を3.14") == ["iPhone", "14", "を", "3", ".", "14"]


def test_t32_a_line_is_cut_by_itself():
    lines = ["すもももももももものうち", "もものうち"]

    assert [mecab().words(line) for line in lines] == [mecab().words(line) for line in lines[::-1]][::-1]


@pytest.mark.parametrize(
    "made", [lambda: mecab(), lambda: segmenter("sudachi", mode="A"), lambda: segmenter("graphemes")]
)
def test_t33_segmenters_travel_between_processes(made):
    kept = made()
    before = kept.words("東京に行く")

    assert pickle.loads(pickle.dumps(kept)).words("東京に行く") == before
    assert len(pickle.dumps(kept)) < 2_000


def test_t36_fingerprint_hashes_every_file_of_the_dictionary():
    # The hashes are those of the packages unidic-lite 1.0.8 and ipadic 1.0.0.
    unidic, ipadic = (mecab(name).fingerprint()["sha256"] for name in ("unidic-lite", "ipadic"))

    assert set(unidic) == {"sys.dic", "matrix.bin", "char.bin", "unk.dic", "dicrc"}
    assert unidic["sys.dic"] == "122c4c91f026bf4b65bbe2dfd8b9f8eeb6ab56d8eb2a7287a68bca75708ba513"
    assert ipadic["sys.dic"] == "223af63996d5d9a104d8c8baaf32029fbbf6a370d7dff33fe19fda2e92ac0ac1"


def test_t36_fingerprint_does_not_hold_a_path_of_the_machine(tmp_path):
    place = tmp_path / "copy"
    place.symlink_to(folder("ipadic"))

    found = segmenter("mecab", dictionary=str(place)).fingerprint()

    assert str(tmp_path) not in repr(found)
    assert found["sha256"] == mecab("ipadic").fingerprint()["sha256"]
