"""Augmentation of images: masks move with them, colours stay in range, and the generator decides."""

import pytest
import torch

from seqspec.components.augment._image import MaskStep
from seqspec.components.augment.rand_augment import NAMES, recoloured
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import Image

STEPS = {
    "flip": {}, "pad_crop": {"padding": 3}, "random_resized_crop": {}, "color_jitter": {}, "random_erasing": {},
    "rand_augment": {"num_layers": 3, "magnitude": 20},
}  # fmt: skip


def step(name, **settings):
    config = Catalogue().config("augment", name)(**(settings or STEPS[name]))
    return Catalogue().module("augment", name)(config, Image(3, 12, 10))


def generator(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", STEPS)
def test_the_generator_decides_and_size_and_range_stay(name):
    augment, x = step(name), torch.rand(3, 12, 10, generator=generator(0))
    before = x.clone()

    made = [augment(x, generator(seed)) for seed in range(12)]

    assert all(torch.equal(one, augment(x, generator(seed))) for seed, one in enumerate(made))
    assert all(one.shape == x.shape and one.min() >= 0 and one.max() <= 1 + 1e-5 for one in made)
    assert any(not torch.equal(one, x) for one in made)
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", ["flip", "pad_crop"])
def test_a_mask_moves_exactly_as_its_image(name):
    classes = torch.randint(1, 4, (12, 10), generator=generator(0))
    image = classes[None].float().expand(3, -1, -1)
    augment, masked = step(name), MaskStep(step(name), ignore=None)

    for seed in range(8):
        assert torch.equal(augment(image, generator(seed))[0], masked(classes, generator(seed)).float())


@pytest.mark.parametrize("name", ["random_resized_crop", "rand_augment"])
def test_a_mask_follows_where_its_image_is_interpolated(name):
    classes = torch.zeros(12, 10, dtype=torch.int64)
    classes[4:8, 3:7] = 1
    image = classes[None].float().expand(3, -1, -1)
    moves = [name for name in NAMES if name.startswith(("rotate", "shear", "translate"))]
    augment, masked = step(name), MaskStep(step(name), ignore=255)

    for seed in range(30):
        drawn = augment.draw(12, 10, generator(seed))
        if name == "rand_augment" and any(change.name not in (*moves, "identity") for change in drawn):
            continue
        seen, mask = augment(image, generator(seed))[0], masked(classes, generator(seed))
        assert set(mask.unique().tolist()) <= {0, 1, 255}
        sure = (seen < 0.05) | (seen > 0.95)
        assert torch.equal((seen > 0.5)[sure & (mask != 255)], (mask == 1)[sure & (mask != 255)])


def test_pixels_from_beyond_the_edge_have_no_class():
    mask = MaskStep(step("pad_crop"), ignore=255)(torch.ones(12, 10, dtype=torch.int64), generator(3))

    assert set(mask.unique().tolist()) == {1, 255}


def test_colours_change_as_named():
    x = torch.rand(3, 6, 6, generator=generator(0)) * 0.5 + 0.2

    stretched = recoloured(x, "auto_contrast", 0.3, 1)
    torch.testing.assert_close(stretched.amin((1, 2)), torch.zeros(3))
    torch.testing.assert_close(stretched.amax((1, 2)), torch.ones(3))
    assert torch.equal(recoloured(x, "identity", 1.0, 1), x)
    grey = recoloured(x, "color", 1.0, -1)
    assert float((grey - grey.mean(0)).abs().max()) < 0.1 * float((x - x.mean(0)).abs().max()) + 1e-6
    assert float(recoloured(x, "equalize", 1.0, 1).mean()) == pytest.approx(0.5, abs=0.05)
    torch.testing.assert_close(recoloured(x, "solarize", 1.0, 1), 1 - x)
    assert len(recoloured(x, "posterize", 1.0, 1).unique()) <= 16
