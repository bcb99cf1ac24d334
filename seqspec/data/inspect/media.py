"""Recordings to hear; images, films and points to see; as figures of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from seqspec.data.batching.collate import Steps, augment_seed, augmented, augmented_samples
from seqspec.data.corpus.record import AudioRef
from seqspec.data.inspect.finding import Gallery, Medium
from seqspec.data.inspect.subject import Subject
from seqspec.data.stages.examples import Split
from seqspec.data.stages.features import audio_of
from seqspec.pages.film_strips import film_strip
from seqspec.pages.media import png, wav
from seqspec.pages.point_clouds import cloud_svg
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Clip, PointClasses, Points


def galleries(subject: Subject, chosen: Sequence[int]) -> Iterator[Gallery]:
    """The ``chosen`` examples of train, a gallery for each field that can be heard or seen."""
    train = subject.train
    for role, kind in subject.roles.items():
        if isinstance(kind, Clip | Points):
            yield Gallery(f"Random {role} of train", [_drawn(subject, role, i) for i in chosen])
    for role in subject.audio_roles:
        heard = [
            Medium(_caption(subject, i), sound, "audio/wav")
            for i in chosen
            if (sound := recording(train, role, i))
        ]
        if heard:
            yield Gallery(f"Random {role} of train", heard)
        steps = Steps.of(role, subject.parts.waveform_augments, None)
        if heard and steps.waveform:
            changed = [(i, sound) for i in chosen if (sound := _changed_recording(subject, role, i, steps))]
            shown = [Medium(_caption(subject, i), sound, "audio/wav") for i, sound in changed]
            yield Gallery(f"The same as training hears them in its first epoch ({role})", shown)
    for role in subject.image_roles:
        yield Gallery(
            f"Random {role} of train",
            [Medium(_caption(subject, i), image(train, role, i), "image/png") for i in chosen],
        )
        steps = Steps.of(role, None, subject.parts.augments)
        if steps.value:
            yield Gallery(
                f"The same as training sees them in its first epoch ({role})",
                [Medium(_caption(subject, i), _changed_image(subject, role, i, steps), "image/png")
                 for i in chosen],
            )  # fmt: skip


def recording(split: Split, role: str, index: int) -> bytes:
    """An example's recording as small WAV; empty where it cannot be read."""
    reference: AudioRef = audio_of(split.records, role, int(split.rows[index]), root=split.root)
    reader = split.readers[role]
    try:
        return wav(np.asarray(reader(reference), np.float32), rate=reader.rate)
    except DataError:
        return b""


def image(split: Split, role: str, index: int) -> bytes:
    """An example's image as PNG; its first channel where it has neither one nor three."""
    row = int(split.rows[index])
    pixels = np.asarray(split.records.row(role, row)).reshape(split.records.values(f"{role}_shape")[row])
    return png(pixels if len(pixels) in (1, 3) else pixels[:1])


def _drawn(subject: Subject, role: str, index: int) -> Medium:
    """A film as its frames, or points in the colours of their classes where these are known."""
    kind, value = subject.roles[role], np.asarray(subject.train.value(role, index))
    caption = _caption(subject, index)
    if isinstance(kind, Clip):
        frames_THW = value.reshape(len(value), kind.height, kind.width)
        return Medium(caption, png(film_strip(frames_THW)), "image/png")
    known = isinstance(subject.roles.get("target"), PointClasses)
    classes = np.asarray(subject.train.value("target", index)) if known else None
    return Medium(caption, cloud_svg(value, classes), "image/svg+xml")


def _changed_recording(subject: Subject, role: str, index: int, steps: Steps) -> bytes:
    """A recording after augmentation as small WAV; empty where it cannot be read."""
    seed = augment_seed(subject.parts.seed, epoch=0, row=index)
    try:
        wave_L = augmented_samples(
            subject.train, role, index, steps, torch.Generator().manual_seed(seed)
        ).numpy()
    except DataError:
        return b""
    return wav(wave_L.clip(-1, 1), rate=subject.train.readers[role].rate)


def _changed_image(subject: Subject, role: str, index: int, steps: Steps) -> bytes:
    """An image after augmentation as PNG, its darkest value black and its lightest white."""
    seed = augment_seed(subject.parts.seed, epoch=0, row=index)
    x_CHW = np.asarray(augmented(subject.train, role, index, steps, seed=seed), np.float32)
    x_CHW = x_CHW if len(x_CHW) in (1, 3) else x_CHW[:1]
    low, high = float(x_CHW.min()), float(x_CHW.max())
    return png(((x_CHW - low) / max(high - low, 1e-12) * 255).astype(np.uint8))


def _caption(subject: Subject, index: int) -> str:
    said = [subject.train.text(role, index) for role in (*subject.text_roles, *subject.label_roles)]
    return " · ".join([subject.train.id(index), *(text[:60] for text in said)])
