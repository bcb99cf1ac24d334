"""Music as a sequence of events: Oore, Simon, Dieleman, Eck and Simonyan (2018), "This Time with Feeling:
Learning Expressive Musical Performance", arXiv:1808.03715, section 3.

A key is struck (``note_on``), a key is released (``note_off``), time passes (``time_shift``, in steps), and
keys are struck with another strength from here on (``velocity``, counted from 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from seqspec.data.corpus.music.midi import Note
from seqspec.schema.types import Performance

PITCHES, STRENGTHS = 128, 128
WORD = re.compile(r"(note_on|note_off|time_shift|velocity)_([0-9]{1,3})")


def vocabulary(kind: Performance) -> tuple[str, ...]:
    """Every event, in the order of the paper: keys struck, keys released, shifts of time, velocities."""
    return (
        *(f"note_on_{pitch}" for pitch in range(PITCHES)),
        *(f"note_off_{pitch}" for pitch in range(PITCHES)),
        *(f"time_shift_{steps}" for steps in range(1, kind.max_shift + 1)),
        *(f"velocity_{bin}" for bin in range(1, kind.velocities + 1)),
    )


def events_of(notes: Sequence[Note], kind: Performance) -> Iterator[str]:
    """The events of notes, which begin at the first of them: silence before it is left out.

    At one step keys are released and struck in the order in which they were struck, so that a key that is
    struck again is released before.
    """
    per_second = kind.steps_per_second
    begin = min((note.start for note in notes), default=0.0)
    moments = []
    for rank, note in enumerate(sorted(notes)):
        start = round((note.start - begin) * per_second)
        end = max(round((note.end - begin) * per_second), start + 1)
        moments += [(start, rank, 0, note), (end, rank, 1, note)]
    now, velocity = 0, 0
    for step, _, release, note in sorted(moments):
        yield from _shifts(step - now, kind.max_shift)
        now = step
        if release:
            yield f"note_off_{note.pitch}"
            continue
        struck = (note.velocity - 1) // _width(kind) + 1
        if struck != velocity:
            velocity = struck
            yield f"velocity_{velocity}"
        yield f"note_on_{note.pitch}"


def notes_of(words: Sequence[str], kind: Performance) -> list[Note]:
    """The notes of events; what no event says is left out, and keys still down are released at the end.

    A key that is struck while it is down is released first.
    """
    found: list[Note] = []
    down: dict[int, tuple[int, int]] = {}
    now, velocity = 0, STRENGTHS // 2

    def release(pitch: int) -> None:
        if pitch in down:
            start, strength = down.pop(pitch)
            end = max(now, start + 1)
            found.append(Note(start / kind.steps_per_second, end / kind.steps_per_second, pitch, strength))

    for match in filter(None, map(WORD.fullmatch, words)):
        number = int(match[2])
        if match[1] == "time_shift":
            now += number
        elif match[1] == "velocity":
            velocity = min(1 + (number - 1) * _width(kind), STRENGTHS - 1) if number else velocity
        elif number < PITCHES:
            release(number)
            if match[1] == "note_on":
                down[number] = now, velocity
    for pitch in sorted(down):
        release(pitch)
    return sorted(found)


def _shifts(steps: int, most: int) -> Iterator[str]:
    yield from [f"time_shift_{most}"] * (steps // most)
    if steps % most:
        yield f"time_shift_{steps % most}"


def _width(kind: Performance) -> int:
    """Strengths of one velocity."""
    return -(-STRENGTHS // kind.velocities)
