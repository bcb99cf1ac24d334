"""File names of old archives, which are not UTF-8, are kept by the cache and escaped in the output."""

import json
import os

from seqspec.data.store.durable import json_bytes
from seqspec.data.store.hashes import file_hashes
from seqspec.runtime.prediction.output_stream import output_stream

NAME = "音声".encode("cp932") + b".wav"


def test_the_cache_remembers_such_a_file(tmp_path):
    path = tmp_path / os.fsdecode(NAME)
    path.write_bytes(b"x")
    os.utime(path, (1, 1))

    first = file_hashes([path], root=tmp_path, memory=tmp_path / "memory")

    assert file_hashes([path], root=tmp_path, memory=tmp_path / "memory") == first
    assert [os.fsencode(name) for name in first] == [NAME]
    assert json.loads(json_bytes(first)) == first


def test_the_output_escapes_it_and_is_utf_8(tmp_path):
    with output_stream(tmp_path / "out.txt") as out:
        out.write(os.fsdecode(NAME) + "\t良い\n")

    assert (tmp_path / "out.txt").read_bytes().decode("utf-8").endswith(".wav\t良い\n")
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
