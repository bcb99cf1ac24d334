from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from seqspec.data.inspect.finding import Bars, Finding, Gallery, Histogram, Medium, Table
from seqspec.data.inspect.html_page import as_page
from seqspec.data.inspect.inspection import Inspection, inspect, topics
from seqspec.data.inspect.near_copies import near_copies
from seqspec.data.inspect.subject import Subject
from seqspec.data.inspect.text_report import as_text, visible
from seqspec.data.stages.prepare import prepare
from seqspec.data.text.text_pipeline import TextProcessor
from seqspec.schema.types import Classes, Text, Unknown
from tests.data.fakes import make_parts, pairs, write_corpus


class Letters:
    """One id a letter."""

    trainable = True

    def __init__(self) -> None:
        self.letters: list[str] = []

    @property
    def vocab_size(self) -> int:
        return 4 + len(self.letters)

    def train(self, texts: Iterable[str]) -> bytes:
        return json.dumps(sorted(set("".join(texts)))).encode()

    def load(self, artifact: bytes) -> None:
        self.letters = json.loads(artifact)

    def encode(self, text):
        return [4 + self.letters.index(c) if c in self.letters else 1 for c in text]

    def encode_batch(self, texts):
        return [self.encode(text) for text in texts]

    def decode(self, ids):
        return "".join(self.letters[i - 4] if i >= 4 else "?" for i in ids)

    def pieces(self, ids):
        return [self.decode([i]) for i in ids]

    def fingerprint(self):
        return {"type": "letters"}


def subject_of(folder, *, roles=None, split_rows, **changes):
    corpus = write_corpus(folder / "corpus", **split_rows)
    parts = make_parts(corpus, roles=roles, **changes)
    text = {role: TextProcessor(tokenizer=Letters()) for role in parts.text}
    prepared = prepare(replace(parts, text=text), cache=folder / "cache", processes=1)
    return Subject(prepared)


def look(folder, **given):
    return inspect(subject_of(folder, **given), name="test")


def findings(inspection, check):
    return [finding for finding in inspection.findings if finding.check == check]


def one(inspection, check):
    return findings(inspection, check)[0]


def ja(source, target="x y z"):
    return {"source": source, "target": target}


def test_a_clean_corpus_has_nothing_to_warn_of(tmp_path):
    rows = [
        ja(f"これは文{n}です", f"this is sentence {chr(97 + n % 26)}{chr(97 + n // 26)}") for n in range(300)
    ]
    found = look(tmp_path, split_rows={"train": rows[:180], "dev": rows[180:]})

    assert [f.check for f in found.findings if f.verdict in ("error", "warn")] == []
    assert {f.check for f in found.findings} >= {
        f"D{n:02}" for n in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 15, 16, 18, 19, 20, 21, 22)
    }


def test_duplicates_and_leaks_are_counted_exactly(tmp_path):
    train = [ja(f"文{n}", f"text {n % 50}") for n in range(150)]
    dev = [ja(f"別{n}", f"text {n + 40}") for n in range(120)]
    found = look(tmp_path, split_rows={"train": train, "dev": dev})

    assert one(found, "D06").numbers["train target"] == 100
    assert one(found, "D06").numbers["train pairs"] == 0
    assert one(found, "D07").numbers == {"dev pairs": 0, "dev source": 0, "dev target": 10}
    assert "10 of 120 targets of dev stand in train word for word" in one(found, "D07").message
    assert one(found, "D07").verdict == "warn"


def test_whole_examples_that_leak_are_an_error(tmp_path):
    rows = [ja(f"文{n}", f"text {n}") for n in range(150)]
    found = look(tmp_path, split_rows={"train": rows, "dev": rows[:110]})

    assert one(found, "D07").verdict == "error"
    assert found.worst == "error"


def test_copies_but_for_writing_and_near_copies_are_found(tmp_path):
    train = [ja(f"文{n}", f"the quick brown fox number {n} jumps over the lazy dog") for n in range(120)]
    dev = [
        ja("別一", "The quick brown fox number 7 jumps over the lazy dog!"),
        ja("別二", "the quick brown fox number 7 jumped over the lazy dog"),
        *[ja(f"別{n}", f"entirely other words {n}") for n in range(110)],
    ]
    found = look(tmp_path, split_rows={"train": train, "dev": dev})
    numbers = findings(found, "D07")[1].numbers

    assert numbers["targets of dev but for writing"] == 1
    assert numbers["near copies among the targets of dev"] == 1


def test_decomposed_marks_and_half_width_kana_are_told(tmp_path):
    rows = [ja(f"か\u3099{chr(0x4E00 + n)}", f"t {n}") for n in range(3)] + [ja("ｶﾒﾗ", "u")]
    finding = one(look(tmp_path, split_rows={"train": rows, "dev": rows}), "D12")

    assert "1 hold half-width katakana; 3 hold decomposed marks (not NFC)" in finding.message


def test_widths_of_japanese_digits_are_compared(tmp_path):
    rows = [ja(f"それは１{chr(0x4E00 + n)}です", f"t {n}") for n in range(199)] + [ja("それは1です", "u")]
    found = look(tmp_path, split_rows={"train": rows, "dev": rows[:100]})
    finding = one(found, "D12")

    assert finding.numbers["train full-width digits"] == 199
    assert finding.numbers["train half-width digits"] == 1
    assert finding.verdict == "warn"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a\ufffdb", "replacement character U+FFFD"),
        ("\ufeffab", "byte order mark"),
        ("a\x1bb", "control character"),
        ("a\u2028b", "line or paragraph separator (U+2028, U+2029, U+0085, U+000B, U+000C)"),
        ("a\u200bb", "zero-width or direction mark"),
        ("a  b", "two spaces in a row"),
        ("a ", "white space at an end"),
        ("a &amp; b", "HTML entity or tag"),
    ],
)
def test_strange_characters_are_named(tmp_path, text, kind):
    rows = [*pairs(120), ja("x", text)]
    found = look(tmp_path, split_rows={"train": rows})

    assert one(found, "D02").numbers[f"train target: {kind}"] == 1
    assert one(found, "D02").examples


def test_no_corpus_can_write_to_the_terminal_or_into_the_page(tmp_path):
    evil = "\x1b[2J<script>alert(1)</script>\u202e"
    rows = [*pairs(120), ja(evil, evil)]
    found = look(tmp_path, split_rows={"train": rows})

    assert "\x1b[2J" not in as_text(found)
    assert "<script>" not in as_page(found)
    assert "\u202e" not in as_page(found)
    assert visible("a\x07b") == "a\\x07b"


def test_labels_are_weighed(tmp_path):
    roles = {"source": Text("en"), "target": Classes(Unknown("k"))}
    rows = [{"source": f"t{n}", "target": "a" if n % 10 else "b"} for n in range(400)]
    found = look(tmp_path, roles=roles, split_rows={"train": rows, "dev": rows[:120]})
    finding = one(found, "D08")

    assert finding.numbers["commonest_share"] == 0.9
    assert finding.verdict == "ok" or "right in 90.0%" in finding.message


def test_small_splits_and_dropped_rows_are_told(tmp_path):
    rows = [*pairs(50), {"bad": "two columns"}]
    found = look(tmp_path, split_rows={"train": rows, "dev": pairs(5, start=99)}, on_error={"drop": 0.1})

    assert one(found, "D05").verdict == "warn"
    assert one(found, "D03").numbers == {"train: two columns": 1}


def test_unknown_letters_raise_the_rate(tmp_path):
    train = [ja("aaa", f"b{n % 7}") for n in range(150)]
    dev = [ja("aaZ", "b1") for _ in range(120)]
    found = look(tmp_path, split_rows={"train": train, "dev": dev})

    assert findings(found, "D11")[0].numbers["dev unknown"] == pytest.approx(1 / 3, abs=1e-3)
    assert findings(found, "D11")[0].verdict == "warn"


def test_copied_targets_are_told(tmp_path):
    rows = [ja("same", "same"), *pairs(150)]
    found = look(tmp_path, split_rows={"train": rows})

    assert one(found, "D15").numbers["copied"] == 1


def test_an_adapter_that_shuffles_is_caught(tmp_path):
    subject = subject_of(tmp_path, split_rows={"train": pairs(150)})
    adapter = subject.parts.adapter
    adapter.examples = lambda split: reversed(list(type(adapter).examples(adapter, split)))

    assert one(inspect(subject, name="x"), "D20").verdict == "error"


def test_a_sorted_corpus_without_shuffle_is_a_warning(tmp_path):
    rows = [ja("w " * (1 + n // 60), "t") for n in range(240)]
    found = look(
        tmp_path, split_rows={"train": rows}, batch={"unit": "examples", "size": 8, "shuffle": False}
    )

    assert one(found, "D19").verdict == "warn"


def test_what_the_spec_accepts_counts_no_more(tmp_path):
    rows = [ja(f"文{n}", "always the same") for n in range(150)]
    found = look(tmp_path, split_rows={"train": rows}, accept={"D06": "a toy", "D15": "a toy"})

    assert one(found, "D06").verdict == "accepted"
    assert "a toy" in one(found, "D06").advice


def test_pipes_and_pickles_are_named(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "model.pkl").write_bytes(b"cos\nsystem\n(S'touch /tmp/x'\ntR.")
    (tmp_path / "corpus" / "wav.scp").write_text("u1 cat x.wav |\n")
    found = look(tmp_path, split_rows={"train": pairs(120)})

    assert one(found, "D22").numbers["files"] == 2
    assert one(found, "D22").examples == ["wav.scp", "model.pkl"]


def test_the_page_fetches_nothing_and_shows_every_figure():
    figures = (
        Histogram("h", 0.0, 1.0, {"train": [1, 2, 3], "dev": [3, 2, 1]}),
        Bars("b", {"x": 3, "y": 0}),
        Table("t", ("a", "b"), [("語", 1.5)]),
    )
    finding = Finding("D01", "ok", "message", figures=figures, numbers={"n": 3}, examples=["e"])
    page = as_page(Inspection("n", (finding,), 0.1))

    assert page.count("<figure") == 3
    assert "語" in page
    assert "http://" not in page.replace("http-equiv", "")
    assert "src=" not in page


def test_recordings_and_pictures_stand_in_the_page():
    media = Gallery("g", [Medium("one", b"RIFF", "audio/wav"), Medium("two", b"PNG", "image/png")])
    page = as_page(
        Inspection("n", (Finding("D16", "ok", "use `x`", figures=[media]),), 0.1), what="Examination"
    )

    assert page.count("<audio") == 1
    assert page.count("data:image/png") == 1
    assert "<h1>Examination of n</h1>" in page
    assert "<code>x</code>" in page


def test_topics_are_the_folder():
    assert {"files", "repeats", "japanese", "batches"} <= set(topics())


def test_near_copies_are_those_that_comparing_all_pairs_finds(monkeypatch):
    monkeypatch.setattr("seqspec.data.inspect.near_copies.BLOCK", 16)
    rng = random.Random(5)
    known = ["".join(rng.choice("あいうえおかき") for _ in range(rng.randint(8, 40))) for _ in range(120)]
    asked = [_edited(rng.choice(known), rng) for _ in range(80)] + ["", "short", "a text that is like none"]

    expected = [
        (text, next(other for other in known if _likeness(text, other) >= 0.8))
        for text in asked
        if any(_likeness(text, other) >= 0.8 for other in known)
    ]
    assert len(expected) > 20
    assert near_copies(known, asked) == expected


def _edited(text, rng):
    for _ in range(rng.randint(0, 2)):
        place = rng.randrange(len(text))
        text = text[:place] + rng.choice(["", "ん", "んん"]) + text[place + 1 :]
    return text


def _likeness(one, other):
    if min(len(one), len(other)) < 12:
        return 0.0
    a, b = ({text[i : i + 4] for i in range(len(text) - 3)} for text in (one, other))
    return len(a & b) / len(a | b)


def test_as_data_is_json(tmp_path):
    found = look(tmp_path, split_rows={"train": pairs(120)})

    data = json.loads(json.dumps(found.as_data()))
    assert data["name"] == "test"
    assert {"check", "verdict", "message", "advice", "numbers", "examples"} == set(data["findings"][0])


def test_a_limit_reads_no_further(tmp_path):
    subject = replace(subject_of(tmp_path, split_rows={"train": pairs(150)}), limit=10)

    assert len(list(subject.texts(subject.train, "target"))) == 10
    assert isinstance(subject.hashes(subject.train, "target"), np.ndarray)
