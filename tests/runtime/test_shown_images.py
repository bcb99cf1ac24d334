"""Images that a model shows become PNG files, and grids of the report."""

import io

import numpy as np
import pytest
import torch

from seqspec.components.mask_colours import coloured, palette
from seqspec.components.predictions import ImagePrediction, MaskPrediction
from seqspec.data.batching.batch import Batch
from seqspec.pages.media import Room, png
from seqspec.runtime.evaluation.shown_images import show_images
from seqspec.runtime.report.image_grids import image_grids

BATCH = Batch.pair(torch.zeros(1, 1, 2, 2), None, torch.zeros(1, dtype=torch.int64), None, torch.arange(1))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_holds_the_pixels(channels):
    image_module = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (channels, 3, 5)).astype(np.uint8)

    read = np.asarray(image_module.open(io.BytesIO(png(pixels))))

    assert (read.reshape(3, 5, channels).transpose(2, 0, 1) == pixels).all()


def test_masks_have_the_colours_of_their_classes():
    mask = MaskPrediction(np.array([[0, 1], [255, 2]]), ("a", "b", "c"))

    assert coloured(mask)[:, 0, 1].tolist() == [128, 0, 0]
    assert coloured(mask)[:, 1, 0].tolist() == [224, 224, 192]  # the void of Pascal VOC
    assert len({tuple(colour) for colour in palette().tolist()}) == 256


class Model(torch.nn.Module):
    def show(self, batch, search=None):
        value = int(torch.randint(200, ()))
        return {"samples": [ImagePrediction(np.full((1, 2, 2), value, np.uint8))] * 3}


def test_samples_are_files_of_the_run_and_a_grid_of_the_report(tmp_path):
    for _ in range(2):
        show_images(tmp_path, Model(), BATCH, device=torch.device("cpu"), seed=1)

    files = sorted(path.name for path in (tmp_path / "samples").iterdir())
    (page,) = image_grids(tmp_path, Room())

    assert files == ["000.png", "001.png", "002.png"]
    assert page.body.count("data:image/png;base64,") == 3
    assert "Images: samples" in page.title


def test_other_models_show_nothing(tmp_path):
    show_images(tmp_path, torch.nn.Linear(1, 1), BATCH, device=torch.device("cpu"), seed=1)

    assert list(tmp_path.iterdir()) == []
    assert list(image_grids(tmp_path, Room())) == []
