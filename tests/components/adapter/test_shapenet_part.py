"""Things that are not what the corpus promises."""

from __future__ import annotations

import numpy as np
import pytest

from seqspec.data.corpus.record import BadRow
from seqspec.schema.diagnostic import DataError
from tests.components.adapter.cases import reader, synthetic

NAME = "shapenetcore_partanno_segmentation_benchmark_v0_normal"


def test_things_lie_in_the_unit_ball_with_parts_of_their_category(tmp_path):
    adapter = synthetic("shapenet_part", tmp_path, num_points=50, normals=True)

    for record in adapter.examples("train"):
        points, parts = record["source"], record["target"]
        assert points.shape == (50, 6)
        assert np.linalg.norm(points[:, :3], axis=1).max() == pytest.approx(1.0, abs=1e-5)
        assert np.linalg.norm(points[:, 3:], axis=1) == pytest.approx(1.0, abs=1e-5)
        first = adapter.config.first[int(record["category"])]
        assert first <= parts.min() <= parts.max() <= first + 2


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("0 0 0 1 0 0", "has 6 numbers, not 7"),
        ("0 0 nan 1 0 0 22", "not finite"),
        ("0 0 x 1 0 0 22", "numbers it should"),
        ("0 0 0 1 0 0 24", "no part of Knife: 22 to 23"),
    ],
)
def test_a_broken_point_is_a_bad_row(tmp_path, line, why):
    adapter = synthetic("shapenet_part", tmp_path)
    path = tmp_path / NAME / "03624134" / "train00000.txt"
    path.write_text(path.read_text() + line + "\n")

    first = next(iter(adapter.examples("train")))

    assert isinstance(first, BadRow)
    assert why in first.reason


def test_names_lead_nowhere_else_and_have_a_category(tmp_path):
    adapter = synthetic("shapenet_part", tmp_path)
    lists = tmp_path / NAME / "train_test_split" / "shuffled_val_file_list.json"
    lists.write_text('["shape_data/03624134/../../x"]')
    (row,) = adapter.examples("dev")
    assert isinstance(row, BadRow)
    assert "leads out of" in row.reason
    for text, why in [('["shape_data/1/x"]', "no category"), ("{", "no list")]:
        lists.write_text(text)
        with pytest.raises(DataError, match=why):
            list(reader("shapenet_part", tmp_path).examples("dev"))
