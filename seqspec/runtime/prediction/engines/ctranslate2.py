"""CTranslate2 as an engine for ``predict``: a Transformer encoder and decoder in float32 or int8 on a CPU.

Klein et al. (2020), "Efficient and High-Quality Neural Machine Translation with OpenNMT", WNGT;
https://github.com/OpenNMT/CTranslate2. The engine keeps ``2 K`` candidates, stops after as many finished
hypotheses as the beam is wide, and reports plain log-probabilities; answers are then ranked by the spec's own
length penalty.  So its results are those of our search with ``stop: after_n_finished``.
"""

# B batch, T source time

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Literal

from seqspec.components.search._hypothesis import Hypothesis
from seqspec.components.search.beam import Beam
from seqspec.components.search.greedy import Greedy
from seqspec.data.batching.batch import Batch
from seqspec.runtime.prediction.engines._transformer_spec import convert
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.types import BOS, EOS, PAD

Arithmetic = Literal["float32", "int8"]
_NONE = {
    "coverage_penalty": "none",
    "score_gap": "null",
    "end_margin": "null",
    "ctc_weight": "0",
    "language_model": "null",
}
"""The value of each setting of a beam that means: without it."""


class Ctranslate2:
    """Stands in for the model of a program: ``decode`` answers a batch."""

    def __init__(self, model: Any, config: Any, *, arithmetic: Arithmetic, threads: int) -> None:
        """``model`` is an ``EncoderDecoder`` with its weights, ``config`` its config.  Raises ``RunError``
        where the engine cannot run it.
        """
        library = require()
        with tempfile.TemporaryDirectory(prefix="seqspec-ctranslate2-") as folder:
            path = Path(folder) / "model"
            convert(model, config, path, arithmetic=arithmetic)
            self.translator = library.Translator(
                os.fspath(path), device="cpu", compute_type=arithmetic, inter_threads=1, intra_threads=threads
            )

    def decode(self, batch: Batch, search: Any) -> list[list[Hypothesis]]:
        """Up to as many hypotheses an example as the beam is wide, best first."""
        assert batch.source is not None
        assert batch.source_lengths is not None
        rows = zip(batch.source.tolist(), batch.source_lengths.tolist(), strict=True)
        sources = [[str(token) for token in ids[:length]] for ids, length in rows]
        results: list[list[Hypothesis]] = [[] for _ in sources]
        for limit, places in _by_limit(sources, search).items():
            answers = self.translator.translate_batch(
                [sources[place] for place in places], max_decoding_length=limit, **_settings(search)
            )
            for place, answer in zip(places, answers, strict=True):
                results[place] = _ranked(answer, search)
        return results


def require() -> Any:
    """The library, or what to do where it is missing."""
    # Its other int8 kernel adds pairs of products in 16 bits where a processor lacks VNNI, and saturates:
    # scores were off by half (oneDNN documentation, "Nuances of int8 Computations").
    os.environ.setdefault("CT2_USE_MKL", "1")
    try:
        import ctranslate2
    except ImportError:
        raise RunError(
            "the engine `ctranslate2` is not installed",
            exit=Exit.USAGE,
            help="pip install 'seqspec[ctranslate2]'",
        ) from None
    return ctranslate2


def check_search(search: Any) -> str | None:
    """Raises ``RunError`` for settings that the engine does not have; gives a warning where its stopping rule
    is another.
    """
    if isinstance(search, Greedy):
        return None
    if not isinstance(search, Beam):
        raise RunError(
            "the engine `ctranslate2` searches greedily or by beam, and this run does neither",
            exit=Exit.USAGE,
        )
    strange = {
        "coverage_penalty": search.penalty.coverage != "none",
        "score_gap": search.score_gap is not None,
        "end_margin": search.end_margin is not None,
        "ctc_weight": search.joint is not None and search.joint.ctc_weight > 0,
        "language_model": search.fusion is not None,
    }
    for field, used in strange.items():
        if used:
            raise RunError(
                f"the engine `ctranslate2` has no `{field}`",
                exit=Exit.USAGE,
                help=f"use `--engine torch`, or `--set evaluate.search.{field}={_NONE[field]}`",
            )
    if search.stop == "after_n_finished" and search.num_finished == search.size:
        return None
    return f"the engine stops after {search.size} finished hypotheses; the spec says `{search.stop}`"


def _by_limit(sources: list[list[str]], search: Any) -> dict[int, list[int]]:
    """Places of the sources by the longest answer each may get."""
    grouped: dict[int, list[int]] = {}
    for place, source in enumerate(sources):
        limit = search.limits.max_tokens
        if search.limits.max_ratio is not None:
            limit = min(limit, int(len(source) * search.limits.max_ratio) + 10)
        grouped.setdefault(limit, []).append(place)
    return grouped


def _settings(search: Any) -> dict[str, Any]:
    size = search.size if isinstance(search, Beam) else 1
    return {
        "beam_size": size,
        "num_hypotheses": size,
        "patience": 1.0,
        "length_penalty": 0.0,
        "max_input_length": 0,
        "min_decoding_length": 0,
        "return_scores": True,
        "return_end_token": True,
        "suppress_sequences": [[str(PAD)], [str(BOS)]],
    }


def _ranked(answer: Any, search: Any) -> list[Hypothesis]:
    found = []
    for tokens, total in zip(answer.hypotheses, answer.scores, strict=True):
        ids = tuple(int(token) for token in tokens if int(token) != EOS)
        score = search.penalty.score(total, len(tokens)) if isinstance(search, Beam) else total
        found.append(Hypothesis(ids, score, total))
    return sorted(found, key=lambda h: -h.score)
