"""What a chunk of a recording costs while it is heard, in calls of Python's functions and of those behind them in C,
which operations of torch are: the same on every machine.
"""

import sys
from collections import Counter

import numpy as np
import pytest

from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.listening.endpoint import EndRules
from seqspec.runtime.prediction.listening.recognizer import recognizer_of
from seqspec.runtime.prediction.opening import open_predictor
from tests.runtime.prediction.listening.test_listen import speech  # noqa: F401

CHUNK = 1_920
"""Samples that the encoder of ``speech`` waits for: 6 states of 20 ms."""


def counted(recognizer, chunks):
    """Calls while a noise of some chunks comes one by one."""
    seen = Counter()
    samples_T = np.random.default_rng(0).normal(0, 0.1, chunks * CHUNK).astype(np.float32)
    listener = recognizer.listen(rules=EndRules(silence=1.0, longest=20.0))

    def see(frame, event, _):
        if "/seqspec/" in frame.f_code.co_filename:
            seen[event] += 1

    sys.setprofile(see)
    try:
        for begin in range(0, len(samples_T), CHUNK):
            listener.hear(samples_T[begin : begin + CHUNK])
            listener.take()
    finally:
        sys.setprofile(None)
    return seen


@pytest.mark.parametrize(
    ("search", "python", "of_c"),
    [("ctc_greedy", 150, 180), ("{type: ctc_prefix_beam, size: 3}", 4_150, 2_870)],
)
def test_a_chunk_is_heard_by_no_more_calls_than_it_was(speech, search, python, of_c):  # noqa: F811
    opened = open_predictor(
        speech.path, launch=Launch(quiet=True, threads=1), over=[Overlay.set(f"evaluate.search={search}")]
    )
    recognizer = recognizer_of(opened)
    counted(recognizer, 5)

    longer, shorter = counted(recognizer, 24), counted(recognizer, 12)

    a_chunk = {name: (longer[name] - shorter[name]) / 12 for name in longer}
    assert python * 0.8 <= a_chunk["call"] <= python, a_chunk
    assert of_c * 0.8 <= a_chunk["c_call"] <= of_c, a_chunk
