"""WMT, KFTT, JESC, Tanaka, Tatoeba, CNN/DailyMail, enwik8, WikiText and sentence pairs: the traps of each."""

from __future__ import annotations

import hashlib

import pytest

from seqspec.data.corpus.record import BadRow
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError

from .cases import config, reader, synthetic

WMT = {"source_language": "de", "target_language": "en"}


def _plain(rows):
    return [row.reason if isinstance(row, BadRow) else (row["source"], row["target"]) for row in rows]


def _sgm(*segments: str, doc="d1"):
    return (
        f'<srcset setid="x">\n<DOC docid="{doc}" genre="news">\n<hl>\n'
        + "\n".join(segments)
        + "\n</hl>\n</DOC></srcset>"
    )


def test_wmt_sgml_is_no_xml(tmp_path):
    (tmp_path / "t-src.de.sgm").write_text(
        _sgm('<seg id="1">A & B < C</seg>', "<seg id=2> x &amp; y </seg>", '<seg id="3"></seg>')
    )
    (tmp_path / "t-ref.en.sgm").write_text(
        _sgm('<seg id="1">one</seg>', '<SEG ID="2">two\nlines</SEG>', '<seg id="3">3</seg>')
    )
    rows = list(reader("wmt", tmp_path, **WMT, splits={"test": "t-{side}.{language}.sgm"}).examples("test"))

    assert _plain(rows[:2]) == [("A & B < C", "one"), ("x & y", "two lines")]
    assert "empty" in rows[2].reason
    assert rows[0]["id"] == "t-src.de.sgm:d1:1"
    assert rows[0]["speaker"] == "d1"


@pytest.mark.parametrize(
    "text", ["<seg id=1>" * 30_000, "<seg " * 50_000, "<doc docid='" * 50_000, "<" * 300_000]
)
def test_wmt_text_that_is_no_sgml_does_not_take_for_ever(text, tmp_path):
    for name in ("t-src.de.sgm", "t-ref.en.sgm"):
        (tmp_path / name).write_text(text)

    with pytest.raises(DataError, match="no segments"):
        list(reader("wmt", tmp_path, **WMT, splits={"test": "t-{side}.{language}.sgm"}).examples("test"))


def test_wmt_test_sets_of_unequal_size_are_refused(tmp_path):
    (tmp_path / "t-src.de.sgm").write_text(_sgm('<seg id="1">A</seg>', '<seg id="2">B</seg>'))
    (tmp_path / "t-ref.en.sgm").write_text(_sgm('<seg id="1">one</seg>'))

    with pytest.raises(DataError, match="2 segments"):
        list(reader("wmt", tmp_path, **WMT, splits={"test": "t-{side}.{language}.sgm"}).examples("test"))


@pytest.mark.parametrize("name", ["nc.de-en.tsv", "nc.en-de.tsv"])
def test_wmt_columns_follow_the_name(name, tmp_path):
    cells = ["hund", "dog"] if "de-en" in name else ["dog", "hund"]
    (tmp_path / name).write_text("\t".join(cells) + "\n\tempty\n" + "one column\n")
    rows = list(reader("wmt", tmp_path, **WMT, splits={"train": name}).examples("train"))

    assert _plain(rows[:1]) == [("hund", "dog")]
    assert "empty" in rows[1].reason
    assert "1 columns" in rows[2].reason


def test_wmt_globs_take_every_match(tmp_path):
    for number in "12":
        for language in ("de", "en"):
            (tmp_path / f"part{number}.{language}").write_text(f"{language}{number}\n")
    adapter = reader("wmt", tmp_path, **WMT, splits={"train": "part*.{language}"})

    assert _plain(adapter.examples("train")) == [("de1", "en1"), ("de2", "en2")]
    assert [path.name for path in adapter.files("train")] == ["part1.de", "part1.en", "part2.de", "part2.en"]


def test_wmt_columns_without_a_pair_in_the_name_are_refused(tmp_path):
    (tmp_path / "nc.fr-en.tsv").write_text("a\tb\n")

    with pytest.raises(DataError, match="does not name the pair"):
        list(reader("wmt", tmp_path, **WMT, splits={"train": "nc.fr-en.tsv"}).examples("train"))


@pytest.mark.parametrize("name", ["t.sgm", "t-{side}.sgm", "t-{side}.{language}"])
def test_wmt_names_say_what_they_are(name):
    with pytest.raises(Mismatch, match="test set"):
        config("wmt", **WMT, splits={"train": name}).roles()


def test_kftt_sides_and_versions(tmp_path):
    synthetic("kftt", tmp_path, version="tok", max_words="40")
    keys = {"version": "tok", "max_words": "40"}
    ahead, back = (
        list(reader("kftt", tmp_path, source_language=side, **keys).examples("train"))
        for side in ("ja", "en")
    )

    assert [(row["source"], row["target"]) for row in ahead] == [
        (row["target"], row["source"]) for row in back
    ]
    assert "cln" in ahead[0]["id"]
    with pytest.raises(Mismatch):
        config("kftt", max_words="40").roles()


def test_jesc_has_english_first(tmp_path):
    (tmp_path / "train").write_text("you are back\tあなたは戻ったのね ハロルド?\n", encoding="utf-8")
    rows = list(reader("jesc", tmp_path).examples("train"))

    assert _plain(rows) == [("あなたは戻ったのね ハロルド?", "you are back")]


def test_tanaka_text_may_hold_the_mark_of_the_id(tmp_path):
    lines = [
        "A: #1が好き\tI like #1, ID=3.#ID=303697_100",
        "B: が 好き",
        "A: 壊れた行",
        "# a comment",
        "",
        "A: 三\tthree#ID=5_6",
    ]
    (tmp_path / "examples.utf").write_text("\n".join(lines), encoding="utf-8")
    rows = list(reader("tanaka", tmp_path).examples("train"))

    assert _plain([rows[0], rows[2]]) == [("#1が好き", "I like #1, ID=3."), ("三", "three")]
    assert rows[0]["id"] == "303697_100"
    assert (rows[1].row, isinstance(rows[1], BadRow)) == (3, True)


def test_tatoeba_follows_links_in_one_direction(tmp_path):
    sentences = ["1\tjpn\t犬\t", "2\teng\tdog", "3\tdeu\tHund", "4\tjpn\t猫", "5\teng\tcat", "x"]
    (tmp_path / "sentences.csv").write_text("\n".join(sentences), encoding="utf-8")
    (tmp_path / "links.csv").write_text("4\t5\n5\t4\n4\t3\n4\t99\nbroken\n", encoding="utf-8")
    keys = {"source_language": "ja", "source_code": "jpn", "target_language": "en", "target_code": "eng"}
    rows = list(reader("tatoeba", tmp_path, **keys).examples("train"))

    assert [row["id"] for row in rows if not isinstance(row, BadRow)] == ["4-5"]
    assert sum(isinstance(row, BadRow) for row in rows) == 3


def _story(tmp_path, text: str, address="http://x/1", **keys):
    (tmp_path / "url_lists").mkdir()
    (tmp_path / "cnn" / "stories").mkdir(parents=True)
    (tmp_path / "url_lists" / "all_train.txt").write_text(f"{address}\nhttp://gone/\n")
    name = hashlib.sha1(address.encode()).hexdigest()
    (tmp_path / "cnn" / "stories" / f"{name}.story").write_text(text, encoding="utf-8")
    return list(reader("cnn_dailymail", tmp_path, **keys).examples("train"))


def test_cnn_stories_and_highlights(tmp_path):
    rows = _story(
        tmp_path, "(CNN) First line\n\nSecond.\n\n@highlight\n\nOne thing\n\n@highlight\n\nAnother!\n"
    )

    assert _plain(rows[:1]) == [("(CNN) First line . Second.", "One thing . Another!")]
    assert "no story" in rows[1].reason


def test_cnn_stories_as_they_stand(tmp_path):
    rows = _story(tmp_path, "First line\n\n@highlight\n\nOne\n", end_sentences=False)

    assert _plain(rows[:1]) == [("First line", "One")]


@pytest.mark.parametrize("text", ["only an article", "@highlight\n\nonly a highlight", ""])
def test_cnn_halves_are_bad(text, tmp_path):
    assert "the story has no" in _story(tmp_path, text)[0].reason


@pytest.mark.parametrize("size", [100, 1001, 20])
@pytest.mark.parametrize("block", [1, 7, 5000])
def test_enwik8_is_cut_by_bytes_and_loses_none(size, block, tmp_path):
    content = ("あé" * size).encode()[:size]
    (tmp_path / "enwik8").write_bytes(content)
    adapter = reader("enwik8", tmp_path, block=block)
    parts = {
        s: "".join(row["target"] for row in adapter.examples(s)).encode("latin-1") for s in adapter.splits()
    }

    assert parts["train"] + parts["dev"] + parts["test"] == content
    assert len(parts["train"]) == size * 18 // 20


def test_wikitext_headings_can_be_left_out(tmp_path):
    (tmp_path / "wiki.train.tokens").write_text(
        " \n = Title = \n \n A <unk> sentence . \n = = Part = = \n = 3 is a number \n"
    )
    texts = [
        [row["target"] for row in reader("wikitext", tmp_path, headings=h).examples("train")]
        for h in (True, False)
    ]

    assert texts[0] == ["= Title =", "A <unk> sentence .", "= = Part = =", "= 3 is a number"]
    assert texts[1] == ["A <unk> sentence .", "= 3 is a number"]


def test_sentence_pairs_without_agreement_are_left_out(tmp_path):
    (tmp_path / "t.jsonl").write_text(
        '{"sentence1": "a", "sentence2": "b", "label": "-"}\n'
        '{"sentence1": "a", "sentence2": "b", "label": 0}\n{}\n'
    )
    rows = list(
        reader(
            "sentence_pairs", tmp_path, language="en", splits={"train": "t.jsonl"}, unlabelled="-"
        ).examples("train")
    )

    assert _plain(rows[:1]) == [("a ||| b", "0")]
    assert isinstance(rows[1], BadRow)


def test_a_file_of_columns_is_read_by_sentences_wherever_it_lies(tmp_path):
    from seqspec.components.adapter.conll import Conll
    from seqspec.schema.adapter.conll import ConllConfig

    adapter = Conll(ConllConfig(language="ja", root="elsewhere"))
    columns, plain = tmp_path / "new.txt", tmp_path / "plain.txt"
    columns.write_text("東京 B-LOC\nへ O\n\n田中 B-PER\n", encoding="utf-8")
    plain.write_text("東京 へ\n田中 さん\n", encoding="utf-8")

    assert [one["source"] for one in adapter.records_of(columns)] == ["東京 へ", "田中"]
    assert adapter.records_of(plain) is None
