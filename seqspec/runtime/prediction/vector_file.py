"""Predicted vectors as the rows of one NumPy file, in the order of the inputs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from seqspec.components.predictions import FilePrediction, VectorPrediction
from seqspec.data.store.durable import write_durably, writing
from seqspec.runtime.prediction.predictor import Prediction
from seqspec.schema.diagnostic import Exit, RunError


def stacked_in(file: Path, predicted: Iterator[Prediction]) -> Iterator[Prediction]:
    """The predictions, each as the row of ``file`` that holds its vector; the file, float32 ``[N, D]``, is
    written behind the last.  An input without a vector has a row of NaN.  Raises ``RunError`` where what is
    predicted is no vector.
    """
    if file.suffix != ".npy":
        raise RunError(f"`{file}` is no .npy file, and vectors are written as one", exit=Exit.USAGE)
    rows: list[np.ndarray | None] = []
    for one in predicted:
        best = one.hypotheses[0] if one.hypotheses else None
        if isinstance(best, VectorPrediction):
            rows.append(np.asarray(best.values_D, np.float32))
            yield replace(one, hypotheses=(FilePrediction((f"{file.name}[{len(rows) - 1}]",)),))
        elif best is None or not getattr(best, "text", " "):
            rows.append(None)
            yield one
        else:
            help = "leave --vectors out, or name a run of a `dual_encoder`"
            raise RunError("this run predicts no vectors", exit=Exit.USAGE, help=help)
    _write(file, rows)


def _write(file: Path, rows: list[np.ndarray | None]) -> None:
    width = next((len(row) for row in rows if row is not None), 0)
    table_ND = np.full((len(rows), width), np.nan, np.float32)
    for number, row in enumerate(rows):
        if row is not None:
            table_ND[number] = row
    held = io.BytesIO()
    np.save(held, table_ND, allow_pickle=False)
    with writing(file, help="name another place with --vectors"):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file, held.getvalue())
