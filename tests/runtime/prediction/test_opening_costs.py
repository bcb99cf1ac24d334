"""What opening a run costs, in calls of our functions and of the system: the same on every machine."""

import sys
from collections import Counter

from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.opening import open_predictor
from tests.runtime.prediction.listening.test_listen import speech  # noqa: F401

SYSTEM = {"open", "lstat", "scandir", "listdir"}  # Python looks for modules by `stat`


def test_a_run_is_opened_by_no_more_than_it_was(speech):  # noqa: F811
    def opened():
        return open_predictor(speech.path, launch=Launch(quiet=True, threads=1))

    opened()  # what is loaded once
    seen = Counter()

    def see(frame, event, argument):
        if event == "call" and "/seqspec/" in frame.f_code.co_filename:
            seen["ours"] += 1
        elif event == "c_call" and argument.__name__ in SYSTEM:
            seen[argument.__name__] += 1

    sys.setprofile(see)
    try:
        opened()
    finally:
        sys.setprofile(None)

    assert 5_000 <= seen.pop("ours") <= 6_400
    assert seen["open"] <= 16
    assert seen.total() <= 32, seen
