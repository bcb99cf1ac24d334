"""The events of performed music, of which there is a fixed number: Oore et al. (2018), arXiv:1808.03715."""

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Performance, Tokens, Type

NUM_SPECIAL, NUM_KEYS = 4, 128


class MidiEventsConfig(Config):
    """One id for each key that is struck or released, each shift of time and each velocity, after the four
    special ones; nothing is learned.
    """

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Performance):
            raise Mismatch(
                f"`midi_events` takes performed music, and this is {source}",
                help="use adapter `maestro`, or for text the tokenizer `characters` or `sentencepiece`",
            )
        return Tokens(vocab=NUM_SPECIAL + 2 * NUM_KEYS + source.max_shift + source.velocities)
