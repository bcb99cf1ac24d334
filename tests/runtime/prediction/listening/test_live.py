"""The server hears each part of a recording once where the run streams."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from starlette.datastructures import QueryParams

from seqspec.data.corpus.record import AudioRef
from seqspec.runtime.prediction.input import Input
from seqspec.runtime.prediction.listening.endpoint import EndRules
from seqspec.runtime.serving.limits import Limits, Refused
from seqspec.runtime.serving.live import end_rules, texts
from tests.runtime.prediction.listening.test_listen import given, heard, opened, recording, speech  # noqa: F401


class Request:
    def __init__(self, parts):
        self.parts = parts

    async def stream(self):
        for part in self.parts:
            yield part


def events(opened, parts, rules=None):  # noqa: F811
    """What is answered, and how often the model was asked."""
    asked = []
    served = SimpleNamespace(
        name="asr", opened=opened, alone=lambda work: asked.append(work) or work, submit=lambda inputs: pytest.fail("read again")
    )  # fmt: skip

    async def wait(work):
        return work()

    async def gathered():
        found = texts(Request(parts), served, Limits(), read=wait, wait=wait, rules=rules)
        return [one async for one in found]

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


def test_each_utterance_is_told_as_by_a_pipe(opened, speech, recording, capfd):  # noqa: F811
    data = given(recording).tobytes()
    parts = [data[at : at + 4001] for at in range(0, len(data), 4001)]

    told, _ = events(opened, parts, EndRules(longest=0.2))
    _, lines, _ = heard(speech, data, capfd, format="jsonl", max_utterance=0.2)

    expected = [one for one in map(json.loads, lines) if "text" in one]
    assert len(expected) > 2
    assert [one for one in told if "text" in one] == expected
    assert any("partial" in one for one in told)


def test_where_an_utterance_ends_is_in_the_query(opened):  # noqa: F811
    served = SimpleNamespace(name="asr", opened=opened)
    rules = lambda query: end_rules(QueryParams(query), served, Limits(max_seconds=60))  # noqa: E731

    assert rules("model=asr") is None
    assert rules("end_silence=1.2") == EndRules(silence=1.2)
    assert rules("end_silence=1&max_utterance=20") == EndRules(1.0, 20.0)
    for query, message in {
        "end-silence=1": "no parameter `end-silence`; there are model, end_silence, max_utterance",
        "end_silence=soon": "from 0.01 to 60",
        "end_silence=nan": "from 0.01 to 60",
        "max_utterance=0": "from 0.1 to 60",
        "max_utterance=61": "from 0.1 to 60",
        "max_utterance=1&max_utterance=2": "given twice",
    }.items():
        with pytest.raises(Refused, match=message) as error:
            rules(query)
        assert error.value.status == 422
