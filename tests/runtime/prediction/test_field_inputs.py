"""Inputs whose files the adapter says how to read: point clouds and clips."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqspec.components.adapter._point_files import draw
from seqspec.components.predictions import LabelPrediction, PointsPrediction, VideoPrediction
from seqspec.runtime.prediction.field_inputs import (
    field_inputs,
    field_values,
    input_files_of,
    one_input,
    require_fields,
    told_fields,
)
from seqspec.runtime.prediction.predictor import Predictor
from seqspec.runtime.prediction.value_files import written_to
from seqspec.schema.diagnostic import RunError
from tests.components.adapter.cases import reader, synthetic

PARTS = "shapenetcore_partanno_segmentation_benchmark_v0_normal"


def predictor(adapter, search):
    roles = adapter.config.roles()
    categories = tuple(str(number) for number in range(16))
    return Predictor(
        search, field_values, roles["source"], 4096, classes={"category": categories},
        types={"target": roles["target"]}, read=partial(one_input, files=input_files_of(adapter)),
    )  # fmt: skip


def above(batch):
    """Part 36 or 37 of each point, by the side of the middle that it lies on; the category is read."""
    assert batch.fields["category"].values.tolist() == [11] * len(batch.index)
    return [
        [PointsPrediction(36 + (points[:, 0] > 0).long().numpy(), points.numpy())] for points in batch.source
    ]


def answered(adapter, search, *paths, **given):
    files = input_files_of(adapter)
    inputs = list(field_inputs([str(path) for path in paths], files, given=given))
    return list(predictor(adapter, search)(inputs))


@pytest.fixture
def points(tmp_path):
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 3)) * 7 + 1000


def test_every_point_of_a_file_has_a_class_in_the_files_own_order_and_places(points, tmp_path):
    adapter = reader("shapenet_part", tmp_path, num_points=64)
    np.savetxt(tmp_path / "a.txt", points)
    np.save(tmp_path / "b.npy", points)
    (tmp_path / "Mug").mkdir()
    header = "\n".join(["300", *(" ".join(map(str, row)) for row in points.tolist())])
    (tmp_path / "Mug" / "c.pts").write_text(header + "\n", "utf-8")

    found = answered(adapter, above, tmp_path / "a.txt", tmp_path / "b.npy", category="Mug")
    found += answered(adapter, above, tmp_path / "Mug" / "c.pts")
    written = list(written_to(tmp_path / "out", iter(found)))

    for one in found:
        (told,) = one.hypotheses
        np.testing.assert_allclose(told.points_NC, points)
        path = Path(one.input.name)
        seen = points[draw(f"{path.parent.name}/{path.stem}", 300, 64)]
        nearest = np.linalg.norm(points[:, None] - seen, axis=2).argmin(1)
        assert (told.classes_N == 36 + (seen[:, 0] > seen[:, 0].mean())[nearest]).all()
    names = [one.hypotheses[0].names for one in written]
    assert names == [("a.txt", "a.svg"), ("b.txt", "b.svg"), ("c.txt", "c.svg")]
    again = answered(adapter, above, tmp_path / "out" / "c.txt", category="03797390")
    assert again[0].error is None, "what was written is read again"


def test_a_thing_of_the_corpus_is_read_as_in_training(tmp_path):
    adapter = synthetic("shapenet_part", tmp_path, count=4, num_points=32, normals=True)
    record = next(one for one in adapter.examples("train") if one["category"] == "11")

    (fields,) = input_files_of(adapter).read(tmp_path / PARTS / f"{record['id']}.txt", {})

    assert (fields.fields["source"] == record["source"]).all()
    assert fields.fields["category"] == "11"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.txt", "", "the file is empty"),
        ("a.npy", "", "the file is empty"),
        ("a.txt", "1 2\n", "a point has 2 numbers"),
        ("a.txt", "1 2 3\n1 2\n", r"the point has 2 numbers, and the first one 3 \(.*a.txt:2\)"),
        ("a.txt", "1 2 nan\n" + "1 2 3\n" * 20, "point 1 has a number that is not finite"),
        ("a.txt", "1 2 3\n4 5 6\n", "2 points, and the run reads sets of 64"),
        ("a.txt", "1 2 3\n" * 20, "all points lie at one place"),
        ("a.txt", "x y z\n", "does not hold the numbers of a point"),
        ("a.pts", "9\n1 2 3\n", "promises 9 points, and 1 follow"),
        ("a.npy", "x", "no array of numpy"),
    ],
)
def test_a_broken_point_file_has_one_message(tmp_path, name, content, why):
    adapter = reader("shapenet_part", tmp_path, num_points=64)
    (tmp_path / name).write_text(content, "utf-8")

    (one,) = answered(adapter, above, tmp_path / name, category="Mug")

    assert not one.hypotheses
    with pytest.raises(type(one.error), match=why):
        raise one.error


def test_a_mesh_and_its_points_have_one_class(tmp_path):
    adapter = synthetic("point_cloud", tmp_path, count=3, num_points=64)
    mesh = next(tmp_path.rglob("train/*.off"))
    record = next(one for one in adapter.examples("train") if one["file"] == str(mesh))
    np.savetxt(tmp_path / "points.xyz", record["source"])

    def search(batch):
        (deep,) = {tuple(points.shape) for points in batch.source}
        return [[LabelPrediction(f"{deep}", 0.0)] for _ in batch.index]

    files = input_files_of(adapter)
    (fields,) = files.read(mesh, {})
    found = [
        search_one
        for path in (mesh, tmp_path / "points.xyz")
        for search_one in Predictor(search, field_values, adapter.config.roles()["source"], 4096)(
            field_inputs([str(path)], files, given={})
        )
    ]

    assert (fields.fields["source"] == record["source"]).all()
    assert [one.hypotheses[0].label for one in found] == ["(64, 3)", "(64, 3)"]


def test_clips_go_on_as_long_as_the_corpus_does(tmp_path):
    adapter = synthetic("moving_mnist", tmp_path, count=2, given=4)
    clips = np.load(tmp_path / "mnist_test_seq.npy")
    np.save(tmp_path / "one.npy", clips[:4, 1])
    np.save(tmp_path / "floats.npy", (clips[:4, 1] / 255).astype(np.float64))
    frames = [Image.fromarray(frame) for frame in clips[:4, 1]]
    frames[0].save(tmp_path / "one.gif", save_all=True, append_images=frames[1:], duration=100)

    def search(batch):
        assert batch.target.shape[1:] == (16, 4096)
        return [[VideoPrediction(x.numpy().reshape(4, 64, 64), x.numpy())] for x in batch.source]

    paths = [tmp_path / name for name in ("mnist_test_seq.npy", "one.npy", "floats.npy", "one.gif")]
    found = answered(adapter, search, *paths)

    read = [one.hypotheses[0].frames_THW for one in found]
    assert [one.input.id for one in found[:2]] == ["mnist_test_seq_clip_1", "mnist_test_seq_clip_2"]
    for frames_THW in read[1:]:
        np.testing.assert_allclose(frames_THW * 255, clips[:4, 1], atol=1e-4)


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (np.zeros((7, 64, 64), np.uint8), "7 frames, and the run goes on from 4"),
        (np.zeros((4, 32, 64), np.uint8), "32 × 64, and the run reads 64 × 64"),
        (np.zeros((4, 64, 64)) + 2, "float64 from 2 to 2, neither uint8"),
        (np.full((4, 64, 64), np.nan), "not finite"),
        (np.zeros((4, 0, 64, 64), np.uint8), "no clip"),
        (np.zeros(4), "not clips"),
    ],
)
def test_a_broken_clip_has_one_message(tmp_path, array, why):
    adapter = reader("moving_mnist", tmp_path, given=4)
    np.save(tmp_path / "a.npy", array)

    (one,) = answered(adapter, None, tmp_path / "a.npy")

    with pytest.raises(type(one.error), match=why):
        raise one.error


def test_what_a_person_says_of_an_input_is_a_field_of_the_run(tmp_path):
    adapter = reader("shapenet_part", tmp_path)

    assert told_fields(["category=Mug"]) == {"category": "Mug"}
    for wrong in (["category"], ["=Mug"]):
        with pytest.raises(RunError, match="is no FIELD=VALUE"):
            told_fields(wrong)
    with pytest.raises(RunError, match="no field `speaker`"):
        require_fields({"speaker": "a"}, {"category": ("0",)})
    with pytest.raises(RunError, match="reads point clouds: name the files"):
        list(field_inputs([], input_files_of(adapter), given={}))
    np.savetxt(tmp_path / "a.txt", np.eye(3).repeat(100, 0))
    errors = [
        answered(adapter, above, tmp_path / "a.txt", **given)[0].error for given in ({}, {"category": "x"})
    ]
    assert ["nothing says" in str(errors[0]), "no category" in str(errors[1])] == [True, True]
