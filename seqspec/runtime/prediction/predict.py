"""Predict: read inputs, use a run's model on them, print what it predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.failed_inputs import FailedInputs
from seqspec.runtime.prediction.field_inputs import require_fields
from seqspec.runtime.prediction.inputs import check_names, is_typed, read_inputs
from seqspec.runtime.prediction.opening import interactive, open_predictor
from seqspec.runtime.prediction.output_formats import Format, Printing, writer
from seqspec.runtime.prediction.predictor import Prediction
from seqspec.runtime.prediction.timing import Aligner, Timing, read_transcripts
from seqspec.runtime.prediction.value_files import written_to
from seqspec.runtime.prediction.vector_file import stacked_in

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Compiled
    from seqspec.compile.resolve.overlay import Overlay


def predict(
    path: Path,
    *,
    inputs: Sequence[str],
    checkpoint: str,
    over: Sequence[Overlay],
    launch: Launch,
    out: IO[str],
    nbest: int,
    scores: bool,
    format: Format,
    engine: str,
    column: str | None = None,
    all_classes: bool = False,
    compiled: Compiled | None = None,
    task: str | None = None,
    timestamps: bool = False,
    align: Path | None = None,
    folder: Path | None = None,
    vectors: Path | None = None,
    fields: Mapping[str, str] | None = None,
) -> None:
    """A prediction for every input on ``out``; with ``timestamps`` their words have times, and with ``align``
    those of given transcripts; values other than texts and labels are files in ``folder``, or
    rows of the file ``vectors``.  ``fields`` names the class of further fields of every input.

    Inputs that cannot be read or are too long leave an empty place, and are told at the end by a
    ``DataError``; the others are predicted.
    """
    check_names(inputs)
    transcripts = None if align is None else read_transcripts(align)
    opened = open_predictor(
        path, checkpoint=checkpoint, over=over, launch=launch, engine=engine, nbest=nbest,
        all_classes=all_classes, compiled=compiled, task=task,
        timestamps=timestamps or align is not None, kept=None if all_classes else nbest,
    )  # fmt: skip
    typed = is_typed(inputs)
    named = any(Path(name).is_dir() for name in inputs)
    times = timestamps or align is not None
    several = named or (times and len(inputs) > 1)
    write = writer(out, Printing(format, nbest, scores, all_classes, several, times))
    require_fields(fields or {}, opened.predictor.classes)
    given = read_inputs(inputs, parts=opened.parts, column=column, typed=typed, given=fields)
    opened = interactive(opened) if typed else opened
    if transcripts is not None:
        timing = opened.timing if isinstance(opened.timing, Timing) else Timing.of(opened.run)
        predicted = Aligner(timing, opened.predictor, transcripts)(given)
    else:
        predicted = opened.predictor(given)
    if vectors is not None:
        predicted = stacked_in(vectors, predicted)
    if folder is not None:
        predicted = written_to(folder, predicted)
    print_all(predicted, write, alone=len(inputs) == 1 and not named)


def print_all(predicted: Iterator[Prediction], write: Callable[[Prediction], None], *, alone: bool) -> None:
    """Write every prediction; raises ``DataError`` for the inputs that have none.

    ``alone``: one file is named; where it is one input that fails, its error is all there is to tell.
    """
    first = list(islice(predicted, 2)) if alone else []
    if len(first) == 1 and first[0].error is not None:
        raise first[0].error
    count, failed = 0, FailedInputs()
    for one in chain(first, predicted):
        write(one)
        count += 1
        if one.error is not None:
            failed.add(one.error)
    if failed.failed:
        raise failed.error(count)
