"""Films that are folders of frames: whole pieces in order, and what is wrong with a folder in one message."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seqspec.data.corpus.record import BadRow
from seqspec.schema.diagnostic import DataError
from tests.components.adapter.cases import reader


def clip(folder, *numbers, name="{:04d}.png", size=(8, 6)):
    """Frames that are as bright as their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.new("L", size, number).save(folder / name.format(number))


def rows(root, split="train", **keys):
    adapter = reader("frame_folder", root, **{"height": 6, "width": 8, "given": 2, "following": 1} | keys)
    return list(adapter.examples(split)), adapter


def test_a_long_clip_is_cut_into_pieces_and_the_rest_is_counted(tmp_path):
    clip(tmp_path / "train" / "drive" / "left", *range(9, 17), name="img_{}.jpg")
    clip(tmp_path / "train" / "b", 1, 2, 3)
    (tmp_path / "train" / "b" / ".hidden.png").touch()
    (tmp_path / "train" / "b" / "notes.txt").touch()

    found, adapter = rows(tmp_path)

    assert [one["id"] for one in found] == ["b:0", "drive/left:0", "drive/left:3"]
    brightness = [np.concatenate([one["source"], one["target"]]).mean(1) * 255 for one in found]
    np.testing.assert_allclose(brightness, [[1, 2, 3], [9, 10, 11], [12, 13, 14]], atol=1)
    assert [one["source"].shape for one in found] == [(2, 48)] * 3
    assert adapter.passed_over("train") == {"frames behind the last 3 of their clips": 2}
    assert len(list(adapter.files("train"))) == 11


def test_numbers_are_compared_as_numbers(tmp_path):
    clip(tmp_path / "train" / "a", 8, 9, 10, name="f{}.png")

    ((one,), _) = rows(tmp_path)

    np.testing.assert_allclose(one["source"].mean(1) * 255, [8, 9])


def test_frames_of_another_size_are_scaled_where_the_spec_says_so(tmp_path):
    clip(tmp_path / "train" / "a", 1, 2, 3, size=(32, 24))

    (((bad,), _), ((one,), _)) = (rows(tmp_path, resize=resize) for resize in (False, True))

    assert isinstance(bad, BadRow)
    assert bad.reason == "the image is 24 × 32, not 6 × 8"
    assert "resize: true" in bad.remedy
    assert one["source"].shape == (2, 48)


def gap(folder):
    clip(folder, 1, 2, 5)


def of_two_sizes(folder):
    clip(folder, 1, 2)
    clip(folder, 3, size=(9, 6))


def one_frame(folder):
    clip(folder, 1)


def unreadable(folder):
    clip(folder, 1, 2)
    (folder / "0003.png").write_bytes(b"\x89PNG\r\n")


def emptied(folder):
    clip(folder, 1, 2)
    (folder / "0003.png").touch()


def without_number(folder):
    clip(folder, 1, 2, 3)
    clip(folder, 4, name="thumb.png")


def twice(folder):
    clip(folder, 1, 2, 3)
    clip(folder, 3, name="3.png")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (gap, "between `0002.png` and `0005.png` the clip lacks 2 frames"),
        (of_two_sizes, "the frame `0003.png` is 6 × 9, and the first one, `0001.png`, 6 × 8"),
        (one_frame, "the clip has 1 frame, and 3 are read: 2 given and 1 that follow"),
        (unreadable, "the image cannot be read: it is damaged or of another format"),
        (emptied, "the image cannot be read: the file is empty"),
        (without_number, "`thumb.png` has no number, which says where in the clip it stands"),
        (twice, "`0003.png` and `3.png` are both frame 3"),
    ],
)
@pytest.mark.parametrize("resize", [False, True])
def test_what_is_wrong_with_a_clip_is_said_and_the_others_are_read(tmp_path, spoil, why, resize):
    spoil(tmp_path / "train" / "a")
    clip(tmp_path / "train" / "b", 1, 2, 3)

    (bad, good), _ = rows(tmp_path, resize=resize)

    assert isinstance(bad, BadRow)
    assert bad.reason == why
    assert "train/a" in bad.file
    assert good["id"] == "b:0"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda root: None, "there is no folder"),
        (lambda root: clip(root / "train", 1, 2, 3), "3 images that stand in no folder of a clip"),
        (lambda root: clip(root / "train" / "a", 1, name="{}.tif"), "suffix .tif, which is not read"),
        (lambda root: clip(root / "train" / "a", 1, name="{}.gif"), "suffix .gif, which is not read"),
    ],
)
def test_a_split_without_clips_is_told_what_lies_there(tmp_path, made, why):
    made(tmp_path)

    with pytest.raises(DataError) as caught:
        rows(tmp_path)

    assert why in f"{caught.value.message} {caught.value.help}"
