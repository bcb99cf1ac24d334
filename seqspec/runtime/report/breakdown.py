"""Where the errors of written texts lie: by length, by speaker, and which units are taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from seqspec.pages.markup import Cell, table
from seqspec.pages.page import Section
from seqspec.runtime.report.alignment import Pair, align
from seqspec.runtime.report.predictions import Predictions

MOST_SPEAKERS, MOST_PAIRS = 15, 20
MOST_ALIGNED = 20_000
"""Examples whose confused pairs are counted."""
FAR = 0.7
"""Above this rate of edits alignments are chance, and pairs say nothing."""
LENGTHS = 6


def breakdown_section(predictions: Predictions) -> Section:
    """Tables for one split; empty for labels, and where nothing differs."""
    title = f"Errors of {predictions.name}"
    if predictions.labels or not any(pair.edits for pair in predictions.pairs):
        return Section(title, "")
    unit = "words" if predictions.words else "characters"
    note = f"<p class=faint>Edits to {unit} of the reference; case passed over, punctuation counted.</p>"
    parts = (_by_length(predictions, unit), _by_speaker(predictions), _confused(predictions))
    return Section(title, f'{note}<div class="charts">{"".join(parts)}</div>')


def _by_length(predictions: Predictions, unit: str) -> str:
    pairs = sorted(predictions.pairs, key=lambda pair: pair.units)
    size = -(-len(pairs) // LENGTHS)
    groups: dict[str, list[Pair]] = {}
    while pairs:
        # Equal lengths stand in one row, however many they are.
        high = pairs[min(size, len(pairs)) - 1].units
        stretch = [pair for pair in pairs if pair.units <= high]
        low, pairs = stretch[0].units, pairs[len(stretch) :]
        groups[f"{low:,}" if low == high else f"{low:,}–{high:,}"] = stretch
    return f"<div><h3>By length</h3>{_rates(f'{unit} in the reference', groups)}</div>"


def _by_speaker(predictions: Predictions) -> str:
    groups: dict[str, list[Pair]] = {}
    for one, pair in zip(predictions.examples, predictions.pairs, strict=True):
        if one.speaker is not None:
            groups.setdefault(one.speaker, []).append(pair)
    if len(groups) < 2:
        return ""
    ranked = sorted(groups.items(), key=lambda item: (-_total(item[1]).rate, item[0]))
    cut = (
        f"<p class=faint>the {MOST_SPEAKERS} worst of {len(ranked):,}</p>"
        if len(ranked) > MOST_SPEAKERS
        else ""
    )
    return f"<div><h3>By speaker</h3>{_rates('speaker', dict(ranked[:MOST_SPEAKERS]))}{cut}</div>"


def _rates(name: str, groups: Mapping[str, Sequence[Pair]]) -> str:
    rows: list[tuple[Cell, ...]] = []
    for group, pairs in groups.items():
        total = _total(pairs)
        rows.append((group, len(pairs), total.units, f"{total.rate:.1%}"))
    return table((name, "examples", "units", "edits"), rows)


def _total(pairs: Sequence[Pair]) -> Pair:
    return Pair(sum(pair.edits for pair in pairs), sum(pair.units for pair in pairs))


def _confused(predictions: Predictions) -> str:
    if _total(predictions.pairs).rate > FAR:
        return ""
    counts: Counter[tuple[str, str]] = Counter()
    for one in predictions.examples[:MOST_ALIGNED]:
        for piece in align(one.reference, one.hypothesis, words=predictions.words):
            if piece.kind == "replace":
                counts[piece.reference[0].casefold(), piece.hypothesis[0].casefold()] += 1
            elif piece.kind != "equal":
                counts.update((unit.casefold(), "") for unit in piece.reference)
                counts.update(("", unit.casefold()) for unit in piece.hypothesis)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_PAIRS]
    rows = [(reference or "∅", hypothesis or "∅", times) for (reference, hypothesis), times in ranked]
    head = ("reference", "hypothesis", "times")
    return f"<div><h3>Confused most (∅: missing or added)</h3>{table(head, rows)}</div>"
