"""Corpora of images with masks, and masks that are not as they should be."""

import numpy as np
import pytest

from seqspec.data.corpus.images import read_mask, write_image
from seqspec.data.corpus.record import BadRow
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Image, Mask
from tests.components.adapter.cases import reader, synthetic

pytest.importorskip("PIL.Image")
SIZE = {"height": 6, "width": 8}


@pytest.mark.parametrize(
    ("name", "classes"), [("pascal_voc", 21), ("oxford_pet", 3), ("ade20k", 150), ("cityscapes", 19)]
)
def test_numbers_in_files_become_classes(name, classes, tmp_path):
    synthetic(name, tmp_path, **SIZE)
    corpus = reader(name, tmp_path, **SIZE)

    rows = list(corpus.examples("train"))

    assert corpus.config.roles() == {"source": Image(3, 6, 8), "target": Mask(classes, 6, 8, ignore=255)}
    masks = np.stack([row["target"] for row in rows])
    assert masks.shape[1:] == (1, 6, 8)
    assert set(np.unique(masks)) <= {*range(classes), 255}
    assert len(np.unique(masks)) >= 3


def test_numbers_are_those_of_the_corpora():
    names = ("pascal_voc", "oxford_pet", "ade20k", "cityscapes")
    tables = {name: Catalogue().module("adapter", name).numbers for name in names}

    assert [int(tables["oxford_pet"][n]) for n in (1, 2, 3)] == [0, 1, 2]
    assert [int(tables["ade20k"][n]) for n in (0, 1, 150)] == [255, 0, 149]
    assert [int(tables["cityscapes"][n]) for n in (0, 7, 8, 11, 26, 33, 255)] == [255, 0, 1, 2, 13, 18, 255]
    assert [int(tables["pascal_voc"][n]) for n in (0, 20, 255)] == [0, 20, 255]


def test_masks_that_do_not_fit_are_told_with_their_file(tmp_path):
    synthetic("oxford_pet", tmp_path, **SIZE)
    masks = sorted((tmp_path / "annotations/trimaps").glob("*train*.png"))
    write_image(masks[0], np.full((1, 6, 8), 7, np.uint8))
    write_image(masks[1], np.full((1, 3, 8), 1, np.uint8))
    write_image(masks[2], np.full((3, 6, 8), 1, np.uint8))
    masks[3].unlink()

    rows = reader("oxford_pet", tmp_path, **SIZE).examples("train")
    bad = {row.file: row.reason for row in rows if isinstance(row, BadRow)}

    assert "the class 7, and there are 3, and 255" in bad[str(masks[0])]
    assert "the mask is 3 × 8 and its image" in bad[str(masks[1])]
    assert "in colour" in bad[str(masks[2])]
    assert "does not exist" in bad[str(masks[3])]


def test_pixels_without_a_class_must_be_named(tmp_path):
    path = tmp_path / "mask.png"
    write_image(path, np.array([[[0, 1], [255, 1]]], np.uint8))
    given = {"classes": 2, "height": 2, "width": 2, "resize": False}

    with pytest.raises(DataError, match="the class 255, and there are 2") as caught:
        read_mask(path, **given)

    assert "`ignore`" in caught.value.help
    assert read_mask(path, **given, ignore=255).tolist() == [[[0, 1], [255, 1]]]


@pytest.mark.parametrize(
    ("mask", "remedy"),
    [(np.full((1, 6, 9), 1), "`resize: true`"), (np.full((1, 6, 8), 5), "raise `classes`, or let `ignore`")],
)
def test_a_mask_of_a_table_is_told_with_what_mends_it(tmp_path, mask, remedy):
    write_image(tmp_path / "image.png", np.zeros((3, 6, 8), np.uint8))
    write_image(tmp_path / "mask.png", mask.astype(np.uint8))
    (tmp_path / "train.csv").write_text("image,mask\nimage.png,mask.png\n")
    source, target = ({which: which, **SIZE} for which in ("image", "mask"))
    table = {"splits": {"train": "train.csv"}, "source": source, "target": {**target, "classes": 3}}

    (row,) = reader("csv", tmp_path, **table).examples("train")

    assert isinstance(row, BadRow)
    assert remedy in row.remedy
