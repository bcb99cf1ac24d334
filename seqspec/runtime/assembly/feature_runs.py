"""Classifier runs whose features metrics compare images by: opened, compared with this one, recorded."""

# B images, D features

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqspec.components.predictions import ImagePrediction
from seqspec.data.batching.batch import Batch
from seqspec.data.stages.normalize import Statistics, normalize_image
from seqspec.runtime.assembly.assembled import Record
from seqspec.runtime.assembly.metric_runs import Open, asked, give_runs, refused, run_folder
from seqspec.runtime.checkpoints.model_tensors import state_tensors
from seqspec.runtime.checkpoints.tensor_file import digest_all
from seqspec.schema.diagnostic import Exit
from seqspec.schema.metric._feature_run import FeatureRunConfig
from seqspec.schema.types import Logits

if TYPE_CHECKING:
    from seqspec.compile.build.program import Program
    from seqspec.compile.plan.plan import Plan
    from seqspec.runtime.assembly.assembled import Reopened


class RunFeatures:
    """What the head of a trained classifier reads."""

    def __init__(self, run: Reopened) -> None:
        self.model: Any = run.program.parts.requires_grad_(False).eval()
        self.normalize = run.parts.normalize["source"]
        self.statistics: Statistics | None = run.kept.statistics.get("source")
        self.names = run.kept.labels["target"]
        self.weights = digest_all(state_tensors(self.model))

    @torch.inference_mode()
    def __call__(self, images: Sequence[ImagePrediction], *, device: torch.device) -> NDArray[np.float32]:
        """``[B, D]`` of images of 0 to 255, normalised as that run's own."""
        vector_BD: torch.Tensor = self.model.encode(self._batch(images, device))
        return vector_BD.float().cpu().numpy()

    @torch.inference_mode()
    def classes(self, images: Sequence[ImagePrediction], *, device: torch.device) -> list[str]:
        """What it calls each of them."""
        found = self.model.decode(self._batch(images, device), 1)
        return [self.names[best.ids[0]] for (best,) in found]

    def _batch(self, images: Sequence[ImagePrediction], device: torch.device) -> Batch:
        self.model.to(device)
        pixels = [normalize_image(one.pixels_CHW, self.normalize, self.statistics) for one in images]  # type: ignore[arg-type]
        x_BCHW = torch.from_numpy(np.stack(pixels)).to(device)
        rows_B = torch.arange(len(images), device=device)
        return Batch.pair(x_BCHW, None, rows_B, None, rows_B)

    def __deepcopy__(self, memo: Mapping[int, Any]) -> RunFeatures:
        """Metrics are copied before each use, and this one is only read."""
        return self


def expect_feature_runs(plan: Plan) -> None:
    """Raises ``RunError`` where a run that a metric names is not there: before hours are spent on data."""
    for _, place, config in asked(plan, FeatureRunConfig):
        run_folder(place, config)


def give_features(program: Program, *, open: Open) -> dict[str, Record]:
    """Hand every metric of ``program`` the run that it names; gives a record of each, by the metric's place.
    Raises ``RunError`` where a run is none of a classifier of such images, or of fewer classes.
    """
    records = give_runs(
        program, FeatureRunConfig, open=open, require=_require_classifier, reader=RunFeatures, to="features"
    )
    for number, place, config in asked(program.plan, FeatureRunConfig):
        metric: Any = program.metrics[number]
        if unknown := sorted({*getattr(metric, "names", ())} - {*metric.features.names}):
            why = f"the classifier in {config.run} knows no class `{unknown[0]}`"
            raise refused(place, why, help="train it on all classes that images are made of", exit=Exit.DATA)
    return records


def _require_classifier(place: str, path: Path, ours: Plan, run: Reopened) -> None:
    if run.tasks:
        raise refused(place, f"{path} is a run of several tasks", help="name a run of model `classifier`")
    theirs = run.compiled.plan
    main = next(iter(theirs.outputs.values()))
    labels = isinstance(main, Logits) and not main.stride and not main.image
    if not labels or not hasattr(run.program.module, "encode"):
        kind = theirs.experiment.model.component[1]
        raise refused(place, f"{path} is a run of a model `{kind}`", help="name a run of model `classifier`")
    here, there = (dict(plan.node("model").takes).get("source") for plan in (ours, theirs))
    if here != there:
        raise refused(
            place,
            f"{path} reads {there}, and this experiment makes {here}",
            help="train a classifier of images of this size, or make images of that size",
            exit=Exit.DATA,
        )
