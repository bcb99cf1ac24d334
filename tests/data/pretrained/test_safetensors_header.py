import json

import pytest

from seqspec.data.pretrained.safetensors_header import read_header
from seqspec.schema.diagnostic import DataError


def file_of(place, header, data=b"", *, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = place / "model.safetensors"
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


ONE = {"w": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}}


def test_names_kinds_shapes_and_places_are_read(tmp_path):
    path = file_of(tmp_path, {"__metadata__": {"format": "pt"}, **ONE}, bytes(8))

    (tensor,) = read_header(path).values()

    assert (tensor.kind, tensor.shape, tensor.end - tensor.begin) == ("F32", (2, 1), 8)
    assert tensor.end == path.stat().st_size


@pytest.mark.parametrize(
    ("header", "data", "length", "said"),
    [
        (ONE, bytes(7), None, "the download was cut off"),
        (ONE, bytes(9), None, "1 bytes behind its last tensor"),
        (ONE, b"", 1 << 20, "the download was cut off"),
        (ONE, b"", 1 << 62, "is no safetensors file"),
        (b"[]", b"", None, "holds no JSON object"),
        (b"{", b"", None, "is not whole"),
        (b'{"a": NaN}', b"", None, "is no number of JSON"),
        (b'{"a": 1, "a": 2}', b"", None, "stands twice"),
        (b"\xff\xfe", b"", None, "is not whole"),
        (b"[" * 100_000, b"", None, "is nested too deeply"),
        ({"w": 3}, b"", None, "nothing that can be understood of 'w'"),
        ({"w": {**ONE["w"], "dtype": "F31"}}, bytes(8), None, "nothing that can be understood"),
        ({"w": {**ONE["w"], "shape": [-2, -1]}}, bytes(8), None, "nothing that can be understood"),
        ({"w": {**ONE["w"], "shape": [2.0]}}, bytes(8), None, "nothing that can be understood"),
        ({"w": {**ONE["w"], "shape": [3]}}, bytes(8), None, "a size that is not that of its shape [3]"),
        ({"w": {**ONE["w"], "data_offsets": [4, 12]}}, bytes(12), None, "has holes"),
        ({**ONE, "v": ONE["w"]}, bytes(8), None, "tensors that overlap"),
    ],
)  # fmt: skip
def test_what_is_no_whole_file_is_told(tmp_path, header, data, length, said):
    path = file_of(tmp_path, header, data, length=length)

    with pytest.raises(DataError) as raised:
        read_header(path)

    assert said in str(raised.value)
    assert raised.value.code == "SQ272"


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!DOCTYPE html><title>Not found</title>", "a page of the web"),
        (b"PK\x03\x04" + bytes(40), "a zip archive"),
        (b"\x80\x02}q\x00X\x01\x00\x00\x00a", "is a pickle"),
    ],
)
def test_what_stands_in_place_of_the_weights_is_named(tmp_path, begin, said):
    path = tmp_path / "model.safetensors"
    path.write_bytes(begin)

    with pytest.raises(DataError, match=said) as raised:
        read_header(path)
    assert raised.value.code == "SQ272"


def test_an_empty_file_is_told(tmp_path):
    (tmp_path / "model.safetensors").touch()

    with pytest.raises(DataError, match="is empty"):
        read_header(tmp_path / "model.safetensors")
