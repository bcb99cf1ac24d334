"""What lies behind an error rate: errors by utterance, the pairs that are confused, and rates by speaker and
by length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MOST_PAIRS = 50
"""Confused pairs, missing and added words that are kept."""
MOST_UTTERANCES = 100_000
"""Utterances that are listed; rates by speaker and length are of all."""
GROUPS = 4
"""Groups of utterances by length, about equally many in each."""


class Utterance(NamedTuple):
    """Errors of one example."""

    id: str
    errors: int
    units: int
    speaker: str | None = None


@dataclass
class Errors:
    """Counts of what was written in place of what."""

    substitutions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (reference, hypothesis)."""
    deletions: Counter[str] = field(default_factory=Counter)
    insertions: Counter[str] = field(default_factory=Counter)

    def add(self, hypothesis: Sequence[str], reference: Sequence[str]) -> int:
        """Count the fewest edits of one pair; gives how many there are."""
        from rapidfuzz.distance import Levenshtein

        edits = Levenshtein.editops(hypothesis, reference)
        for edit in edits:
            here, there = edit.src_pos, edit.dest_pos
            match edit.tag:
                case "replace":
                    self.substitutions[reference[there], hypothesis[here]] += 1
                case "insert":  # Turning the hypothesis into the reference adds what it lacks.
                    self.deletions[reference[there]] += 1
                case "delete":
                    self.insertions[hypothesis[here]] += 1
        return len(edits)


def utterance_details(utterances: Sequence[Utterance], errors: Errors) -> dict[str, Any]:
    """Everything as plain data, the worst utterances first; rates are fractions."""
    worst = sorted(utterances, key=lambda one: (-one.errors, one.id))[:MOST_UTTERANCES]
    found: dict[str, Any] = {
        "utterances": [
            {"id": one.id, "errors": one.errors, "units": one.units}
            | ({"speaker": one.speaker} if one.speaker is not None else {})
            for one in worst
        ],
        "substitutions": [
            {"reference": pair[0], "hypothesis": pair[1], "times": times}
            for pair, times in _often(errors.substitutions)
        ],
        "deletions": [{"reference": unit, "times": times} for unit, times in _often(errors.deletions)],
        "insertions": [{"hypothesis": unit, "times": times} for unit, times in _often(errors.insertions)],
        "by_length": by_length(utterances),
    }
    speakers = _grouped(utterances)
    return found | ({"by_speaker": {name: rate(held) for name, held in speakers.items()}} if speakers else {})


def by_length(utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
    """Rates of up to four groups, from short references to long ones."""
    ordered = sorted(utterances, key=lambda one: (one.units, one.id))
    edges = sorted(
        {ordered[len(ordered) * part // GROUPS].units for part in range(GROUPS)} if ordered else ()
    )
    found = []
    for number, low in enumerate(edges):
        above = edges[number + 1] if number + 1 < len(edges) else None
        held = [one for one in ordered if one.units >= low and (above is None or one.units < above)]
        found.append({"from": held[0].units, "to": held[-1].units, **rate(held)})
    return found


def rate(utterances: Sequence[Utterance]) -> dict[str, Any]:
    """Errors over units of some utterances."""
    errors, units = sum(one.errors for one in utterances), sum(one.units for one in utterances)
    return {"utterances": len(utterances), "errors": errors, "units": units, "rate": errors / max(units, 1)}


def _grouped(utterances: Sequence[Utterance]) -> Mapping[str, list[Utterance]]:
    found: dict[str, list[Utterance]] = {}
    for one in utterances:
        if one.speaker is not None:
            found.setdefault(one.speaker, []).append(one)
    return {name: found[name] for name in sorted(found)}


def _often(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_PAIRS]
