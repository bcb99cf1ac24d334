"""What a demonstration does, without any page: one input to what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seqspec.components.predictions import LabelPrediction, TextPrediction
from seqspec.data.corpus.record import AudioRef
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.field_inputs import input_files_of
from seqspec.runtime.prediction.input import ImageRef, Input
from seqspec.runtime.prediction.opening import open_predictor
from seqspec.runtime.prediction.predictor import Predictor
from seqspec.runtime.report.numbers import shown
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.types import Image, Waveform

Takes = Literal["text", "prompt", "audio", "image"]
Gives = Literal["text", "labels"]
MAX_CHARACTERS = 20_000
MAX_CLASSES = 5


@dataclass(frozen=True)
class Trial:
    """A run to be tried."""

    title: str
    about: str
    """Markdown: the run, its digest and its results."""
    takes: Takes
    gives: Gives
    predictor: Predictor

    def text(self, given: str | None) -> str:
        """The best text for an input: a text, or the path of an upload.  Raises ``DataError`` where the run
        predicts something else.
        """
        best = self._hypotheses(given)
        if not best:
            return ""
        if not isinstance(best[0], TextPrediction | LabelPrediction):
            kind = getattr(best[0], "kind", "something")
            raise DataError(
                f"this run predicts {kind}, which the page cannot show: "
                "use `seqspec predict RUN … --out FOLDER`"
            )
        return best[0].text

    def labels(self, given: str | None) -> dict[str, float]:
        """The most probable classes with their probabilities."""
        found = [one for one in self._hypotheses(given) if isinstance(one, LabelPrediction)]
        return {one.label: one.probability for one in found[:MAX_CLASSES]}

    def _hypotheses(self, given: str | None) -> tuple[object, ...]:
        """Raises ``DataError`` for an input that cannot be used."""
        if not given and self.takes != "prompt":
            return ()
        (found,) = self.predictor([self._input(given or "")])
        if found.error is not None:
            raise found.error
        return found.hypotheses

    def _input(self, given: str) -> Input:
        match self.takes:
            case "audio":
                return Input(AudioRef(Path(given)), "recording")
            case "image":
                return Input(ImageRef(Path(given)), "image")
            case _:
                return Input(given[:MAX_CHARACTERS], given[:MAX_CHARACTERS])


def open_trial(
    path: Path, *, checkpoint: str = "best", threads: int | None = None, task: str | None = None
) -> Trial:
    """The run at ``path``, ready to be tried."""
    launch = Launch(device="cpu", threads=threads)
    opened = open_predictor(path, checkpoint=checkpoint, launch=launch, all_classes=True, task=task)
    predictor = opened.predictor
    files = input_files_of(opened.parts.adapter)
    if files is not None:
        raise RunError(
            f"this run reads {files.kind}, which the page cannot show",
            exit=Exit.USAGE,
            help="use `seqspec predict RUN FILE… --out FOLDER`, or `seqspec serve RUN`",
        )
    takes: Takes = "prompt" if predictor.prompts else "text"
    if isinstance(predictor.source, Waveform | Image):
        takes = "audio" if isinstance(predictor.source, Waveform) else "image"
    gives: Gives = "labels" if opened.run.kept.labels.get("target") else "text"
    plan = opened.run.compiled.plan
    folder = open_folder(path)
    digest = plan.digests["all"][:12]
    about = [f"Run `{folder.path.name}`, checkpoint `{checkpoint}`, plan `{digest}`."]
    result = folder.read("result.json") or {}
    for split, metrics in (result.get("metrics") or {}).items():
        about += [f"- {split} {name}: {shown(name, value).strip()}" for name, value in metrics.items()]
    return Trial(plan.experiment.name, "\n".join([about[0], "", *about[1:]]), takes, gives, predictor)
