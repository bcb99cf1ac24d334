"""The server hears each part of a recording once where the run streams."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from seqspec.data.corpus.record import AudioRef
from seqspec.runtime.prediction.input import Input
from seqspec.runtime.serving.limits import Limits
from seqspec.runtime.serving.live import texts
from tests.runtime.prediction.listening.test_listen import given, opened, recording, speech  # noqa: F401


class Request:
    def __init__(self, parts):
        self.parts = parts

    async def stream(self):
        for part in self.parts:
            yield part


def events(opened, parts):  # noqa: F811
    """What is answered, and how often the model was asked."""
    asked = []
    served = SimpleNamespace(
        name="asr", opened=opened, alone=lambda work: asked.append(work) or work, submit=lambda inputs: pytest.fail("read again")
    )  # fmt: skip

    async def wait(work):
        return work()

    async def gathered():
        return [one async for one in texts(Request(parts), served, Limits(), read=wait, wait=wait)]

    found = asyncio.run(gathered())
    assert found[-1] == b"data: [DONE]\n\n"
    return [json.loads(one.removeprefix(b"data: ")) for one in found[:-1]], len(asked)


def test_each_part_is_heard_once_whatever_bytes_it_ends_with(opened, recording):  # noqa: F811
    data = given(recording).tobytes()
    parts = [data[at : at + 3333] for at in range(0, len(data), 3333)]
    told, asked = events(opened, [b"", *parts])
    (offline,) = opened.predictor([Input(AudioRef(recording), "a")])

    assert told[-1] == {"text": offline.hypotheses[0].text}
    assert len(told) > 2
    assert all(set(one) == {"partial"} for one in told[:-1])
    assert asked == len(parts) + 1


@pytest.mark.parametrize(
    ("data", "message"), [(b"", "is empty"), (b"1", "is empty"), (b"12" * 9, "too short")]
)
def test_nothing_heard_is_told(opened, data, message):  # noqa: F811
    told, _ = events(opened, [data])

    assert message in told[0]["error"]["message"]
