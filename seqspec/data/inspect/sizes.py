"""D09 how long examples are and what is lost to filters, D10 sides whose lengths do not fit one another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqspec.data.inspect.finding import Finding, Histogram
from seqspec.data.inspect.subject import Subject, spread
from seqspec.schema.types import SEQUENCES, in_order

BINS = 40
LOST = 0.05
STRIDE = 4
"""How many frames a usual speech encoder makes one state of."""


def check(subject: Subject) -> Iterator[Finding]:
    """Lengths, losses, ratios."""
    yield _lengths(subject)
    yield from _ratios(subject)
    yield from _speech(subject)


def unit(subject: Subject, side: str) -> str:
    """What lengths of a side count."""
    return "frames" if side in subject.audio_roles else "ids" if side in subject.text_roles else "values"


def histogram(title: str, series: dict[str, np.ndarray]) -> Histogram:
    """Equal bins over all series."""
    top = max((float(values.max(initial=0)) for values in series.values()), default=0.0)
    width = max(1.0, np.ceil(top / BINS)) if top >= 1 else top / BINS or 1.0
    edges = np.arange(0, BINS + 1) * width
    counts = {name: np.histogram(values, edges)[0].tolist() for name, values in series.items()}
    return Histogram(title, 0.0, float(width), counts)


def _lengths(subject: Subject) -> Finding:
    figures: list[Histogram] = []
    numbers: dict[str, float] = {}
    for side in in_order(subject.roles_of(*SEQUENCES)):
        series = {name: np.asarray(split.lengths_of(side)) for name, split in subject.splits.items()}
        figures.append(histogram(f"Length of {side}, in {unit(subject, side)}", series))
        for name, values in series.items():
            numbers |= {f"{name} {side} {key}": value for key, value in spread(values).items()}
    train = subject.train
    lost = 1 - len(train) / max(train.records.rows, 1) if subject.parts.config.split is None else 0.0
    told = "; ".join(
        f"{side} of train {numbers[f'train {side} p50']:g} {unit(subject, side)} at the median, "
        f"{numbers[f'train {side} p99']:g} at the 99th percentile, {numbers[f'train {side} max']:g} at most"
        for side in in_order(subject.roles)
        if f"train {side} p50" in numbers
    )
    if lost > LOST:
        return Finding(
            "D09",
            "warn",
            f"{lost:.1%} of the training rows are left out; {told}",
            "see D03 for the reasons; loosen `data.filter` if that is more than you meant",
            numbers=numbers,
            figures=figures,
        )
    return Finding("D09", "ok", told or "every example has the same size", numbers=numbers, figures=figures)


def _ratios(subject: Subject) -> Iterator[Finding]:
    if not {"source", "target"} <= set(subject.text_roles):
        return
    sides = [subject.train.lengths_of(side) for side in ("source", "target")]
    lengths = np.stack(sides, axis=1).astype(np.float64)
    ratio = np.log(np.maximum(lengths[:, 1], 1) / np.maximum(lengths[:, 0], 1))
    centre = float(np.median(ratio))
    odd = np.flatnonzero((np.abs(ratio - centre) > np.log(4)) & (lengths.max(axis=1) > 8))
    share = len(odd) / len(ratio)
    worst = odd[np.argsort(-np.abs(ratio[odd] - centre))][:5].tolist()
    yield Finding(
        "D10",
        "warn" if share > 0.005 else "ok",
        f"a target has {np.exp(centre):.2f} ids for each of the source at the median; "
        f"{len(odd):,} training pairs ({share:.2%}) are over four times off that",
        "such pairs are often misaligned; `data.filter.max_length_ratio` takes them out" if len(odd) else "",
        numbers={"median_ratio": round(float(np.exp(centre)), 4), "outliers": len(odd)},
        examples=[
            f"{subject.train.text('source', i)[:60]} → {subject.train.text('target', i)[:60]}" for i in worst
        ],
    )


def _speech(subject: Subject) -> Iterator[Finding]:
    if "source" not in subject.audio_roles or "target" not in subject.text_roles:
        return
    train = subject.train
    frames = np.asarray(train.lengths_of("source")).astype(np.float64)
    seconds = np.maximum(frames / train.rates["source"], 1e-9)
    sample = subject.seen(train)
    characters = np.array([len(train.text("target", index)) for index in sample])
    rate = characters / seconds[: len(characters)]
    centre = float(np.median(rate))
    odd = np.flatnonzero((rate > 2.5 * centre) | (rate < centre / 4))
    short = _infeasible(subject, sample)
    yield Finding(
        "D10",
        "warn" if len(short) or len(odd) > 0.01 * len(rate) else "ok",
        f"{centre:.1f} characters a second at the median; {len(odd):,} utterances are far from it; "
        f"{len(short):,} have more labels than a CTC model with one state in {STRIDE} frames could give",
        "listen to them: a cut-off recording or another's transcript is the usual reason" if len(odd) else "",
        numbers={
            "characters_a_second": round(centre, 3),
            "outliers": len(odd),
            "infeasible_for_ctc": len(short),
        },
        examples=[
            f"{train.id(i)}: {rate[i]:.1f}/s, {train.text('target', i)[:60]}" for i in odd[:5].tolist()
        ],
        figures=[histogram("Characters a second", {"train": rate})],
    )


def _infeasible(subject: Subject, sample: range) -> list[int]:
    """Utterances with fewer states than labels, counting one more between equal labels."""
    train = subject.train
    frames = train.lengths_of("source")
    found = []
    for index in sample:
        ids = np.asarray(train.value("target", index))
        needed = len(ids) + int((ids[1:] == ids[:-1]).sum())
        if needed > int(frames[index]) // STRIDE:
            found.append(index)
    return found
