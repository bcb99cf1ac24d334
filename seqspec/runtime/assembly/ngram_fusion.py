"""The n-gram model that a search listens to: read from its file and fitted to the target's vocabulary."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqspec.compile.build.program import Program
from seqspec.components.search._listening import Heard, NgramPieces, NgramWords
from seqspec.components.search._ngram import NgramModel, read_arpa
from seqspec.data.text.word_spans import word_starts
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.environment import expand
from seqspec.schema.search._ngram import NgramFusion

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Plan
    from seqspec.data.stages.parts import TextSteps

SPACE = "<space>"
"""A piece that is a space, as files of characters write it."""
SPECIAL = 4
"""Ids that stand for no text."""


@dataclass(frozen=True)
class NgramInUse:
    """An n-gram model beside the model of a program."""

    weights: str
    """SHA-256 of its file."""

    def record(self) -> dict[str, str]:
        """What a lock and an evaluation say of it: its digest, not where it lies."""
        return {"ngram": self.weights}


def expect_ngram(plan: Plan) -> None:
    """Raises ``RunError`` where the search names a file that is not there: before hours are spent."""
    wanted: NgramFusion | None = getattr(plan.experiment.evaluate.search, "ngram", None)
    if wanted is not None and not (path := _path(wanted)).is_file():
        raise RunError(f"`evaluate.search.ngram.file`: {path} is no regular file", exit=Exit.USAGE,
                       help="name a language model in ARPA form")  # fmt: skip


def listen(program: Program, text: Mapping[str, TextSteps]) -> Program:
    """``program``, whose search listens to the n-gram model that the spec names, if it names one."""
    search: Any = program.search
    wanted: NgramFusion | None = getattr(search, "ngram", None)
    if wanted is None:
        return program
    path = _path(wanted)
    try:
        model = read_arpa(path)
        begin = _begin(model, wanted, text["target"], path)
    except DataError as error:
        raise DataError(
            f"`evaluate.search.ngram`: {error.message}",
            file=error.file,
            row=error.row,
            help=error.help,
        ) from None
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return replace(
        program,
        search=search.listening(begin, weight=wanted.weight),
        language_model=NgramInUse(digest),
    )


def _begin(model: NgramModel, wanted: NgramFusion, steps: Any, path: Path) -> Heard:
    ids = range(steps.vocab_size)
    pieces = [str(piece) for piece in steps.tokenizer.pieces(ids)]
    if wanted.unit == "pieces":
        written = [SPACE if piece.isspace() else piece for piece in pieces]
        unknown = [piece for piece in written[SPECIAL:] if not model.knows(piece)]
        if len(unknown) * 2 > len(written) - SPECIAL:
            raise DataError(
                f"it does not know {len(unknown):,} of the {len(written) - SPECIAL:,} pieces of the target's "
                f"vocabulary, such as `{unknown[0]}`",
                file=str(path),
                help="is it of words? Then `unit: words`",
            )
        return NgramPieces(model, written)
    starts = word_starts(steps.vocab_size, steps.tokenizer.decode, first=SPECIAL)
    if not any(starts):
        raise DataError(
            "its n-grams are to be words, and no piece of the target's vocabulary begins one with a space",
            file=str(path),
            help="use a model of pieces: `unit: pieces`",
        )
    texts = [piece.replace("▁", "").strip() for piece in pieces]
    return NgramWords(model, starts, texts)


def _path(wanted: NgramFusion) -> Path:
    return Path(os.path.expanduser(expand(wanted.file)))
