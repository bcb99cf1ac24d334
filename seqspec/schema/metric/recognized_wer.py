"""Word error rate of what a recogniser hears in synthetic speech."""

from __future__ import annotations

from seqspec.schema.metric._recognizer_run import RecognizerRunConfig


class RecognizedWerConfig(RecognizerRunConfig):
    """Errors over the words of the texts that were to be said, summed over the split; words stand between
    spaces.
    """
