"""A folder for CTranslate2: translation on CPUs, float32 or int8, with its own beam search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqspec.data.batching.batch import Batch
from seqspec.runtime.export.comparison import TOLERANCE
from seqspec.runtime.export.subject import Subject
from seqspec.runtime.export.target import Check, difference
from seqspec.runtime.prediction.engines._transformer_spec import convert
from seqspec.runtime.prediction.engines.ctranslate2 import require as require_library
from seqspec.schema.diagnostic import RunError

FOLDER = "model"


def require() -> dict[str, str]:
    """The extra `ctranslate2`."""
    return {"ctranslate2": require_library().__version__}


def write(subject: Subject, folder: Path) -> dict[str, Any]:
    """Tokens of the folder's vocabularies are the ids, in decimal."""
    config = subject.compiled.plan.experiment.model
    try:
        convert(subject.model, config, folder / FOLDER, arithmetic="float32")
    except RunError as error:
        raise RunError(str(error), exit=error.exit, help="`--to onnx` takes other models") from None
    return {"folder": FOLDER, "tokens": "ids in decimal; source and target go without beginning and end"}


def compare(subject: Subject, folder: Path) -> Sequence[Check]:
    """The engine's log-probability of every reference, forced, beside the run's; of given inputs, those of
    the run's own answers.
    """
    translator = require_library().Translator(
        str(folder / FOLDER), device="cpu", compute_type="float32", inter_threads=1,
        intra_threads=torch.get_num_threads(),
    )  # fmt: skip
    worst, count = 0.0, 0
    for batch in subject.batches:
        with torch.inference_mode():
            expected = subject.model.score(batch).double().numpy()
        worst = max(worst, difference(_scores(translator, batch), expected))
        count += len(expected)
    return [Check(f"log-probabilities of {count} references", worst, TOLERANCE)]


def _scores(translator: Any, batch: Batch) -> np.ndarray:
    sources, targets = (_tokens(batch, role) for role in ("source", "target"))
    found = translator.score_batch(sources, targets)
    return np.array([sum(one.log_probs) for one in found], np.float64)


def _tokens(batch: Batch, role: str) -> list[list[str]]:
    field = batch.fields[role]
    assert field.lengths is not None
    rows = zip(field.values.tolist(), field.lengths.tolist(), strict=True)
    return [[str(one) for one in ids[:length]] for ids, length in rows]
