"""What a demonstration does, without any page: one input to what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from seqspec.components.predictions import LabelPrediction, Predicted, TextPrediction
from seqspec.data.corpus.input_files import InputFiles
from seqspec.data.corpus.record import AudioRef
from seqspec.runtime.demo.attention_text import Looked, Looks, looks_of
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.field_inputs import input_files_of, one_input
from seqspec.runtime.prediction.input import ImageRef, Input
from seqspec.runtime.prediction.opening import Opened, open_predictor
from seqspec.runtime.prediction.predictor import Predictor
from seqspec.runtime.report.numbers import shown
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.schema.types import Classes, Image, Waveform

Takes = Literal["text", "prompt", "audio", "image", "file"]
Gives = Literal["text", "labels", "values"]
MAX_CHARACTERS = 20_000
MAX_CLASSES = 5
MAX_METRICS = 6


@dataclass(frozen=True)
class Trial:
    """A run to be tried."""

    title: str
    about: str
    """Markdown: the run, its digest and its results."""
    takes: Takes
    gives: Gives
    """Classes with probabilities, a text, or a value that is heard or seen."""
    predictor: Predictor
    files: InputFiles | None = None
    """How the files are read that it takes."""
    asks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What is asked beside the input, such as a speaker, with what can be answered."""
    looks: Looks | None = None
    """Where the model looked, where it can tell."""

    def best(self, given: str | None, *told: str | None) -> Predicted | None:
        """The best prediction for a text, or for the path of an upload; ``told`` answers what it ``asks``, in
        that order.  Nothing for nothing.  Raises ``DataError`` for an input that cannot be used.
        """
        found = self._hypotheses(given, *told)
        return found[0] if found else None

    def labels(self, given: str | None, *told: str | None) -> dict[str, float]:
        """The most probable classes with their probabilities."""
        found = [one for one in self._hypotheses(given, *told) if isinstance(one, LabelPrediction)]
        return {one.label: one.probability for one in found[:MAX_CLASSES]}

    def looked(self, given: str | None, best: Predicted | None) -> Looked | None:
        """Where the model looked in a text while it wrote another."""
        if self.looks is None or not given or not isinstance(best, TextPrediction) or not best.text:
            return None
        return self.looks(given[:MAX_CHARACTERS], best.text)

    def _hypotheses(self, given: str | None, *told: str | None) -> tuple[Predicted, ...]:
        if not given and self.takes != "prompt":
            return ()
        answers = {name: one for name, one in zip(self.asks, told, strict=False) if one}
        (found,) = self.predictor([self._input(given or "", answers)])
        if found.error is not None:
            raise found.error
        return found.hypotheses

    def _input(self, given: str, told: Mapping[str, str]) -> Input:
        match self.takes:
            case "audio":
                return Input(AudioRef(Path(given)), "recording", given=told)
            case "image":
                return Input(ImageRef(Path(given)), "image", given=told)
            case "file":
                assert self.files is not None
                return one_input(given, files=self.files, given=told)
            case _:
                return Input(given[:MAX_CHARACTERS], given[:MAX_CHARACTERS], given=told)


def open_trial(
    path: Path, *, checkpoint: str = "best", threads: int | None = None, task: str | None = None
) -> Trial:
    """The run at ``path``, ready to be tried."""
    launch = Launch(device="cpu", threads=threads)
    opened = open_predictor(path, checkpoint=checkpoint, launch=launch, all_classes=True, task=task)
    plan = opened.run.compiled.plan
    folder = open_folder(path)
    digest = plan.digests["all"][:12]
    about = [f"Run `{folder.path.name}`, checkpoint `{checkpoint}`, plan `{digest}`."]
    result = folder.read("result.json") or {}
    for split, metrics in (result.get("metrics") or {}).items():
        first = list(metrics.items())[:MAX_METRICS]
        about += [f"- {split} {name}: {shown(name, value).strip()}" for name, value in first]
        if len(metrics) > MAX_METRICS:
            about.append(f"- {split}: {len(metrics) - MAX_METRICS} more in the report")
    files = input_files_of(opened.parts.adapter)
    return Trial(
        plan.experiment.name,
        "\n".join([about[0], "", *about[1:]]),
        _takes(opened.predictor, files),
        _gives(opened),
        opened.predictor,
        files,
        files.asks if files is not None else {n: tuple(c) for n, c in opened.predictor.classes.items()},
        looks_of(opened),
    )


def _takes(predictor: Predictor, files: InputFiles | None) -> Takes:
    if isinstance(predictor.source, Waveform):
        return "audio"
    if isinstance(predictor.source, Image):
        return "image"
    if files is not None:
        return "file"
    return "prompt" if predictor.prompts else "text"


def _gives(opened: Opened) -> Gives:
    model: Any = opened.run.program.model
    if hasattr(model, "references"):
        return "values"
    return "labels" if isinstance(opened.parts.roles.get("target"), Classes) else "text"
