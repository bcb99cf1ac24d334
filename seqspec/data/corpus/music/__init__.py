"""Music: MIDI files, and performances as events."""
