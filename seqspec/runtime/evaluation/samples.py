"""What is kept of single examples for people to look at: what the model read, beside what it predicted.

Every line of predictions names the source text and the speaker where the corpus knows them.  Recordings and
images are kept of a few examples only, the worst and some at random, in a folder beside the predictions; of
predicted values also what a metric says of each of them, and the texts and speakers that they belong to:

    predictions/dev.media/000012.source.wav
    predictions/dev.media/000012.prediction.png
    predictions/dev.media/scores.json
    predictions/dev.media/texts.json
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seqspec.components.mask_colours import coloured
from seqspec.components.predictions import (
    AudioPrediction,
    FramesPrediction,
    ImagePrediction,
    MaskPrediction,
    PointsPrediction,
    Predicted,
    VideoPrediction,
)
from seqspec.data.batching.collate import AnySplit
from seqspec.data.stages.examples import Split
from seqspec.data.stages.features import audio_of
from seqspec.data.store.durable import write_durably
from seqspec.pages.film_strips import chosen_frames, film_strip
from seqspec.pages.media import grey_png, png, wav
from seqspec.pages.point_clouds import cloud_svg
from seqspec.runtime.evaluation.evaluator import Sample
from seqspec.runtime.report.predictions import media_folder, read_predictions
from seqspec.runtime.report.samples import SCORES, TEXTS, chosen
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Image, Mask, PointClasses, Points, Text, Waveform

SPEAKER = "speaker"
"""The column of records that names who speaks."""

_LEAST_BINS = 64
"""Rows of a spectrogram below which its values are drawn as squares."""

# T frames, N points, D width, H height, W width of an image

MEDIA = re.compile(r"\d{6}\..+\.(wav|png|svg)|" + "|".join(map(re.escape, (SCORES, TEXTS))))


def context(split: AnySplit, index: int) -> dict[str, str]:
    """The source text and the speaker of one example, where there are any."""
    if not isinstance(split, Split):
        return {}
    found = {"source": split.text("source", index)} if isinstance(split.roles.get("source"), Text) else {}
    if SPEAKER in split.records:
        found[SPEAKER] = split.records.text(SPEAKER, int(split.rows[index]))
    return found


def keep_media(predictions: Path, split: AnySplit, samples: Iterable[Sample] = ()) -> None:
    """Recordings and images of the examples that a report shows, anew.

    ``predictions`` is the file of the split's texts or labels, which need not be there; ``samples`` are
    predicted values.
    """
    folder = media_folder(predictions)
    for file in folder.iterdir() if folder.is_dir() else ():
        if MEDIA.fullmatch(file.name):
            file.unlink()
    if not isinstance(split, Split):
        return
    values = {sample.index: sample for sample in samples}
    rows = set(values)
    labels = split.labels.get("target", ())
    if predictions.is_file():
        rows |= {row for group in chosen(read_predictions(predictions, labels=labels)) for row in group}
    for row in sorted(rows):
        files = dict(_sources(split, row))
        if row in values:
            files |= dict(_files("prediction", values[row].prediction))
            files |= dict(_files("reference", values[row].reference))
            if isinstance(values[row].reference, MaskPrediction):
                files.pop("mask of target.png", None)  # The reference is the same.
        for name, data in files.items():
            folder.mkdir(parents=True, exist_ok=True)
            write_durably(folder / f"{row:06d}.{name}", data)
    scored = [one for one in values.values() if one.measured is not None]
    if scored and folder.is_dir():
        write_durably(folder / SCORES, json.dumps(_scores(scored)).encode() + b"\n")
    texts = {f"{row:06d}": context(split, row) for row in sorted(values)}
    if any(texts.values()) and folder.is_dir():
        write_durably(folder / TEXTS, json.dumps(texts, ensure_ascii=False).encode() + b"\n")


def _scores(samples: Iterable[Sample]) -> dict[str, Any]:
    """What a metric says of each example, the worst first."""
    told = [(one.index, one.measured) for one in samples if one.measured is not None]
    ranked = sorted(told, key=lambda pair: (-pair[1].badness, pair[0]))
    return {
        "metric": ranked[0][1].metric,
        "worst": [{"row": row, "value": measured.value} for row, measured in ranked],
    }


def _sources(split: Split, index: int) -> Iterator[tuple[str, bytes]]:
    """Every field of an example that can be heard or seen; points whose classes are told are seen with
    these.
    """
    for role, kind in split.roles.items():
        if isinstance(kind, Waveform):
            sound = _recording(split, role, index)
            if sound:
                yield f"{role}.wav", sound
        elif isinstance(kind, Image | Mask):
            row = int(split.rows[index])
            shape = split.records.values(f"{role}_shape")[row]
            pixels = np.asarray(split.records.row(role, row)).reshape(shape)
            yield _image(role, pixels, mask=isinstance(kind, Mask))
        elif isinstance(kind, Points) and not isinstance(split.roles.get("target"), PointClasses):
            places = np.asarray(split.records.row(role, int(split.rows[index])))
            yield f"{role}.svg", cloud_svg(places.reshape(-1, kind.dim))


def _recording(split: Split, role: str, index: int) -> bytes:
    reference = audio_of(split.records, role, int(split.rows[index]), root=split.root)
    reader = split.readers[role]
    try:
        return wav(np.asarray(reader(reference), np.float32), rate=reader.rate)
    except DataError:
        return b""


def _image(role: str, pixels: np.ndarray, *, mask: bool) -> tuple[str, bytes]:
    if mask:
        return f"mask of {role}.png", _mask(pixels[0])
    return f"{role}.png", png(pixels if len(pixels) in (1, 3) else pixels[:1])


def _files(name: str, value: Predicted | None) -> Iterator[tuple[str, bytes]]:
    """A predicted value as a file; nothing of those that are no image and no sound."""
    match value:
        case AudioPrediction():
            yield f"{name}.wav", wav(value.samples_T, rate=value.rate)
        case ImagePrediction():
            yield _image(name, value.pixels_CHW, mask=False)
        case MaskPrediction():
            yield f"mask of {name}.png", _mask(value.classes_HW)
        case PointsPrediction():
            yield f"{name}.svg", cloud_svg(value.points_NC, value.classes_N)
        case VideoPrediction():
            if name == "prediction":
                yield _strip("given", value.given_THW)
            yield _strip(name, value.frames_THW)
        case FramesPrediction():
            yield f"{name}.png", frames_png(value.frames_TD)
            if value.sound is not None:
                heard = value.sound()
                yield f"{name}.wav", wav(heard.samples_T, rate=heard.rate)


def _strip(name: str, frames_THW: np.ndarray) -> tuple[str, bytes]:
    """A film, which says so where it shows some of its frames alone."""
    count, shown = len(frames_THW), len(chosen_frames(len(frames_THW)))
    some = f", {shown} of {count} frames" if shown < count else ""
    return f"{name}{some}.png", png(film_strip(frames_THW))


def _mask(classes_HW: np.ndarray) -> bytes:
    return png(coloured(MaskPrediction(np.asarray(classes_HW, np.int64), ())))


def frames_png(frames_TD: Any) -> bytes:
    """Frames as a grey image, time from left to right, low features below."""
    values = np.asarray(frames_TD, np.float64).T[::-1]
    times = max(_LEAST_BINS // max(len(values), 1), 1)
    values = values.repeat(times, 0).repeat(times, 1)
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    return grey_png(((values - low) / ((high - low) or 1.0)).tolist())
