"""What a file is by its first bytes."""

import pytest

from seqspec.data.corpus.file_kinds import not_text, noted_delimiter


@pytest.mark.parametrize(
    ("head", "what"),
    [
        ("text;label\r\n".encode("utf-16-le"), "UTF-16, little end first"),
        ("text;label\r\n".encode("utf-16-be"), "UTF-16, big end first"),
        ("label\tテキスト\n".encode("utf-16-le"), "UTF-16, little end first"),
        ("text".encode("utf-16"), "UTF-16, little end first"),
        (bytes(300), "NUL bytes alone, as a crash or a full disk leaves them"),
    ],
)
def test_what_is_no_text_is_called_so(head, what):
    assert not_text(head).what == what


@pytest.mark.parametrize("head", [b"", b"a", b"text,label\n", "文字,ラベル\n".encode(), b"a\0b,c\n", b"\0\n"])
def test_text_is_text(head):
    assert not_text(head) is None


def test_only_a_whole_note_of_excel_is_one():
    lines = ("sep=;", "SEP=,\r\n", "sep=\t", "sep=", "sep=;;", "sep=;x", "text")

    assert [noted_delimiter(line) for line in lines] == [";", ",", "\t", None, None, None, None]
