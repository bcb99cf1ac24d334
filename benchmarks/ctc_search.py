"""Beam search over prefixes of a CTC model, beside the decoders that others use for it.

    python benchmarks/ctc_search.py --install FOLDER [--sizes 8 50] [--repeats 5]

Eight made-up recordings of 300 states over 40 symbols: ``sure``, where the blank has nearly everything at most
states, as of a trained model, and ``unsure``, where many symbols compete.  ``seqspec``'s ``ctc_prefix_beam``,
flashlight-text's ``LexiconFreeDecoder`` (C++, sums of alignments, as torchaudio wraps it) and pyctcdecode (Python), each with
as many prefixes, and with symbols of which the others hold no more than ours: the best 32 (flashlight), or those
of a log-probability of at least -10 (pyctcdecode).  Without a language model.  ``--install`` has pip put flashlight-text and
pyctcdecode into a folder.

CPU microseconds a state, one thread, medians of the repeats, in alternating order, after one turn to warm up; and
``log_prob``, what CTC gives the best outputs in the mean, all their alignments summed by ``torch.nn.functional.ctc_loss``:
a search that finds better outputs has more (pyctcdecode gives words and not symbols, and has none).  A JSON line a row.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median

import torch
from harness.peer_packages import install
from torch import Tensor
from torch.nn import functional

from seqspec.components.search.ctc_prefix_beam import CtcPrefixBeam
from seqspec.schema.search.ctc_prefix_beam import CtcPrefixBeamConfig
from seqspec.schema.types import Logits

RECORDINGS, STATES, SYMBOLS = 8, 300, 40
BLANK = 0
PACKAGES = ("flashlight-text==0.0.7", "pyctcdecode==0.5.0", "pygtrie==2.5.0")
TEXTS = ["", *(chr(ord("a") + number) for number in range(SYMBOLS - 2)), " "]

Search = Callable[[Tensor], tuple[int, ...] | None]
"""The best ids for log-probabilities ``[states, symbols]``; ``None`` where it has no ids."""


def main() -> None:
    """Prints a JSON line for each kind of model and size of beam."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--install", type=Path, metavar="FOLDER", help="has pip put the peers there")
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 50], help="prefixes that are kept")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    if given.install:
        install(given.install.resolve(), PACKAGES)
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)  # pyctcdecode's, of a language model that nobody asked for
    for kind, blank in (("sure", 8.0), ("unsure", 0.0)):
        recordings = _recordings(blank)
        for size in given.sizes:
            searches = {
                "seqspec": _seqspec(size),
                "flashlight": _flashlight(size),
                "pyctcdecode": _pyctcdecode(size),
            }
            print(
                json.dumps({"states": kind, "size": size, **_measured(searches, recordings, given.repeats)}),
                flush=True,
            )


def _recordings(blank: float) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(RECORDINGS, STATES, SYMBOLS, generator=generator)
    logits[..., BLANK] += blank
    return list(logits.log_softmax(-1))


def _measured(searches: dict[str, Search], recordings: list[Tensor], repeats: int) -> dict[str, object]:
    found = {name: [search(one) for one in recordings] for name, search in searches.items()}
    times: dict[str, list[float]] = {name: [] for name in searches}
    for turn in range(repeats):
        for name in sorted(searches, reverse=bool(turn % 2)):
            begin = time.thread_time()
            for one in recordings:
                searches[name](one)
            times[name].append((time.thread_time() - begin) / (RECORDINGS * STATES) * 1e6)
    medians = {name: median(values) for name, values in times.items()}
    return {
        "microseconds_a_state": {name: round(value, 1) for name, value in medians.items()},
        "of_ours": {name: round(value / medians["seqspec"], 2) for name, value in medians.items()},
        "log_prob": {
            name: round(mean(map(_log_prob, recordings, outputs)), 2)
            for name, outputs in found.items()
            if None not in outputs
        },
    }


def _log_prob(log_probs_SV: Tensor, ids: tuple[int, ...]) -> float:
    target, length = torch.tensor([ids]), torch.tensor([len(ids)])
    states = torch.tensor([len(log_probs_SV)])
    return -functional.ctc_loss(
        log_probs_SV[:, None], target, states, length, blank=BLANK, reduction="sum"
    ).item()


def _seqspec(size: int) -> Search:
    search = CtcPrefixBeam(CtcPrefixBeamConfig(size=size), Logits(SYMBOLS, stride=4, blank=True))
    length = torch.tensor([STATES])
    return lambda log_probs_SV: search(log_probs_SV[None], length)[0][0].ids


def _flashlight(size: int) -> Search:
    from flashlight.lib.text.decoder import (
        CriterionType,
        LexiconFreeDecoder,
        LexiconFreeDecoderOptions,
        ZeroLM,
    )

    options = LexiconFreeDecoderOptions(
        beam_size=size,
        beam_size_token=32,
        beam_threshold=1000.0,
        lm_weight=0.0,
        sil_score=0.0,
        log_add=True,
        criterion_type=CriterionType.CTC,
    )
    decoder = LexiconFreeDecoder(options, ZeroLM(), SYMBOLS - 1, BLANK, [])

    def search(log_probs_SV: Tensor) -> tuple[int, ...]:
        # It begins and ends with a silence of its own.
        path = decoder.decode(log_probs_SV.data_ptr(), *log_probs_SV.shape)[0].tokens[1:-1]
        return tuple(token for token, _ in itertools.groupby(path) if token != BLANK)

    return search


def _pyctcdecode(size: int) -> Search:
    from pyctcdecode import build_ctcdecoder

    decoder = build_ctcdecoder(TEXTS)

    def search(log_probs_SV: Tensor) -> None:
        decoder.decode_beams(
            log_probs_SV.numpy(), beam_width=size, beam_prune_logp=-1000.0, token_min_logp=-10.0
        )

    return search


if __name__ == "__main__":
    main()
