"""Files that are not the corpus's."""

from __future__ import annotations

import numpy as np
import pytest

from seqspec.schema.diagnostic import DataError
from tests.components.adapter.cases import reader, synthetic


def test_every_clip_is_in_one_split_and_goes_on_where_it_was_cut(tmp_path):
    adapter = synthetic("moving_mnist", tmp_path, count=8, given=4)
    clips = np.load(tmp_path / "mnist_test_seq.npy")

    found = [record for split in adapter.splits() for record in adapter.examples(split)]

    assert [record["row"] for record in found] == list(range(10))
    for record in found:
        assert (record["source"].shape, record["target"].shape) == ((4, 4096), (16, 4096))
        whole = np.concatenate([record["source"], record["target"]]).reshape(20, 64, 64)
        assert (np.round(whole * 255) == clips[:, record["row"]]).all()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (np.zeros((20, 3, 64, 65), np.uint8), r"uint8 \[20, 3, 64, 65\], not uint8 \[20, N, 64, 64\]"),
        (np.zeros((20, 3, 64, 64), np.float32), "float32"),
        (np.array([{}], dtype=object), "no array of numpy"),
        (None, "no array of numpy"),
    ],
)
def test_another_array_is_told_by_its_shape(tmp_path, content, why):
    path = tmp_path / "mnist_test_seq.npy"
    if content is None:
        path.write_bytes(b"\x93NUMPY\x01")
    else:
        np.save(path, content, allow_pickle=True)

    with pytest.raises(DataError, match=why):
        list(reader("moving_mnist", tmp_path).examples("train"))
