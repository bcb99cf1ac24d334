from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.data.corpus import lines
from seqspec.data.corpus.lines import count_lines, read_lines
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError


def _read(tmp_path, content: bytes, name="a.txt"):
    path = tmp_path / name
    path.write_bytes(content)
    return list(read_lines(path))


@pytest.mark.parametrize("inner", ["\r", "\u2028", "\u2029", "\x85", "\x1c", "\x0b", "\x0c", "\x00"])
def test_only_newline_ends_a_line(inner, tmp_path):
    found = _read(tmp_path, f"a{inner}b\nc\n".encode())

    assert [line.text for line in found] == [f"a{inner}b", "c"]


def test_last_line_may_lack_its_end(tmp_path):
    assert [line.text for line in _read(tmp_path, b"a\nb")] == ["a", "b"]
    assert _read(tmp_path, b"") == []
    assert [line.text for line in _read(tmp_path, b"\n")] == [""]


def test_windows_ends_and_byte_order_mark_are_no_text(tmp_path):
    found = _read(tmp_path, b"\xef\xbb\xbfa\r\n\xef\xbb\xbfb\r\n")

    assert [line.text for line in found] == ["a", "\ufeffb"]
    assert [line.byte for line in found] == [0, 6]


def test_bad_bytes_are_told_with_their_place(tmp_path):
    found = _read(tmp_path, "あ\nい".encode() + b"\xff\n" + "う\n".encode())

    assert [line.fault is None for line in found] == [True, False, True]
    assert (found[1].row, found[1].byte) == (2, 7)
    assert "0xff" in found[1].fault


def test_encoded_surrogates_are_bad_bytes(tmp_path):
    assert _read(tmp_path, b"\xed\xa0\x80\n")[0].fault


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf16_is_refused_by_name(mark, tmp_path):
    with pytest.raises(DataError, match="UTF-16"):
        _read(tmp_path, mark + b"a\x00")


@pytest.mark.parametrize("name", ["a.gz", "a.bz2", "a.xz"])
def test_damaged_compression_is_a_data_error(name, tmp_path):
    with pytest.raises(DataError, match=r"damaged|cannot be read"):
        _read(tmp_path, b"this is no archive", name)


def test_truncated_gzip_is_a_data_error(tmp_path):
    whole = gzip.compress(b"line\n" * 10_000)

    with pytest.raises(DataError, match="damaged"):
        _read(tmp_path, whole[: len(whole) // 2], "a.gz")


def test_a_bomb_without_line_ends_stops_at_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)

    with pytest.raises(DataError, match="longer than") as caught:
        _read(tmp_path, gzip.compress(b"ok\n" + bytes(100_000)), "a.gz")
    assert caught.value.row == 2


def test_missing_file_and_folder_are_data_errors(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        list(read_lines(tmp_path / "no"))
    with pytest.raises(DataError, match="cannot be read"):
        list(read_lines(tmp_path))


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))))
def test_lines_are_what_was_written(tmp_path_factory, texts):
    path = tmp_path_factory.getbasetemp() / "law.txt"
    path.write_bytes("".join(f"{text}\n" for text in texts).encode())
    found = list(read_lines(path))

    expected = [text.removesuffix("\r") for text in texts]
    expected[:1] = [text.removeprefix("\ufeff") for text in expected[:1]]
    assert [line.text for line in found] == expected
    assert count_lines(path) == len(texts)


def test_shown_names_hold_nothing_that_steers_a_terminal():
    shown = show("a\x1b[31m\n\u202e\ud800あ")

    assert shown == "a\\x1b[31m\\n\\u202e\\ud800あ"


@pytest.mark.parametrize(("encoding", "name"), [("cp932", "Shift_JIS"), ("euc_jp", "EUC-JP")])
def test_japanese_in_another_encoding_is_named_with_a_remedy(encoding, name, tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes("今日は、良い天気ですね。".encode(encoding) + b"\n")
    (line,) = read_lines(path)

    assert line.fault.startswith(f"the line reads as {name}, not UTF-8: convert")


def test_other_bytes_are_not_taken_for_japanese(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes("déjà vu à la carte".encode("latin-1") + b"\n" + bytes(range(128, 256)) + b"\n")

    assert not [line for line in read_lines(path) if "reads as" in (line.fault or "")]


@pytest.mark.parametrize(
    ("head", "what"), [(b"\x1f\x8b\x08\0", "gzip"), (b"PK\x03\x04", "workbook"), (b"PAR1", "Parquet")]
)
def test_files_that_are_no_text_are_named(head, what, tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes(head + b"\x80\n")

    with pytest.raises(DataError, match=what):
        list(read_lines(path))


def test_lines_that_end_in_carriage_returns_alone_are_refused_with_a_remedy(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(b"a\rb\rc\r")

    with pytest.raises(DataError, match="one line that holds carriage returns") as caught:
        list(read_lines(path))
    assert "tr " in caught.value.help


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_a_file_that_is_not_compressed_as_its_name_says_is_told(suffix, tmp_path):
    for data, words in (
        (b"text,label\n", "not compressed"),
        (b"\x28\xb5\x2f\xfd" + bytes(9), "by Zstandard"),
    ):
        path = tmp_path / f"t.csv{suffix}"
        path.write_bytes(data)
        with pytest.raises(DataError, match=words) as caught:
            list(read_lines(path))
        assert f"though its name ends in `{suffix}`" in caught.value.message
        assert caught.value.help


def test_an_empty_compressed_file_is_told(tmp_path):
    (tmp_path / "t.gz").touch()
    (tmp_path / "t.xz").touch()

    assert list(read_lines(tmp_path / "t.gz")) == []
    with pytest.raises(DataError):
        list(read_lines(tmp_path / "t.xz"))
