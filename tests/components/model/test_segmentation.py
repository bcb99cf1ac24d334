"""Masks: networks of the literature, losses by hand, metrics over a split."""

import numpy as np
import pytest
import torch

from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.components.loss.dice import Dice
from seqspec.components.loss.lovasz import Lovasz, jaccard_slopes
from seqspec.components.metric.mean_iou import MeanIou
from seqspec.components.metric.pixel_accuracy import PixelAccuracy
from seqspec.components.predictions import MaskPrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Classes, Image, Mask, PixelLogits, Vector
from tests.components.building import build, count, faults

CORPUS = {"source": Image(3, 12, 10), "target": Mask(3, 12, 10, ignore=255)}
SMALL = {"type": "segmentation", "encoder": {"type": "unet", "channels": 4, "halvings": 2}}


def loss(name, source, **settings):
    config = Catalogue().config("loss", name).model_validate(settings, context=Catalogue())
    return Catalogue().module("loss", name)(config, source)


def batch(rows=2):
    x = torch.rand(rows, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    mask = torch.randint(3, (rows, 12, 10), generator=torch.Generator().manual_seed(1))
    mask[:, :2] = 255
    return Batch.pair(x, None, mask, None, torch.arange(rows))


@pytest.mark.parametrize(
    ("encoder", "classes", "expected"),
    [
        ({"type": "unet"}, 1, 31_037_633),
        ({"type": "unet"}, 21, 31_038_933),
        ({"type": "unet", "up": "bilinear"}, 1, 17_262_977),
        ({"type": "unet", "channels": 16, "halvings": 2}, 3, 117_395),
        ({"type": "fcn"}, 21, 32_957_013),
        ({"type": "fcn", "depth": 101}, 21, 51_949_141),
        ({"type": "deeplab_v3_plus"}, 21, 39_761_845),
        ({"type": "deeplab_v3_plus", "depth": 101}, 21, 58_753_973),
    ],
)
def test_networks_have_the_published_number_of_parameters(encoder, classes, expected):
    corpus = {"source": Image(3, 64, 64), "target": Mask(classes, 64, 64)}

    assert count(build({"type": "segmentation", "encoder": encoder}, corpus, device="meta").model) == expected


@pytest.mark.parametrize(
    "encoder",
    [{"type": "unet", "channels": 4, "halvings": 2}, {"type": "unet", "channels": 4, "halvings": 1, "up": "bilinear"},
     {"type": "fcn", "depth": 18, "stride": 16}, {"type": "deeplab_v3_plus", "depth": 18}],
)  # fmt: skip
def test_every_encoder_scores_every_pixel_and_learns(encoder):
    built = build({**SMALL, "encoder": encoder}, CORPUS)
    output = built.model.outputs(batch())["pixels"]
    CrossEntropy(Catalogue().config("loss", "cross_entropy")(), built.gives)(*output).total.backward()

    assert built.gives == PixelLogits(3, ignore=255)
    assert output.logits_BVHW.shape == (2, 3, 12, 10)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in built.model.parameters())


def test_pixels_without_a_class_count_in_no_loss():
    torch.manual_seed(0)
    logits, mask = torch.randn(2, 3, 4, 5), torch.randint(3, (2, 4, 5))
    mask[0, 0] = mask[1, 1:] = 255
    changed = logits.clone()
    changed[0, :, 0] += 9
    changed[1, :, 1:] -= 9

    theirs = sum(
        torch.nn.functional.cross_entropy(logits[n : n + 1], mask[n : n + 1], ignore_index=255)
        for n in (0, 1)
    )
    for name in ("cross_entropy", "dice", "lovasz"):
        criterion = loss(name, PixelLogits(3, ignore=255))
        torch.testing.assert_close(criterion(logits, mask).total, criterion(changed, mask).total)
    torch.testing.assert_close(loss("cross_entropy", PixelLogits(3, 255))(logits, mask).total, theirs)
    nothing = torch.full_like(mask, 255)
    assert float(loss("cross_entropy", PixelLogits(3, 255))(logits, nothing).total) == 0.0


def test_overlaps_are_those_of_the_papers():
    sure = torch.tensor([[[[9.0, -9.0]], [[-9.0, 9.0]]]]) * 9  # one row of two pixels: classes 0 and 1
    right, wrong = torch.tensor([[[0, 1]]]), torch.tensor([[[1, 0]]])
    dice, lovasz = loss("dice", PixelLogits(2), smooth=1e-6), loss("lovasz", PixelLogits(2))

    assert float(dice(sure, right).total) == pytest.approx(0.0, abs=1e-5)
    assert float(dice(sure, wrong).total) == pytest.approx(1.0, abs=1e-5)
    assert float(lovasz(sure, right).total) == pytest.approx(0.0, abs=1e-5)
    assert float(lovasz(sure, wrong).total) == pytest.approx(1.0, abs=1e-5)
    # Of hard answers it is the Jaccard loss itself: two pixels of four are right, two of class 1 among them.
    hard = torch.tensor([[[0, 1, 1, 1]]])
    logits = torch.tensor([[[[9.0, -9, 9, -9]], [[-9.0, 9, -9, 9]]]]) * 9
    expected = ((1 - 1 / 2) + (1 - 2 / 3)) / 2
    assert float(lovasz(logits, hard).total) == pytest.approx(expected, abs=1e-5)
    slopes = jaccard_slopes(torch.tensor([[[1.0, 0, 1, 0]]]))
    assert float(slopes.sum()) == pytest.approx(1.0)


def test_whole_batches_and_background_are_choices():
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    mask = torch.randint(3, (2, 4, 5), generator=torch.Generator().manual_seed(1))
    totals = [
        float(loss("dice", PixelLogits(3), **settings)(logits, mask).total)
        for settings in ({}, {"over": "batch"}, {"background": False})
    ]

    assert len(set(totals)) == 3


def test_metrics_count_over_the_whole_split():
    takes = {"target": Mask(3, 1, 4, ignore=255)}
    labels = ("0", "1", "2")
    pairs = [([0, 0, 1, 1], [0, 1, 1, 255]), ([0, 0, 0, 0], [0, 0, 0, 255])]
    iou = MeanIou(Catalogue().config("metric", "mean_iou")(by_class=True), takes)
    accuracy = PixelAccuracy(Catalogue().config("metric", "pixel_accuracy")(by_class=True), takes)
    for metric in (iou, accuracy):
        for found, truth in pairs:
            predicted, reference = (MaskPrediction(np.array([row]), labels) for row in (found, truth))
            metric.update(*metric.measure(predicted, reference))

    assert iou.compute() == pytest.approx({"mean_iou": (4 / 5 + 1 / 2) / 2, "iou.0": 4 / 5, "iou.1": 1 / 2})
    assert accuracy.compute() == pytest.approx(
        {
            "pixel_accuracy": 5 / 6,
            "mean_class_accuracy": (1 + 1 / 2) / 2,
            "accuracy.0": 1.0,
            "accuracy.1": 1 / 2,
        }
    )


def test_answers_are_masks_and_what_is_shown_lies_over_the_image():
    model = build(SMALL, CORPUS).model.eval()
    mask = model.decode(batch())[0][0]
    shown = model.show(batch())

    assert mask.classes_HW.shape == (12, 10)
    assert mask.labels == ("0", "1", "2")
    assert {name: len(values) for name, values in shown.items()} == dict.fromkeys(shown, 2)
    assert shown["overlays"][0].pixels_CHW.shape == (3, 12, 10)
    assert model.references(batch())[0].classes_HW[0, 0] == 255
    assert model.score(batch()).shape == (2,)


def test_what_does_not_fit_is_told():
    assert "learns masks" in faults(SMALL, {**CORPUS, "target": Classes(3)})[0]
    assert "masks are 6 × 10" in faults(SMALL, {**CORPUS, "target": Mask(3, 6, 10)})[0]
    assert "features at places" in faults({**SMALL, "encoder": "lenet"}, CORPUS)[0]
    assert "cannot be halved 4 times" in faults({**SMALL, "encoder": "unet"}, CORPUS)[0]
    assert "reads images" in faults(SMALL, {**CORPUS, "source": Vector(3)})[0]
    with pytest.raises(Mismatch, match="compares masks"):
        Catalogue().config("metric", "mean_iou")().output({"target": Classes(3)})
    with pytest.raises(Mismatch, match="compares masks"):
        Catalogue().config("loss", "dice")().output(Vector(3))


def test_losses_are_of_their_names():
    assert isinstance(loss("dice", PixelLogits(3)), Dice)
    assert isinstance(loss("lovasz", PixelLogits(3)), Lovasz)
