"""What a model of images shows of itself at the end of a run: samples, reconstructions, masks; as PNG files
below the run's predictions.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqspec.components.mask_colours import coloured
from seqspec.components.predictions import ImagePrediction, MaskPrediction
from seqspec.data.batching.batch import Batch
from seqspec.data.seeds import seed_of
from seqspec.data.store.durable import write_durably
from seqspec.pages.media import png
from seqspec.runtime.evaluation.collapse import collapsed
from seqspec.runtime.evaluation.evaluator import to_device

Shown = Mapping[str, Sequence[ImagePrediction | MaskPrediction]]


def show_images(
    predictions: Path, model: Any, batch: Batch, *, device: torch.device, seed: int, search: Any = None
) -> None:
    """Write what ``model.show(batch, search)`` gives, ``<name>/<number>.png``, and warn where the model has
    collapsed; nothing of a model without it.
    """
    if not hasattr(model, "show"):
        return
    was_training = model.training
    model.eval()
    torch.manual_seed(seed_of(seed, "shown images"))
    with torch.no_grad():
        shown: Shown = model.show(to_device(batch, device), search)
        samples = [one for one in shown.get("samples", ()) if isinstance(one, ImagePrediction)]
        for line in collapsed(model, to_device(batch, device), samples):
            print(f"warning: {line}", file=sys.stderr)
    model.train(was_training)
    for name, values in shown.items():
        folder = predictions / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number, value in enumerate(values):
            write_durably(folder / f"{number:03d}.png", png(_pixels(value)))


def _pixels(value: ImagePrediction | MaskPrediction) -> NDArray[np.uint8]:
    """``[C, H, W]``: an image as it is, a mask in the colours of its classes."""
    return value.pixels_CHW if isinstance(value, ImagePrediction) else coloured(value)
