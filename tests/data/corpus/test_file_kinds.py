import gzip

import pytest

from seqspec.data.corpus.lines import read_lines
from seqspec.schema.diagnostic import DataError

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"


@pytest.mark.parametrize(
    ("name", "content", "message", "remedy"),
    [
        ("a.txt", POINTER, "Git LFS pointer", "git lfs pull"),
        ("a.txt.gz", POINTER, "Git LFS pointer", "git lfs pull"),
        ("a.jsonl", b"/annex/objects/SHA256E-s1--0.jsonl\n", "git-annex pointer", "git annex get"),
        ("a.csv", b"\n <!DOCTYPE html>\n<html>", "web page", "curl"),
        ("a.jsonl.zst", b"\x28\xb5\x2f\xfd\x04", "Zstandard", "zstd -d"),
        ("a.jsonl", gzip.compress(b"{}\n", mtime=0), "gzip", "`.gz`"),
        ("a.txt", b"\xfd7zXZ\x00\x00", "xz", "`.xz`"),
        ("a.txt", b"PAR1\x15", "Parquet", "parquet"),
    ],
)
def test_a_file_of_another_kind_is_named_with_what_converts_it(tmp_path, name, content, message, remedy):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError, match=message) as caught:
        list(read_lines(tmp_path / name))

    assert remedy in caught.value.help


def test_a_web_page_that_is_called_one_is_text(tmp_path):
    (tmp_path / "a.html").write_bytes(b"<html>\n")

    assert [line.text for line in read_lines(tmp_path / "a.html")] == ["<html>"]
