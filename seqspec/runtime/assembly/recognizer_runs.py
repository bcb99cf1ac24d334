"""Runs of recognisers that metrics let hear what a model says: opened, checked, recorded."""

# L samples

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seqspec.components.predictions import AudioPrediction
from seqspec.data.batching.batch import Batch, Field
from seqspec.data.batching.collate import joined
from seqspec.data.stages.normalize import normalize_frames
from seqspec.runtime.assembly.assembled import Record
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.assembly.metric_runs import Open, asked, give_runs, refused, run_folder
from seqspec.runtime.checkpoints.model_tensors import state_tensors
from seqspec.runtime.checkpoints.tensor_file import digest_all
from seqspec.schema.metric._recognizer_run import RecognizerRunConfig
from seqspec.schema.types import Frames, Text, Waveform

if TYPE_CHECKING:
    from seqspec.compile.build.program import Program
    from seqspec.compile.plan.plan import Plan
    from seqspec.runtime.assembly.assembled import Reopened


class RunRecognizer:
    """What a trained recogniser writes of one recording."""

    def __init__(self, run: Reopened) -> None:
        self.model: Any = run.program.parts.requires_grad_(False).eval()
        self.search = search_of(run.program)
        self.steps, self.feature = run.parts.text["target"], run.parts.features["source"]
        self.normalize, self.statistics = run.parts.normalize["source"], run.kept.statistics.get("source")
        source = run.parts.roles["source"]
        assert isinstance(source, Waveform)
        self.source = source
        self.weights = digest_all(state_tensors(self.model))

    @torch.inference_mode()
    def __call__(self, sound: AudioPrediction, *, device: torch.device) -> str:
        samples_L = self._resampled(sound)
        if not self.feature.num_frames(len(samples_L)):
            return ""
        frames = np.asarray(self.feature(samples_L), np.float32)
        given = joined(self.source, [normalize_frames(frames, self.normalize, self.statistics)])  # type: ignore[arg-type]
        none = torch.zeros(1, dtype=torch.int64)
        fields = {"source": given, "target": Field(torch.zeros(1, 0, dtype=torch.int64), none)}
        batch = Batch(fields, none, 0, {"loss": 1.0}).map(lambda x: x.to(device))
        self.model.to(device)
        (found,) = self.model.decode(batch, self.search)
        ids = found[0].ids
        return self.steps.decode(ids.tolist() if isinstance(ids, torch.Tensor) else list(ids))

    def _resampled(self, sound: AudioPrediction) -> np.ndarray:
        samples_L = as_written(sound)
        if sound.rate == self.source.rate or not len(samples_L):
            return samples_L
        import soxr

        given = soxr.resample(samples_L, sound.rate, self.source.rate, quality="VHQ")
        return np.ascontiguousarray(given, np.float32)

    def __deepcopy__(self, memo: Mapping[int, Any]) -> RunRecognizer:
        """Metrics are copied before each use, and this one is only read."""
        return self


def as_written(sound: AudioPrediction) -> np.ndarray:
    """float32 ``[L]``: what the file of 16 bits holds that ``predict`` writes of it.

    The rounding cannot be left out: where a vocoder gives silence, as above its frames, a recogniser that
    normalises each of its features hears the noise of the rounding as loud as speech.
    """
    import soundfile

    file = BytesIO()
    soundfile.write(file, sound.samples_T.clip(-1, 1), sound.rate, format="WAV", subtype="PCM_16")
    file.seek(0)
    samples_L: np.ndarray = soundfile.read(file, dtype="float32")[0]
    return samples_L


def expect_recognizers(plan: Plan) -> None:
    """Raises ``RunError`` where a run that a metric names is not there: before hours are spent on data."""
    for one in asked(plan, RecognizerRunConfig):
        if not isinstance(plan.roles.get("source"), Text):
            message = "the model reads no text that its sound could be compared with"
            raise refused(one.place, message, help="use it with a model of text to speech")
        run_folder(one.place, one.config)


def give_recognizers(program: Program, *, open: Open) -> dict[str, Record]:
    """Hand every metric of ``program`` the recogniser that it names; gives a record of each, by the metric's
    place.  Raises ``RunError`` where a run recognises no speech.
    """
    return give_runs(
        program,
        RecognizerRunConfig,
        open=open,
        require=_require_recognizer,
        reader=RunRecognizer,
        to="recognizer",
    )


def _require_recognizer(place: str, path: Path, ours: Plan, run: Reopened) -> None:
    roles = {} if run.tasks else run.parts.roles
    if not isinstance(roles.get("source"), Waveform) or not isinstance(roles.get("target"), Text):
        raise refused(
            place,
            f"the run {path} does not write down what it hears",
            help="name a run that reads recordings and learns their texts",
        )
    note = unheard_band(ours, run.compiled.plan)
    if note:
        print(f"note: `{place}`: {note}", file=sys.stderr)


def unheard_band(speaks: Plan, hears: Plan) -> str | None:
    """What a recogniser hears above the frames: silence of the vocoder, which it has not learned."""
    frames = [type_ for _, type_ in speaks.node("model").outputs if isinstance(type_, Frames) and type_.mel]
    source, audio = hears.roles["source"], hears.experiment.data.audio
    assert isinstance(source, Waveform)
    heard = getattr(audio and audio.features, "high_hz", None) or source.rate / 2
    reached = min((type_.mel.high for type_ in frames if type_.mel), default=heard)
    if reached >= heard:
        return None
    return (
        f"the recogniser hears up to {heard:,.0f} Hz, and the frames reach {reached:,.0f} Hz; how much that"
        " costs is told by the rate of the recordings, which pass through the same vocoder"
    )
