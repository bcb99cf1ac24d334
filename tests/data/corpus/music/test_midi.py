"""MIDI files and the events of Oore et al. (2018)."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("mido")

import mido

from seqspec.components.tokenizer.midi_events import MidiEvents
from seqspec.data.corpus.music.midi import BadMidi, Note, midi_bytes, read_midi
from seqspec.data.corpus.music.performance import events_of, notes_of, vocabulary
from seqspec.schema.tokenizer.midi_events import MidiEventsConfig
from seqspec.schema.types import Performance

KIND = Performance("zxx")


def written(folder: Path, content: bytes) -> Path:
    path = folder / "a.mid"
    path.write_bytes(content)
    return path


def with_messages(folder: Path, *messages: mido.Message) -> Path:
    """One tick is a millisecond."""
    file = mido.MidiFile(type=0, ticks_per_beat=500)
    file.tracks.append(mido.MidiTrack(messages))
    path = folder / "a.mid"
    file.save(path)
    return path


def test_the_vocabulary_is_that_of_the_paper():
    config = MidiEventsConfig()

    assert len(vocabulary(KIND)) == 128 + 128 + 100 + 32
    assert len(vocabulary(Performance("zxx", steps_per_second=125, max_shift=125))) == 413
    assert config.output(KIND).vocab == MidiEvents(config, KIND).vocab_size == 392


def test_a_chord_and_a_long_wait_as_events():
    notes = [Note(1.0, 1.5, 60, 64), Note(1.0, 3.26, 64, 66), Note(3.26, 3.3, 60, 127)]

    events = " ".join(events_of(notes, KIND))

    assert events == (
        "velocity_16 note_on_60 velocity_17 note_on_64 time_shift_50 note_off_60 time_shift_100 "
        "time_shift_76 note_off_64 velocity_32 note_on_60 time_shift_4 note_off_60"
    )


def test_events_and_files_keep_time_within_a_step_and_strength_within_a_bin(tmp_path):
    rng = random.Random(1)
    notes = []
    for pitch in range(40, 80):
        start = rng.uniform(0, 9)
        notes.append(Note(start, start + rng.uniform(0.02, 4), pitch, rng.randrange(1, 128)))
    notes = [
        note._replace(start=note.start - min(notes).start, end=note.end - min(notes).start) for note in notes
    ]

    read = read_midi(written(tmp_path, midi_bytes(notes)))
    again = notes_of(list(events_of(read, KIND)), KIND)

    by_pitch = {note.pitch: note for note in again}
    assert len(again) == len(notes)
    for note in notes:
        found = by_pitch[note.pitch]
        assert abs(found.start - note.start) <= 0.0056
        assert abs(found.end - note.end) <= 0.0056
        assert 0 <= note.velocity - found.velocity < 4
    assert notes_of(list(events_of(again, KIND)), KIND) == again


def test_the_pedal_holds_a_key_until_it_is_lifted_or_struck_again(tmp_path):
    on, control = "note_on", "control_change"
    path = with_messages(
        tmp_path,
        mido.Message(control, control=64, value=127, time=0),
        mido.Message(on, note=60, velocity=80, time=100),
        mido.Message("note_off", note=60, time=100),
        mido.Message(on, note=60, velocity=90, time=100),
        mido.Message(on, note=60, velocity=0, time=100),
        mido.Message(control, control=64, value=0, time=600),
    )

    assert read_midi(path) == [pytest.approx(Note(0.1, 0.3, 60, 80)), pytest.approx(Note(0.3, 1.0, 60, 90))]
    without = read_midi(path, sustain=False)
    assert without == [pytest.approx(Note(0.1, 0.2, 60, 80)), pytest.approx(Note(0.3, 0.4, 60, 90))]


GOOD = midi_bytes([Note(0.0, 1.0, 60, 80)])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"RIFF" + GOOD, "MThd"),
        (GOOD[:-9], "broken"),
        (GOOD[:12] + b"\xe7\x28" + GOOD[14:], "frames of film"),
        (midi_bytes([]), "no note"),
        (GOOD.replace(b"\x00\xff\x51\x03\x07\xa1\x20", b"\x00\xff\x51\xff\xff\xff\x7f"), "broken"),
        (midi_bytes([Note(0.0, 1.0, 60, 80), Note(90_000.0, 90_001.0, 61, 80)]), "24 hours"),
    ],
)
def test_what_is_no_music_is_refused(tmp_path, content, why):
    with pytest.raises(BadMidi, match=why):
        read_midi(written(tmp_path, content))


def test_any_file_is_read_or_refused(tmp_path):
    rng = random.Random(2)
    for _ in range(200):
        content = bytearray(GOOD)
        for _ in range(rng.randrange(1, 6)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        path = written(tmp_path, bytes(content))
        with suppress(BadMidi):
            assert all(0 <= note.start <= note.end for note in read_midi(path))


def test_any_events_are_music():
    words = ["note_off_9", "note_on_200", "<unk>", "note_on_60", "time_shift_10", "note_on_60", "velocity_0"]

    assert notes_of(words, KIND) == [Note(0.0, 0.1, 60, 64), Note(0.1, 0.11, 60, 64)]
