"""What a chunk of a recording costs while it is heard, in operations of torch and calls of Python's functions: the
same on every machine.
"""

import sys
from collections import Counter

import numpy as np
import pytest
from torch.autograd.profiler import profile

from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.listening.endpoint import EndRules
from seqspec.runtime.prediction.listening.recognizer import recognizer_of
from seqspec.runtime.prediction.opening import open_predictor
from tests.runtime.prediction.listening.test_listen import speech  # noqa: F401

CHUNK = 1_920
"""Samples that the encoder of ``speech`` waits for: 6 states of 20 ms."""


def counted(recognizer, chunks, *, operations=False):
    """Calls, or with ``operations`` those of torch, while a noise of some chunks comes one by one."""
    seen = Counter()
    samples_T = np.random.default_rng(0).normal(0, 0.1, chunks * CHUNK).astype(np.float32)
    listener = recognizer.listen(rules=EndRules(silence=1.0, longest=20.0))

    def hear():
        for begin in range(0, len(samples_T), CHUNK):
            listener.hear(samples_T[begin : begin + CHUNK])
            listener.take()

    def see(frame, event, _):
        if event == "call" and "/seqspec/" in frame.f_code.co_filename:
            seen[event] += 1

    if operations:
        with profile() as found:
            hear()
        return sum(one.name.startswith("aten::") for one in found.function_events)
    sys.setprofile(see)
    try:
        hear()
    finally:
        sys.setprofile(None)
    return seen["call"]


@pytest.mark.parametrize(
    ("search", "calls", "operations"),
    [("ctc_greedy", 148, 479), ("{type: ctc_prefix_beam, size: 3}", 500, 577)],
)
def test_a_chunk_is_heard_by_no_more_than_it_was(speech, search, calls, operations):  # noqa: F811
    opened = open_predictor(
        speech.path, launch=Launch(quiet=True, threads=1), over=[Overlay.set(f"evaluate.search={search}")]
    )
    recognizer = recognizer_of(opened)
    counted(recognizer, 5)

    called = (counted(recognizer, 24) - counted(recognizer, 12)) / 12
    worked = (counted(recognizer, 24, operations=True) - counted(recognizer, 12, operations=True)) / 12

    assert calls * 0.8 <= called <= calls, called
    assert operations * 0.8 <= worked <= operations, worked
