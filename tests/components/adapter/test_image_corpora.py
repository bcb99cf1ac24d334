"""MNIST, CIFAR-10, image folders, COCO and meshes: the traps of each."""

from __future__ import annotations

import gzip
import json
import pickle
import struct

import numpy as np
import pytest

from seqspec.data.corpus.record import BadRow
from seqspec.schema.diagnostic import DataError

from .cases import reader, synthetic


def _idx(path, shape, content, magic=b"\0\0\x08"):
    path.write_bytes(magic + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content)


def _mnist(tmp_path, images=2, labels=2, **keys):
    _idx(tmp_path / "train-images-idx3-ubyte", (images, 28, 28), bytes(784 * images), **keys)
    _idx(tmp_path / "train-labels-idx1-ubyte", (labels,), bytes(range(9, 9 + labels)))
    return list(reader("mnist", tmp_path).examples("train"))


def test_mnist_plain_files_and_labels_beyond_nine(tmp_path):
    rows = _mnist(tmp_path)

    assert rows[0]["target"] == "9"
    assert rows[0]["source"].shape == (1, 28, 28)
    assert "no digit" in rows[1].reason


def test_mnist_counts_must_agree(tmp_path):
    with pytest.raises(DataError, match="2 images and 3 labels"):
        _mnist(tmp_path, labels=3)


def test_mnist_other_magic_is_refused(tmp_path):
    with pytest.raises(DataError, match="no idx file"):
        _mnist(tmp_path, magic=b"\0\0\x0d")


@pytest.mark.parametrize("content", [bytes(784), bytes(784 * 2 + 1), b""])
def test_mnist_sizes_must_be_as_promised(content, tmp_path):
    _mnist(tmp_path)
    _idx(tmp_path / "train-images-idx3-ubyte", (2, 28, 28), content)

    with pytest.raises(DataError, match="promises 1,568 bytes"):
        list(reader("mnist", tmp_path).examples("train"))


def test_mnist_headers_that_claim_much_ask_for_no_memory(tmp_path):
    _mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").unlink()
    head = b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 28, 28)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + bytes(1000)))

    with pytest.raises(DataError, match="claims"):
        list(reader("mnist", tmp_path).examples("train"))


def test_cifar10_names_classes_and_refuses_torn_files(tmp_path):
    synthetic("cifar10", tmp_path)
    path = tmp_path / "cifar-10-batches-bin" / "test_batch.bin"
    path.write_bytes(bytes([9]) + bytes(3072) + bytes([10]) + bytes(3072))
    rows = list(reader("cifar10", tmp_path).examples("test"))
    assert rows[0]["target"] == "truck"
    assert isinstance(rows[1], BadRow)

    path.write_bytes(bytes(3074))
    with pytest.raises(DataError, match="no whole number"):
        list(reader("cifar10", tmp_path).examples("test"))


class _Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle ran')",))


def test_cifar10_pickles_are_never_opened(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(pickle.dumps(_Bomb()))

    with pytest.raises(DataError, match="pickles"):
        list(reader("cifar10", tmp_path).examples("train"))


def test_image_folders_refuse_or_fit_other_sizes(tmp_path):
    pytest.importorskip("PIL")
    synthetic("image_folder", tmp_path, height=20, width=10)
    kept = list(reader("image_folder", tmp_path, height=8, width=8, resize=True).examples("train"))
    refused = list(reader("image_folder", tmp_path, height=8, width=8).examples("train"))

    assert {row["source"].shape for row in kept} == {(3, 8, 8)}
    assert all("20 × 10, not 8 × 8" in row.reason for row in refused)
    assert all(row.remedy.startswith("set `resize: true`") for row in refused)


def test_image_folders_tell_damaged_and_disguised_files(tmp_path):
    image = pytest.importorskip("PIL.Image")
    folder = tmp_path / "train" / "a"
    folder.mkdir(parents=True)
    image.new("P", (4, 4), 3).save(folder / "palette.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    (folder / "script.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n(%stdout) run")
    (folder / ".hidden.png").touch()
    (folder / "notes.txt").touch()
    rows = list(reader("image_folder", tmp_path, height=4, width=4).examples("train"))

    assert [isinstance(row, BadRow) for row in rows] == [True, False, True]
    assert rows[1]["source"].shape == (3, 4, 4)


def test_pictures_that_claim_much_are_refused_unopened(tmp_path, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    from seqspec.data.corpus import images as images

    monkeypatch.setattr(images, "MAX_PIXELS", 10)
    folder = tmp_path / "train" / "a"
    folder.mkdir(parents=True)
    image.new("RGB", (4, 4)).save(folder / "a.png")
    rows = list(reader("image_folder", tmp_path, height=4, width=4).examples("train"))

    assert "claims 4 × 4" in rows[0].reason


def _coco(tmp_path, whole):
    (tmp_path / "annotations").mkdir(exist_ok=True)
    (tmp_path / "annotations" / "captions_train2017.json").write_text(
        whole if isinstance(whole, str) else json.dumps(whole)
    )
    return list(reader("coco_captions", tmp_path, height=4, width=4).examples("train"))


def test_coco_order_missing_pictures_and_escapes(tmp_path):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "train2017").mkdir()
    image.new("L", (8, 8)).save(tmp_path / "train2017" / "2.jpg")
    names = {2: "2.jpg", 3: "../../../etc/passwd", 4: "4.jpg"}
    rows = _coco(
        tmp_path,
        {
            "images": [{"id": number, "file_name": name} for number, name in names.items()],
            "annotations": [
                {"id": id, "image_id": number, "caption": " a\n cat "}
                for id, number in ((9, 2), (5, 2), (1, 3), (2, 4), (3, 99))
            ],
        },
    )

    assert [(row["id"], row["target"], row["speaker"]) for row in rows[:2]] == [
        ("5", "a cat", "2"),
        ("9", "a cat", "2"),
    ]
    assert all(isinstance(row, BadRow) for row in rows[2:])
    assert "leads out" in rows[2].reason
    assert "does not exist" in rows[3].reason


@pytest.mark.parametrize(
    "whole", ["{", "[]", {"images": 3}, {"images": [{}], "annotations": []}, "[" * 100_000]
)
def test_coco_other_json_is_refused(whole, tmp_path):
    with pytest.raises(DataError, match="as COCO writes them"):
        _coco(tmp_path, whole)


def _mesh(tmp_path, text: str, **keys):
    folder = tmp_path / "ModelNet40" / "cube" / "train"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cube_0001.off").write_text(text)
    return next(iter(reader("point_cloud", tmp_path, num_points=200, **keys).examples("train")))


TETRAHEDRON = "0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 1 2\n3 0 1 3\n3 0 2 3\n3 1 2 3\n"


@pytest.mark.parametrize(
    "head", ["OFF\n4 4 6\n", "OFF4 4 6\n", "OFF 4 4 6\n", "OFF\n# made by hand\n\n4 4 0\n"]
)
def test_mesh_headers_in_every_form(head, tmp_path):
    points = _mesh(tmp_path, head + TETRAHEDRON)["source"]

    assert points.shape == (200, 3)
    assert np.abs(points.mean(axis=0)).max() < 1e-5
    assert np.linalg.norm(points, axis=1).max() == pytest.approx(1)


def test_points_lie_on_the_faces_in_proportion_to_area(tmp_path):
    from seqspec.components.adapter._off import read_off, sample_surface

    path = tmp_path / "a.off"
    path.write_text("OFF\n6 2 0\n0 0 0\n3 0 0\n0 1 0\n0 0 5\n1 0 5\n0 1 5\n3 0 1 2\n3 3 4 5\n")
    corners, triangles = read_off(path, corpus="")
    points = sample_surface(corners, triangles, num_points=20_000, rng=np.random.default_rng(0))
    low = points[:, 2] < 0

    assert low.mean() == pytest.approx(0.75, abs=0.02)
    assert np.unique(points[:, 2].round(4)).size == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PLY\n",
        "OFF\n",
        "OFF\n4 4\n0 0 0\n",
        "OFF4 99999999999 0\n" + TETRAHEDRON,
        "OFF4 4 6\n" + TETRAHEDRON.replace("3 1 2 3", "3 1 2 9"),
        "OFF4 4 6\n" + TETRAHEDRON.replace("3 1 2 3", "9 1 2 3"),
        "OFF4 4 6\n" + TETRAHEDRON.replace("1 0 0", "1 x 0", 1),
        "OFF4 4 6\n" + TETRAHEDRON.replace("1 0 0", "nan 0 0", 1),
        "OFF4 4 6\n" + TETRAHEDRON.replace("1 0 0", "1 0", 1),
        "OFF3 1 0\n0 0 0\n0 0 0\n0 0 0\n3 0 1 2\n",
    ],
)
def test_what_is_no_mesh_is_bad(text, tmp_path):
    assert isinstance(_mesh(tmp_path, text), BadRow)


def test_an_empty_image_is_called_empty(tmp_path):
    pytest.importorskip("PIL")
    synthetic("image_folder", tmp_path, height=8, width=8)
    first = next(reader("image_folder", tmp_path, height=8, width=8).files("train"))
    first.write_bytes(b"")

    row = next(reader("image_folder", tmp_path, height=8, width=8).examples("train"))

    assert row.reason == "the image cannot be read: the file is empty"
