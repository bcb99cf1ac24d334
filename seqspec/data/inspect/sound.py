"""D13 what recordings sound like to a machine: levels, silence, clipping, offset, durations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from seqspec.data.inspect.finding import Finding, Number
from seqspec.data.inspect.sizes import histogram
from seqspec.data.inspect.subject import Subject, spread
from seqspec.data.stages.features import audio_of
from seqspec.schema.diagnostic import DataError

MOST_HEARD = 400
"""Utterances of a split that are decoded; evenly spread."""
QUIET = 10 ** (-50 / 20)
WINDOW = 400


def check(subject: Subject) -> Iterator[Finding]:
    """Levels of a sample of each split, durations of all."""
    for role in subject.audio_roles:
        yield _role(subject, role)


def _role(subject: Subject, role: str) -> Finding:
    numbers: dict[str, Number] = {}
    examples: list[str] = []
    levels, seconds = {}, {}
    for name, split in subject.splits.items():
        seconds[name] = np.asarray(split.lengths_of(role)) / split.rates[role]
        heard = np.unique(np.linspace(0, len(split) - 1, min(len(split), MOST_HEARD)).astype(int)).tolist()
        measured = [_listen(subject, split, role, index) for index in heard]
        levels[name] = np.array([one["decibels"] for one in measured])
        numbers |= {f"{name} {key}": value for key, value in _summary(measured).items()}
        numbers[f"{name} hours"] = round(float(seconds[name].sum()) / 3600, 4)
        numbers |= {f"{name} seconds {key}": value for key, value in spread(seconds[name]).items()}
        examples += _odd(split, heard, measured)
    train = {key.removeprefix("train "): value for key, value in numbers.items() if key.startswith("train ")}
    bad = train["unreadable"] or train["clipped"] > 0.02 or train["silent"] or abs(train["offset"]) > 0.01
    named = f"{role}: " if len(subject.audio_roles) > 1 else ""
    return Finding(
        "D13",
        "warn" if bad else "ok",
        f"{named}{train['hours']:.2f} h in train; level {train['decibels']:.1f} dB at the median, "
        f"{train['silence']:.0%} silence, {train['clipped']:.1%} of the recordings clip, "
        f"{int(train['silent'])} are silent, {int(train['unreadable'])} cannot be read",
        "listen to the ones named here" if bad else "",
        numbers=numbers,
        examples=examples[:8],
        figures=[
            histogram(f"Seconds of {role}" if named else "Seconds", seconds),
            histogram("Level below full scale, decibels", {name: -values for name, values in levels.items()}),
        ],
    )


def _listen(subject: Subject, split: Any, role: str, index: int) -> Mapping[str, float]:
    reference = audio_of(split.records, role, int(split.rows[index]), root=split.root)
    try:
        samples = split.readers[role](reference).astype(np.float64)
    except DataError:
        return {"unreadable": 1.0, "decibels": -120.0, "silence": 0.0, "clipped": 0.0, "offset": 0.0}
    power = float(np.mean(np.square(samples)))
    whole = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    peaks = np.abs(whole).max(axis=1) if len(whole) else np.abs(samples)
    full = np.abs(samples) >= 0.999
    return {
        "unreadable": 0.0,
        "decibels": 10 * np.log10(max(power, 1e-12)),
        "silence": float((peaks < QUIET).mean()),
        "clipped": float((full[1:] & full[:-1]).any()),
        "offset": float(samples.mean()),
    }


def _summary(measured: list[Mapping[str, float]]) -> dict[str, Number]:
    column = {key: np.array([one[key] for one in measured]) for key in measured[0]}
    return {
        "heard": len(measured),
        "unreadable": int(column["unreadable"].sum()),
        "decibels": round(float(np.median(column["decibels"])), 2),
        "silence": round(float(column["silence"].mean()), 4),
        "silent": int((column["silence"] >= 1.0).sum()),
        "clipped": round(float(column["clipped"].mean()), 4),
        "offset": round(float(np.median(column["offset"])), 5),
    }


def _odd(split: Any, heard: list[int], measured: list[Mapping[str, float]]) -> list[str]:
    found = []
    for index, one in zip(heard, measured, strict=True):
        if one["unreadable"]:
            found.append(f"{split.id(index)} cannot be read")
        elif one["silence"] >= 1.0:
            found.append(f"{split.id(index)} is silent")
        elif one["clipped"]:
            found.append(f"{split.id(index)} clips")
    return found
