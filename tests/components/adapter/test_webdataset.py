"""WebDataset's tars: what is one example, recordings read in place, and tars that are hostile or damaged."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest

from seqspec.data.corpus.record import BadRow
from seqspec.data.corpus.tar_index import members
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError

from .cases import config, reader, synthetic

SPEECH = {
    "splits": {"train": "train-*.tar"},
    "source": {"audio": "wav", "rate": 8000},
    "target": {"text": "json.words", "language": "en"},
    "id": "__key__",
}
TEXT = {"splits": {"train": "*.tar"}, "target": {"text": "txt", "language": "en"}}


def pack(path, files, *, format=tarfile.PAX_FORMAT, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w", format=format) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), "/etc/passwd"
            tar.addfile(info, io.BytesIO(data))
    return path


def read(folder, **keys):
    return list(reader("webdataset", folder, **(TEXT | keys)).examples("train"))


def test_recordings_are_read_where_they_stand(tmp_path):
    adapter = synthetic("webdataset", tmp_path, **SPEECH)
    (tmp_path / "train-2.tar").write_bytes((tmp_path / "train-1.tar").read_bytes())
    assert not list(tmp_path.rglob("*.wav"))

    rows = list(adapter.examples("train"))
    assert [row["row"] for row in rows] == [*range(1, 7)] * 2
    for row in rows[:2]:
        samples = adapter.audio()(row["source"])
        assert len(samples) == adapter.audio().num_samples(row["source"]) > 1000
        assert np.abs(samples).max() > 0.01
    assert list(adapter.files("train")) == [tmp_path / "train-1.tar", tmp_path / "train-2.tar"]


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_of_tar_gives_the_same(tmp_path, format):
    long = f"{'a' * 80}/{'b' * 60}"
    names = ["a/b.v1/001.txt", "a/b.v1/001.seg.PNG", f"{long}.txt", "README", "._1.txt", "__meta__.json"]
    names += [] if format == tarfile.USTAR_FORMAT else ["あ" * 120 + ".txt"]
    path = pack(tmp_path / "one.tar", [(name, f"text of {name}\n".encode()) for name in names], format=format)

    with tarfile.open(path) as tar:
        expected = [(info.name, info.offset_data, info.size) for info in tar]
    assert [tuple(member) for member in members(path)] == expected
    rows = read(tmp_path, id="__key__")
    assert [row["id"] for row in rows] == ["a/b.v1/001", long, "あ" * 120][: len(rows)]
    assert rows[0]["target"] == "text of a/b.v1/001.txt"


def test_what_is_wrong_with_one_example_is_a_bad_row(tmp_path):
    bad = io.BytesIO()
    np.save(bad, np.array([{}], dtype=object), allow_pickle=True)
    files = [("1.txt", b"\xff"), ("2.txt", b"a"), ("2.txt", b"b"), ("3.cls", b"1"), ("4.txt", b"ok"), ("4.npy", bad.getvalue()),
             ("5.txt", b"ok"), ("5.json", b"[" * 100_000)]  # fmt: skip
    pack(tmp_path / "one.tar", files)

    told = [row.reason for row in read(tmp_path) if isinstance(row, BadRow)]
    assert told[0] == "`txt` is not UTF-8 (byte 0)"
    assert told[1] == "two files are called `2.txt`"
    assert told[2] == "there is no column `txt`; the row has `cls`, `__key__`"
    assert len(told) == 3
    arrays = read(tmp_path, fields={"v": {"vector": "npy", "dim": 2}})
    assert arrays[3].reason == "`npy` is no array of numbers"
    assert read(tmp_path, target={"text": "json.a", "language": "en"})[4].reason == "`json` is no JSON"


def test_a_damaged_or_hostile_tar_is_named_with_its_byte(tmp_path):
    whole = pack(tmp_path / "one.tar", [("1.txt", b"x" * 600), ("2.txt", b"y")]).read_bytes()
    claimed = bytearray(whole)
    claimed[124:136] = b"\x80" + b"\xff" * 11
    claimed[148:156] = f"{sum(claimed[:148]) + sum(claimed[156:512]) + 8 * 32:06o}\0 ".encode()
    told = {
        "a header of the tar is damaged": whole[:1536] + b"z" + whole[1537:],
        "the tar is cut off: `1.txt` has 600 bytes, of which 100 are there": whole[:612],
        "the tar is cut off within a header": whole[:1600],
        "the tar is cut off: the block of zeros": whole[:1536],
        "the file is no tar": b"not a tar " * 100,
        "the tar is compressed": b"\x1f\x8b" + bytes(1000),
        "the tar is cut off: `1.txt` has 309,": bytes(claimed),
    }
    for message, data in told.items():
        (tmp_path / "one.tar").write_bytes(data)
        with pytest.raises(DataError) as caught:
            read(tmp_path)
        assert caught.value.message.startswith(message)
        assert caught.value.file.endswith("one.tar")
        assert caught.value.byte in (0, 1536)
    pack(tmp_path / "one.tar", [("1.txt", b"")], kind=tarfile.SYMTYPE)
    with pytest.raises(DataError, match="is a link"):
        read(tmp_path)
    pack(tmp_path / "one.tar", [("n" * 70_000 + ".txt", b"")])
    with pytest.raises(DataError, match="taken for damage"):
        read(tmp_path)
    pack(tmp_path / "one.tar", [("README", b"nothing")])
    with pytest.raises(DataError, match="hold no file such as"):
        read(tmp_path)


def test_pickles_and_braces_are_refused_in_the_spec():
    with pytest.raises(Mismatch, match="`pyd` is a pickle"):
        config("webdataset", **(TEXT | {"target": {"label": "pyd"}})).roles()
    with pytest.raises(Mismatch, match="has braces"):
        config("webdataset", **(TEXT | {"splits": {"train": "t-{000..009}.tar"}})).roles()
