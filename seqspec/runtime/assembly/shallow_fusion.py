"""The language model that a search listens to: opened from its run directory and compared with the run that
uses it, before anything is decoded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqspec.compile.build.program import Program
from seqspec.components.search._joint import FusedLanguageModel
from seqspec.runtime.checkpoints.model_tensors import state_tensors
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.checkpoints.tensor_file import digest_all
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.environment import expand
from seqspec.schema.search._shallow_fusion import ShallowFusion
from seqspec.schema.types import BOS, EOS

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Plan
    from seqspec.data.stages.parts import TextSteps
    from seqspec.runtime.assembly.assembled import Reopened

Open = Callable[[RunFolder], "Reopened"]


@dataclass(frozen=True)
class LanguageModelInUse:
    """A language model beside the model of a program."""

    program: Program
    weights: str
    """SHA-256 of its weights."""

    def record(self) -> dict[str, str]:
        """What a lock and an evaluation say of it: digests, not where it lies."""
        return {"model": self.program.plan.digests["model"], "weights": self.weights}


def expect(plan: Plan) -> None:
    """Raises ``RunError`` where the search names a language model that is not there: before hours are spent
    on the data.
    """
    wanted: ShallowFusion | None = getattr(plan.experiment.evaluate.search, "language_model", None)
    if wanted is not None:
        _folder(wanted)


def fuse(program: Program, text: Mapping[str, TextSteps], *, open: Open) -> Program:
    """``program``, whose search holds the language model that the spec names, if it names one.

    ``text`` are the loaded text steps of the program by role; ``open`` reopens a run.
    """
    search: Any = program.search
    wanted: ShallowFusion | None = getattr(search, "fusion", None)
    if wanted is None:
        return program
    if "target" not in text:
        raise _refused("the target of this experiment is no text that a language model could score")
    folder = _folder(wanted)
    path = folder.path
    run, checkpoint = _opened(folder, wanted.checkpoint, open)
    _check_vocabulary(path, run.parts.text["target"], text["target"])
    if hasattr(search, "limits"):  # A search over frames writes no more than the recording has.
        _check_positions(path, run.program, search.limits.max_tokens)
    model = run.program.module.eval().requires_grad_(False)
    use_weights(model, checkpoint)
    begin = EOS if _runs_on(run) else BOS
    return replace(
        program,
        search=search.fused(FusedLanguageModel(model, begin)),
        language_model=LanguageModelInUse(run.program, digest_all(state_tensors(model))),
    )


def tell(program: Program, folder: RunFolder) -> None:
    """Say on standard error which language model is listened to, and whether the run knew another."""
    used: LanguageModelInUse | None = program.language_model
    if used is None:
        return
    lock = folder.read("lock.json")
    known = lock.get("language_model") if isinstance(lock, dict) else None
    print(f"note: the search listens to a language model, weights {used.weights[:12]}…", file=sys.stderr)
    if isinstance(known, dict) and known != used.record():
        was = str(known.get("weights"))[:12]
        print(f"warning: {folder.lock} names another language model, weights {was}…", file=sys.stderr)


def _folder(wanted: ShallowFusion) -> RunFolder:
    path = Path(os.path.expanduser(expand(wanted.run)))  # a path of no user stays as it is
    try:
        return open_folder(path)
    except RunError as error:
        raise _refused(str(error), help=error.help, exit=error.exit) from None


def _opened(folder: RunFolder, checkpoint: str, open: Open) -> tuple[Reopened, Any]:
    try:
        run = open(folder)
        if run.tasks:
            raise RunError(f"{folder.path} is a run of several tasks", exit=Exit.USAGE,
                           help="name a run of model `language_model` alone")  # fmt: skip
        kind = run.program.plan.experiment.model.component[1]
        if kind != "language_model":
            raise RunError(f"{folder.path} is a run of a model `{kind}`", exit=Exit.USAGE,
                           help="name a run of model `language_model`")  # fmt: skip
        return run, chosen(folder.checkpoints, checkpoint)
    except RunError as error:
        raise _refused(str(error), help=error.help, exit=error.exit) from None


def _check_vocabulary(path: Path, theirs: TextSteps, ours: TextSteps) -> None:
    """The same id must be the same piece of text; how texts were cut up is each model's own affair."""
    if theirs.vocab_size != ours.vocab_size:
        raise _other_vocabulary(path, f"{theirs.vocab_size:,} ids, and {ours.vocab_size:,} here")
    for id_, (their, our) in enumerate(zip(_pieces(theirs), _pieces(ours), strict=True)):
        if their != our:
            raise _other_vocabulary(path, f"its id {id_} is {their!r}, and {our!r} here")


def _pieces(steps: Any) -> list[str]:
    pieces: list[str] = steps.tokenizer.pieces(range(steps.vocab_size))
    return pieces


def _other_vocabulary(path: Path, how: str) -> RunError:
    help = (
        "train it with the vocabulary of this run, which lies under `vocabularies/`: tokenizer "
        "`sentencepiece_file` reads what `sentencepiece` has left there, `symbols_file` characters and words"
    )
    return _refused(f"{path} has another vocabulary: {how}", help=help, exit=Exit.DATA)


def _check_positions(path: Path, program: Program, longest: int) -> None:
    decoder = getattr(program.plan.experiment.model, "decoder", None)
    known = getattr(decoder, "max_positions", None)
    if getattr(decoder, "positions", None) == "learned" and known is not None and known < longest:
        raise _refused(
            f"{path} knows {known} positions, and an answer may have {longest} ids",
            help=f"set `evaluate.search.max_tokens` to {known} or less",
        )


def _runs_on(run: Reopened) -> bool:
    """Whether its texts stood behind one another, so that an end was what it read before each."""
    pack = run.parts.config.pack
    return pack is not None and not pack.document_mask


def _refused(why: str, *, help: str | None = None, exit: Exit = Exit.USAGE) -> RunError:
    return RunError(f"`evaluate.search.language_model`: {why}", exit=exit, help=help)
