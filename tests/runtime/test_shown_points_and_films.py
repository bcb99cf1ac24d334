"""What a run of points or of films leaves to be looked at: the worst first, beside the truth."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.components.metric.psnr import Psnr
from seqspec.components.predictions import VideoPrediction
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.evaluator import MOST_SAMPLES, Measured, Sample, _to_look_at
from seqspec.runtime.run import run
from seqspec.schema.metric.psnr import PsnrConfig

SPECS = Path(__file__).parents[2] / "specs"
STEPS = ("train.max_steps=2", "train.checkpoint_every_steps=2", "evaluate.every_steps=2")


def ran(spec, place, *settings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(place / "cache"))
        overlays = [Overlay.profile("tiny"), *map(Overlay.set, (*STEPS, *settings))]
        compiled = compile_spec(SPECS / f"{spec}.yaml", overlays=overlays)
        return run(compiled, runs=place / "runs", launch=Launch(quiet=True, threads=1)).folder.path


def names(folder):
    return {file.name.split(".", 1)[1] for file in (folder / "predictions/dev.media").glob("0*")}


def test_parts_are_drawn_beside_the_truth(tmp_path):
    folder = ran("parts_shapenet", tmp_path, "data.source.synthetic=16")

    assert names(folder) == {"prediction.svg", "reference.svg"}
    scores = json.loads((folder / "predictions/dev.media/scores.json").read_text())
    values = [one["value"] for one in scores["worst"]]
    assert scores["metric"] == "part_iou"
    assert values == sorted(values)
    assert "Worst first" in (folder / "report.html").read_text()


def test_a_film_is_drawn_with_what_was_given_and_what_followed(tmp_path):
    folder = ran("video_moving_mnist", tmp_path, "data.source.synthetic=12")

    assert names(folder) == {"given.png", "prediction.png", "reference.png"}


def test_a_classified_cloud_is_drawn(tmp_path):
    folder = ran("point_modelnet40_pointnet2", tmp_path, "data.source.synthetic=12")

    assert names(folder) == {"source.svg"}


def test_some_from_all_over_a_split_and_the_worst_are_kept():
    frames = VideoPrediction(np.zeros((1, 2, 2), np.float32), np.zeros((1, 2, 2), np.float32))
    given = [
        Sample(row, frames, frames, Measured("psnr", 1000.0 if row % 50 else float(row), "higher"))
        for row in range(500)
    ]

    kept = []
    for start in range(0, 500, 7):
        kept = _to_look_at([*kept, *given[start : start + 7]])

    worst = set(range(0, 400, 50))
    others = [one.index for one in kept if one.index not in worst]
    assert worst < {one.index for one in kept}
    assert len(others) == MOST_SAMPLES - 1, "row 0 is both"
    assert {row // 125 for row in others} == {0, 1, 2, 3}, "of every quarter of the split"
    assert Measured("mse", 2.0, "lower").badness > Measured("mse", 1.0, "lower").badness


def test_an_example_alone_scores_as_a_split_of_one():
    metric = Psnr(PsnrConfig(), {})
    found = VideoPrediction(np.full((3, 2, 2), 0.5, np.float32), np.zeros((1, 2, 2), np.float32))
    truth = VideoPrediction(np.zeros((3, 2, 2), np.float32), np.zeros((1, 2, 2), np.float32))
    kept = metric.measure(found, truth)

    alone = metric.alone(*kept)

    assert metric.compute()["psnr"] == 0.0, "nothing was counted"
    metric.update(*kept)
    assert alone == metric.compute()["psnr"]
