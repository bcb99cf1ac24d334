"""Uploads of files that the run's adapter reads."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest

from seqspec.runtime.serving.limits import Refused
from seqspec.runtime.serving.served_model import file_input, what_it_takes
from tests.components.adapter.cases import reader


def saved(array: np.ndarray) -> bytes:
    held = io.BytesIO()
    np.save(held, array)
    return held.getvalue()


@pytest.fixture
def served(tmp_path):
    adapter = reader("shapenet_part", tmp_path, num_points=16)
    return SimpleNamespace(
        opened=SimpleNamespace(
            parts=SimpleNamespace(adapter=adapter), predictor=SimpleNamespace(prompts=False, source=None)
        )
    )


def test_points_are_read_before_they_wait(served):
    points = np.random.default_rng(0).normal(size=(40, 3))

    one = file_input(saved(points), served, number=0, name="../x.npy", given={"category": "Mug"})

    assert what_it_takes(served.opened) == "point clouds"
    assert one.name == "upload 0"
    assert one.value.fields["source"].shape == (16, 3)
    assert one.value.fields["category"] == "11"


@pytest.mark.parametrize(
    ("data", "name", "given", "status", "why"),
    [
        (b"", "a.npy", {"category": "Mug"}, 422, "empty"),
        (b"x", "a.npy", {"category": "Mug"}, 422, "no array"),
        (b"1 2\n", "a.txt", {"category": "Mug"}, 422, "2 numbers"),
        (saved(np.eye(3).repeat(9, 0)), "a.npy", {}, 422, "what kind of thing"),
        (b"1 2 3\n", "a.exe", {"category": "Mug"}, 415, "must be called"),
    ],
)
def test_what_is_no_cloud_is_refused(served, data, name, given, status, why):
    with pytest.raises(Refused, match=why) as refused:
        file_input(data, served, number=0, name=name, given=given)

    assert refused.value.status == status
