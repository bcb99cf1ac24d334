"""What a request costs a server beside its model, in calls of our own functions: the same on every machine."""

import sys
import threading
from collections import Counter

import pytest

from seqspec.runtime.serving.server import Serving
from tests.runtime.serving.conftest import served


@pytest.fixture
def calls():
    """Calls of functions of ours by all threads that start in a test; those of components are the model's."""
    each = []

    def begin(frame, event, argument):
        seen = Counter()
        each.append(seen)

        def see(frame, event, _):
            name = frame.f_code.co_filename
            if event == "call" and "/seqspec/" in name and "/components/" not in name:
                seen[frame.f_code.co_name] += 1

        sys.setprofile(see)
        see(frame, event, argument)

    threading.setprofile(begin)
    yield lambda: sum(each, Counter())
    threading.setprofile(None)


def test_a_request_takes_no_more_calls_than_it_did(runs, calls):
    with served(Serving({"mt": runs["mt"]})) as client:

        def ask(count):
            before = calls()
            for _ in range(count):
                assert client.post("/v1/predict", json={"inputs": ["猫が好きです"]}).status_code == 200
            return calls() - before

        ask(4)
        longer, shorter = ask(20), ask(10)

    a_request = (longer - shorter).total() / 10
    # Bytes come in one piece or two, and what waits is woken once or twice: a twentieth more is allowed.
    assert 105 <= a_request <= 132, (longer - shorter).most_common()
