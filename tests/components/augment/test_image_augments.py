"""Augmentation of images."""

import pytest
import torch

from seqspec.components.augment.flip import Flip
from seqspec.components.augment.pad_crop import PadCrop
from seqspec.schema.augment.flip import FlipConfig
from seqspec.schema.augment.pad_crop import PadCropConfig
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Frames, Image

PICTURE = Image(channels=2, height=5, width=4)


def generator(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("axis", "dim"), [("left_right", 2), ("top_bottom", 1)])
def test_flip_mirrors_the_share_that_is_asked_for(axis, dim):
    augment, x = Flip(FlipConfig(axis=axis, chance=0.25), PICTURE), torch.rand(2, 5, 4)

    found = [augment(x, generator(seed)) for seed in range(400)]

    mirrored = sum(torch.equal(y, x.flip(dim)) for y in found)
    assert mirrored + sum(torch.equal(y, x) for y in found) == 400
    assert 70 < mirrored < 130


def test_crops_reach_every_place_and_keep_the_size():
    augment, x = PadCrop(PadCropConfig(padding=1), PICTURE), torch.zeros(2, 5, 4)
    x[:, 2, 2] = 1.0

    found = {tuple(augment(x, generator(seed))[0].nonzero()[0].tolist()) for seed in range(200)}

    assert found == {(row, column) for row in (1, 2, 3) for column in (1, 2, 3)}
    assert augment(x, generator(0)).shape == x.shape


@pytest.mark.parametrize("fill", ["reflect", "edge"])
def test_other_fills_add_no_zeros(fill):
    augment = PadCrop(PadCropConfig(padding=3, fill=fill), PICTURE)

    assert all((augment(torch.ones(2, 5, 4), generator(seed)) == 1).all() for seed in range(20))


def test_pictures_are_needed_and_mirrored_pixels_must_exist():
    for config in (FlipConfig(), PadCropConfig()):
        with pytest.raises(Mismatch, match="images"):
            config.output(Frames(4))
    with pytest.raises(Mismatch, match="mirrored") as caught:
        PadCropConfig(fill="reflect").output(PICTURE)
    assert caught.value.at == ("padding",)
