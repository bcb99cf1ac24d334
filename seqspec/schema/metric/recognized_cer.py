"""Character error rate of what a recogniser hears in synthetic speech."""

from __future__ import annotations

from typing import Literal

from seqspec.schema.metric._recognizer_run import RecognizerRunConfig


class RecognizedCerConfig(RecognizerRunConfig):
    """Errors over the characters of the texts that were to be said, summed over the split."""

    spaces: Literal["keep", "strip"] = "keep"
    """Whether white space counts as a character."""
