from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.components.adapter import _contiguous
from seqspec.data.corpus.record import BadRow
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError

from .cases import config, reader

CUT = {"language": "en", "splits": {"train": "input.txt"}, "cut": {"train": 0.9, "dev": 0.1}}


def test_blank_lines_are_passed_over_and_bad_bytes_told(tmp_path):
    (tmp_path / "train.txt").write_bytes(b"one\n\n \t\n\xff\nfive")
    rows = list(reader("lines", tmp_path, language="en").examples("train"))

    assert [row.row if isinstance(row, BadRow) else (row["row"], row["target"]) for row in rows] == [
        (1, "one"),
        4,
        (5, "five"),
    ]


@settings(max_examples=60)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300), block=st.integers(1, 40)
)
def test_cut_records_join_to_the_very_text(text, block, tmp_path_factory):
    text = text.removeprefix("\ufeff")
    root = tmp_path_factory.getbasetemp() / "cut"
    root.mkdir(exist_ok=True)
    (root / "input.txt").write_bytes(text.encode())
    adapter = reader("lines", root, **CUT, block=block)
    train, dev = ("".join(row["target"] for row in adapter.examples(split)) for split in ("train", "dev"))

    assert train == text[: int(len(text) * 0.9)]
    assert train + dev == text


def test_cut_counts_characters_across_reads_and_files(tmp_path, monkeypatch):
    monkeypatch.setattr(_contiguous, "_CHUNK", 5)
    text = "あいうえお\r\nかきく\u2028け" * 20
    (tmp_path / "1.txt").write_bytes(text[:100].encode())
    (tmp_path / "2.txt").write_bytes(text[100:].encode())
    adapter = reader("lines", tmp_path, **{**CUT, "splits": {"train": ["1.txt", "2.txt"]}}, block=7)
    parts = [row["target"] for split in ("train", "dev") for row in adapter.examples(split)]

    assert "".join(parts) == text
    assert all(row["joined"] for row in adapter.examples("train"))


def test_cut_text_that_is_not_utf8_is_told_with_its_byte(tmp_path):
    (tmp_path / "input.txt").write_bytes("あ".encode() * 10 + b"\xe3\x81")

    with pytest.raises(DataError) as caught:
        list(reader("lines", tmp_path, **CUT).examples("train"))
    assert caught.value.byte == 30


def test_blocks_are_for_contiguous_text():
    with pytest.raises(Mismatch, match="without `cut`"):
        config("lines", language="en", block=100).roles()


@pytest.mark.parametrize("cut", [{"train": 0.9}, {"train": 0.9, "dev": 0.2}])
def test_shares_add_up_to_one(cut):
    with pytest.raises(Mismatch, match="add up"):
        config("lines", **{**CUT, "cut": cut}).roles()
