"""A run that is served: what it takes, its thread, and what a person may know of it."""

from __future__ import annotations

import base64
import re
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seqspec.components.predictions import AudioPrediction, FramesPrediction, ImagePrediction, Predicted
from seqspec.data.corpus.images import num_pixels
from seqspec.data.corpus.record import AudioRef
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.value_files import write_value
from seqspec.runtime.prediction.field_inputs import input_files_of
from seqspec.runtime.prediction.input import ImageRef, Input
from seqspec.runtime.prediction.opening import Opened, open_predictor
from seqspec.runtime.prediction.output_formats import as_json
from seqspec.runtime.prediction.predictor import Prediction, Predictor
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.runtime.serving.batcher import Batcher, Job
from seqspec.runtime.serving.limits import Limits, Refused
from seqspec.runtime.serving.metrics import Metrics
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.types import Image, Waveform

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Served:
    """One model of a server."""

    name: str
    opened: Opened
    batcher: Batcher
    limits: Limits
    about: dict[str, Any]
    """What ``/v1/models`` says of it."""

    @property
    def takes(self) -> str:
        """``text``, ``prompt``, ``audio``, ``image``, or the kind of file that the adapter reads."""
        return what_it_takes(self.opened)

    def submit(self, inputs: Sequence[Input]) -> Any:
        """The future of the predictions."""
        return self.batcher.submit(Job(tuple(inputs)))

    def alone(self, work: Any) -> Any:
        """The future of work that has the model for itself."""
        return self.batcher.submit(Job(alone=work))


def what_it_takes(opened: Opened) -> str:
    """The kind of input of an opened run."""
    predictor = opened.predictor
    if predictor.prompts:
        return "prompt"
    files = input_files_of(opened.parts.adapter)
    if files is not None:
        return files.kind
    return {Waveform: "audio", Image: "image"}.get(type(predictor.source), "text")


def serve_run(
    path: Path,
    *,
    name: str,
    limits: Limits,
    metrics: Metrics,
    checkpoint: str = "best",
    engine: str = "torch",
    launch: Launch | None = None,
    task: str | None = None,
) -> Served:
    """Opens a run, or one task of several, and starts its thread."""
    if not NAME.fullmatch(name):
        raise RunError(f"`{name}` cannot name a served model", exit=Exit.USAGE,
                       help="write NAME=RUN with letters, digits, `.`, `_` and `-`")  # fmt: skip
    opened = open_predictor(path, checkpoint=checkpoint, launch=launch, engine=engine, task=task, kept=1)
    if engine == "compiled" and what_it_takes(opened) in ("text", "prompt"):
        list(opened.predictor(["a"]))  # Compiles, or reads the code, before the first request waits for it.
    plan = opened.run.compiled.plan
    # Random numbers belong to an input's place in its request: requests may then not share a batch.
    gathers = not hasattr(search_of(opened.run.program), "seed")

    def told(size: int, seconds: float) -> None:
        metrics.add("seqspec_inputs_total", size, model=name)
        metrics.add("seqspec_batches_total", model=name)
        metrics.add("seqspec_batch_seconds_total", seconds, model=name)

    about = {
        "id": name,
        "object": "model",
        "owned_by": "seqspec",
        "takes": what_it_takes(opened),
        "experiment": plan.experiment.name,
        "run": open_folder(path).path.name,
        "digest": plan.digests["all"],
        "checkpoint": checkpoint,
        "engine": engine,
        "shares_batches": gathers,
    }
    batcher = Batcher(predict_by(opened.predictor), limits, gathers=gathers, told=told)
    return Served(name, opened, batcher, limits, about)


def predict_by(predictor: Predictor) -> Any:
    """The predictor on one batch's inputs; uploads are read from a folder that is gone afterwards.  Frames
    that a vocoder makes heard are sound.
    """

    def predict(inputs: Sequence[Input]) -> list[Prediction]:
        with tempfile.TemporaryDirectory(prefix="seqspec-serve-") as folder:
            given = [_stored(one, Path(folder), n) for n, one in enumerate(inputs)]
            return [
                replace(one, hypotheses=tuple(map(_heard, one.hypotheses)))
                for one in predictor.predict(given)
            ]

    return predict


def _heard(value: Predicted) -> Predicted:
    return value.sound() if isinstance(value, FramesPrediction) and value.sound is not None else value


@dataclass(frozen=True)
class Upload:
    """A recording as it was sent."""

    data: bytes
    max_seconds: float


def _stored(one: Input, folder: Path, number: int) -> Input:
    """An upload as a file of ours; nothing of a request becomes part of its name."""
    value: Any = one.value
    if not isinstance(value, Upload):
        return one
    path = folder / f"{number}.audio"
    path.write_bytes(value.data)
    return Input(AudioRef(path), one.name)


def text_input(text: object, limits: Limits, *, place: str, given: Mapping[str, str] | None = None) -> Input:
    """A text of a request, with what it says of further fields; raises ``Refused`` for what is none."""
    if not isinstance(text, str):
        raise Refused(422, f"{place} is a {_json_name(text)}, and this model takes texts")
    size = _num_characters(text, limits.max_characters)
    if size > limits.max_characters:
        raise Refused(413, f"{place} has {size:,} characters of at most {limits.max_characters:,}",
                      kind="too_large")  # fmt: skip
    require_whole(text, place=place)
    return Input(text, text, given=given or {})


def require_whole(text: str, *, place: str) -> None:
    """Raises ``Refused`` for a text that JSON can write and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused(422, f"{place} holds half of a surrogate pair, which is no text") from None


def _num_characters(text: str, most: int) -> int:
    """Of the text; of one with no more than ``most`` also of what a normaliser may make of it."""
    if text.isascii() or len(text) > most:
        return len(text)
    return max(len(text), len(unicodedata.normalize("NFKC", text)))


def upload_input(data: bytes, served: Served, *, number: int) -> Input:
    """A recording or an image of a request."""
    name = f"upload {number}"
    if not data:
        raise Refused(422, f"{name} is empty")
    if served.takes == "image":
        return Input(ImageRef(Path(name), data), name)
    return Input(Upload(data, served.limits.max_seconds), name)  # type: ignore[arg-type]


def check_audio(data: bytes, served: Served) -> None:
    """Raises ``Refused`` for what is no recording, or too long a one, from its header alone."""
    reader = served.opened.parts.reader("source")
    assert reader is not None
    with tempfile.NamedTemporaryFile(prefix="seqspec-serve-") as file:
        file.write(data)
        file.flush()
        try:
            samples = replace(reader, resample=True, mix_down=True, corpus="").num_samples(
                AudioRef(Path(file.name))
            )
        except DataError:
            raise Refused(422, "the file is no recording that can be read") from None
    if samples > served.limits.max_seconds * reader.rate:
        raise Refused(
            413, f"the recording has {samples / reader.rate:.0f} seconds of at most "
            f"{served.limits.max_seconds:g}", kind="too_large",
        )  # fmt: skip


def check_image(data: bytes, served: Served) -> None:
    """Raises ``Refused`` for what is no image, or has too many pixels, from its header alone."""
    try:
        pixels = num_pixels(data)
    except DataError:
        raise Refused(422, "the file is no image that can be read") from None
    most = served.limits.max_pixels
    if pixels > most:
        raise Refused(413, f"the image has {pixels:,} pixels of at most {most:,}", kind="too_large")


def file_input(data: bytes, served: Served, *, number: int, name: str, given: Mapping[str, str]) -> Input:
    """An upload of the kind that the run's adapter reads, such as points: read here, before it waits.  Of its
    ``name`` the suffix alone is used.  Raises ``Refused``.
    """
    files = input_files_of(served.opened.parts.adapter)
    assert files is not None
    suffix = Path(name).suffix.lower()
    if suffix not in files.suffixes:
        known = ", ".join(sorted(files.suffixes))
        raise Refused(
            415, f"upload {number} must be called by one of {known}: {files.kind} are files of these"
        )
    with tempfile.TemporaryDirectory(prefix="seqspec-serve-") as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(data)
        try:
            found = list(files.read(path, given))
        except DataError as error:
            raise Refused(422, f"upload {number}: {error.message}") from None
    if len(found) != 1:
        raise Refused(422, f"upload {number} holds {len(found):,} {files.kind}, and one is taken")
    return Input(found[0], f"upload {number}", given=given)


def prediction_json(one: Prediction) -> dict[str, Any]:
    """The same object as a line of ``predict --format json``, without names of files; sound and images are
    files within it.
    """
    found: dict[str, Any] = {
        "input": one.input.name,
        "hypotheses": [_value_json(h) for h in one.hypotheses[:1]],
    }
    if one.error is not None:
        found["error"] = one.error.message
    return found


def _value_json(value: Predicted) -> dict[str, Any]:
    if not isinstance(value, AudioPrediction | ImagePrediction):
        return as_json(value)
    kind = "audio/wav" if isinstance(value, AudioPrediction) else "image/png"
    return {value.kind: {"content_type": kind, "data": base64.b64encode(value_file(value)).decode()}}


def value_file(value: Predicted) -> bytes:
    """The file that ``predict --out`` writes of a value."""
    with tempfile.TemporaryDirectory(prefix="seqspec-serve-") as folder:
        return write_value(value, Path(folder) / "value")[0].read_bytes()


def _json_name(value: object) -> str:
    names = {
        dict: "object",
        list: "list",
        bool: "boolean",
        int: "number",
        float: "number",
        type(None): "null",
    }
    return names.get(type(value), "value")
