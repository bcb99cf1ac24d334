"""MIDI files: which key sounds from when to when, and how hard it was struck.

What a file may hold is bounded, so that a hostile one is refused rather than read without end.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seqspec.data.regular_file import read_regular
from seqspec.schema.diagnostic import DataError

SUFFIXES = (".mid", ".midi")
MOST_BYTES = 16 * 2**20
MOST_NOTES = 1_000_000
MOST_SECONDS = 24 * 3600.0
SUSTAIN = 64
"""The controller of the right pedal; from 64 on it is down."""
DRUMS = 9
"""The channel whose keys are drums."""
TICKS, TEMPO = 500, 500_000
"""Ticks of a beat, and microseconds of it, in files that are written: a tick is a millisecond."""


class BadMidi(ValueError):
    """The file holds no music that can be read."""


class Note(NamedTuple):
    """One key, from the moment it is struck until it is silent."""

    start: float
    """Seconds."""
    end: float
    """Seconds."""
    pitch: int
    """0 to 127; 60 is middle C."""
    velocity: int
    """1 to 127."""


def mido() -> Any:
    """The library that reads and writes MIDI.  Raises ``DataError`` where it is missing."""
    try:
        import mido as library
    except ImportError:
        raise DataError("MIDI needs mido", help="pip install 'seqspec-compiler[music]'") from None
    return library


def read_midi(path: Path, *, sustain: bool = True) -> list[Note]:
    """The notes of a file in the order of start and pitch; with ``sustain`` a key sounds until the pedal is
    lifted.  Raises ``BadMidi``, and ``OSError`` where there is no such file.
    """
    if path.stat().st_size > MOST_BYTES:
        raise BadMidi(f"the file has more than {MOST_BYTES // 2**20} MiB")
    content = read_regular(path)
    if not content.startswith(b"MThd"):
        raise BadMidi("the file does not begin with `MThd`")
    notes = sorted(_notes(_messages(content), sustain=sustain))
    if not notes:
        raise BadMidi("the file holds no note")
    return notes


def _messages(content: bytes) -> Iterator[tuple[float, Any]]:
    """Messages with their seconds from the beginning."""
    library, seconds = mido(), 0.0
    try:
        file = library.MidiFile(file=io.BytesIO(content), clip=True)
        if file.ticks_per_beat <= 0:
            raise BadMidi("times are counted in frames of film, not in beats")
        for message in file:
            seconds += message.time
            if not 0 <= seconds <= MOST_SECONDS:
                raise BadMidi(f"the music is longer than {MOST_SECONDS / 3600:.0f} hours")
            yield seconds, message
    except BadMidi:
        raise
    except EOFError:
        raise BadMidi("the file is broken: it ends too early") from None
    except (OSError, ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise BadMidi(f"the file is broken: {str(error) or type(error).__name__}"[:200]) from None


class _Keys:
    """Keys of one channel that sound."""

    def __init__(self) -> None:
        self.pedal = False
        self.down: dict[int, tuple[float, int]] = {}
        self.held: dict[int, tuple[float, int]] = {}
        """Released while the pedal was down."""

    def end(self, pitch: int, at: float) -> Iterator[Note]:
        for keys in (self.held, self.down):
            if pitch in keys:
                start, velocity = keys.pop(pitch)
                yield Note(start, at, pitch, velocity)

    def release(self, pitch: int, at: float) -> Iterator[Note]:
        if pitch in self.down and self.pedal:
            yield from self.end(pitch, at) if pitch in self.held else ()
            if pitch in self.down:
                self.held[pitch] = self.down.pop(pitch)
        elif pitch in self.down:
            yield from self.end(pitch, at)

    def lift(self, at: float) -> Iterator[Note]:
        self.pedal = False
        for pitch in sorted(self.held):
            start, velocity = self.held.pop(pitch)
            yield Note(start, at, pitch, velocity)


def _notes(messages: Iterable[tuple[float, Any]], *, sustain: bool) -> Iterator[Note]:
    channels: dict[int, _Keys] = {}
    count, seconds = 0, 0.0
    for seconds, message in messages:
        if getattr(message, "channel", DRUMS) == DRUMS:
            continue
        keys = channels.setdefault(message.channel, _Keys())
        for note in _heard(message, keys, seconds, sustain=sustain):
            count += 1
            if count > MOST_NOTES:
                raise BadMidi(f"the file holds more than {MOST_NOTES:,} notes")
            yield note
    for keys in channels.values():
        for pitch in sorted({*keys.down, *keys.held}):
            yield from keys.end(pitch, seconds)


def _heard(message: Any, keys: _Keys, at: float, *, sustain: bool) -> Iterator[Note]:
    """The notes that a message ends."""
    match message.type:
        case "note_on" if message.velocity:
            yield from keys.end(message.note, at)
            keys.down[message.note] = at, message.velocity
        case "note_on" | "note_off":
            yield from keys.release(message.note, at)
        case "control_change" if message.control == SUSTAIN and sustain:
            if message.value >= 64:
                keys.pedal = True
            else:
                yield from keys.lift(at)


def midi_bytes(notes: Sequence[Note]) -> bytes:
    """A file of one track for a piano."""
    library = mido()
    struck = [(note.start, 1, note.pitch, note.velocity) for note in notes]
    released = [(note.end, 0, note.pitch, 0) for note in notes]
    track = library.MidiTrack([library.MetaMessage("set_tempo", tempo=TEMPO)])
    before = 0
    for seconds, _, pitch, velocity in sorted(struck + released):
        at = round(seconds * 1e6 * TICKS / TEMPO)
        track.append(library.Message("note_on", note=pitch, velocity=velocity, time=at - before))
        before = at
    file = library.MidiFile(type=0, ticks_per_beat=TICKS)
    file.tracks.append(track)
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()
