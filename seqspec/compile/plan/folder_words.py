"""Whether the steps before a folder's tokenizer find the words that its pieces were learned from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqspec.data.pretrained.hf_folder import named_here, path_of
from seqspec.data.pretrained.word_settings import told_words
from seqspec.schema.diagnostic import DataError, Finding
from seqspec.schema.source import Path

CODE = "SQ350"
_FORM = "nfkc"
"""What such tokenizers do to text before they look for words."""


def other_words(path: Path, pipeline: Any) -> Iterator[Finding]:
    """What the text steps at ``path`` do otherwise than the folder of their tokenizer says."""
    folder = getattr(pipeline.tokenizer, "folder", None)
    if folder is not None:
        for message, help in _mistakes(pipeline, folder):
            yield Finding((*path, "tokenizer"), message, help=help, code=CODE)


def _mistakes(pipeline: Any, written: str) -> Iterator[tuple[str, str]]:
    """What the steps before the tokenizer do otherwise than the folder says, and the remedy."""
    try:
        told = told_words(path_of(written)) if named_here(written) else None
    except DataError:
        return  # what reads the tokenizer says so
    if told is None:
        return
    if told.segmenter == "basic":
        yield (
            "the folder does not say what finds its words",
            "add `word_tokenizer_type` and its dictionary to the folder's tokenizer_config.json",
        )
        return
    wanted = f"{{type: {told.segmenter}, dictionary: {told.dictionary or '…'}}}"
    segment = pipeline.segment
    if segment is None or segment.component[1] != told.segmenter:
        found = "no segmenter" if segment is None else f"`{segment.component[1]}`"
        yield (
            f"the folder's pieces are cut from words of `{told.segmenter}`, and {found} stands before them",
            f"set `segment: {wanted}`",
        )
    elif told.dictionary not in (None, segment.dictionary):
        yield (
            f"the folder's words are those of `{told.dictionary}`, and here they are "
            f"`{segment.dictionary}`'s",
            f"set `segment: {wanted}`",
        )
    if _FORM not in {step.component[1] for step in pipeline.normalize}:
        yield f"the folder's words are found in text in {_FORM.upper()}", f"set `normalize: [{_FORM}]`"
