"""What a server answers: the same as ``predict``, many at once, and errors that cost nothing."""

import asyncio
import io
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
import soundfile

import seqspec
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.output_formats import Printing, json_line
from seqspec.runtime.serving import batcher
from seqspec.runtime.serving.batcher import Batcher, Job
from seqspec.runtime.serving.limits import Limits, Refused
from seqspec.runtime.serving.requests import known_fields
from seqspec.runtime.serving.server import JoinedWrites, Serving, check_address, named
from seqspec.schema.diagnostic import RunError
from tests.runtime.serving.conftest import served

JAPANESE = ["これは本です。", "猫が好き", "", "犬 と 猫"]
ONE = Launch(device="cpu", threads=1)


def recording(seconds=1.0, *, rate=16000):
    samples = np.random.default_rng(0).normal(size=int(seconds * rate)).astype(np.float32) * 0.1
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV")
    return file.getvalue()


def offline(run, inputs):
    return [
        json.loads(json_line(one, Printing())) for one in seqspec.open_run(run).predict(inputs, launch=ONE)
    ]


def test_served_texts_equal_predicted_ones_to_the_bit(client, runs):
    answer = client.post("/v1/predict", json={"model": "mt", "inputs": JAPANESE})

    assert answer.status_code == 200
    assert answer.json()["predictions"] == offline(runs["mt"], JAPANESE)


def test_one_at_a_time_is_predicted_one_at_a_time_to_the_bit(client, runs):
    """And beside others in a batch the last digits of a score may differ, no text."""
    whole = offline(runs["mt"], JAPANESE)

    for text, among in zip(JAPANESE, whole, strict=True):
        (found,) = client.post("/v1/predict", json={"model": "mt", "inputs": text}).json()["predictions"]
        assert [found] == offline(runs["mt"], [text])
        best, other = found["hypotheses"][0], among["hypotheses"][0]
        assert best["text"] == other["text"]
        assert best["score"] == pytest.approx(other["score"], abs=1e-5)


def test_a_served_recording_equals_a_predicted_one(client, runs, tmp_path):
    file = tmp_path / "a.wav"
    file.write_bytes(recording(2.0, rate=8000))
    (expected,) = offline(runs["asr"], [str(file)])

    answer = client.post("/v1/predict", data={"model": "asr"}, files={"file": ("../../x", file.read_bytes())})
    text = client.post(
        "/v1/audio/transcriptions",
        data={"model": "asr", "response_format": "text"},
        files={"file": file.read_bytes()},
    )

    (found,) = answer.json()["predictions"]
    assert found["hypotheses"] == expected["hypotheses"]
    assert text.text == expected["hypotheses"][0]["text"] + "\n"


def test_partial_texts_come_while_a_recording_is_sent(client):
    samples = soundfile.read(io.BytesIO(recording(2.0)), dtype="int16")[0].astype("<i2").tobytes()
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address, timeout=20) as live:
        live.sendall(b"POST /v1/audio/live?model=asr HTTP/1.1\r\nhost: localhost\r\n"
                     b"content-type: audio/l16\r\ntransfer-encoding: chunked\r\n\r\n")  # fmt: skip
        send = lambda part: live.sendall(b"%x\r\n" % len(part) + part + b"\r\n")  # noqa: E731
        send(samples[:32000])
        first = live.recv(4000)  # Half of it is answered before the rest is sent.
        for at in range(32000, len(samples), 8000):
            send(samples[at : at + 8000])
        live.sendall(b"0\r\n\r\n")
        answer = first
        while b"[DONE]" not in answer:
            answer += live.recv(4000)

    wav = io.BytesIO()
    soundfile.write(wav, np.frombuffer(samples, "<i2"), 16000, format="WAV", subtype="PCM_16")
    whole = client.post(
        "/v1/audio/transcriptions", data={"model": "asr"}, files={"file": wav.getvalue()}
    ).json()
    assert b" 200 " in first
    assert json.dumps(whole, ensure_ascii=False).encode() in answer
    assert client.get("/healthz").status_code == 200


def test_what_cannot_be_heard_live_is_told(client):
    kind = {"content-type": "audio/l16"}
    ask = lambda model, **given: client.post(f"/v1/audio/live?model={model}", **given)  # noqa: E731

    assert ask("mt", content=b"12", headers=kind).status_code == 415
    assert ask("asr", content=b"12").status_code == 415
    assert ask("nobody", content=b"12", headers=kind).status_code == 404
    unparted = ask("asr&end_silence=1", content=b"12", headers=kind)
    assert unparted.status_code == 422
    assert "models that stream" in unparted.text
    for parameters, told in {"rate=8000": "must be 16000", "rate=16000; channels=2": "must be 1,"}.items():
        other = ask("asr", content=b"12", headers={"content-type": f"audio/L16; {parameters}"})
        assert other.status_code == 415
        assert told in other.text
    assert "is empty" in ask("asr", content=b"", headers={"content-type": "audio/L16;rate=16000"}).text
    assert "at most 5 seconds" in ask("asr", content=b"0" * 170_000, headers=kind).text


def test_tokens_are_streamed_as_they_would_be_written(client, runs):
    ask = {"model": "lm", "prompt": "the ", "max_tokens": 9}
    whole = client.post("/v1/completions", json=ask).json()
    with client.stream("POST", "/v1/completions", json={**ask, "stream": True}) as answer:
        events = [line.removeprefix("data: ") for line in answer.iter_lines() if line]

    assert events[-1] == "[DONE]"
    pieces = [json.loads(event)["choices"][0] for event in events[:-1]]
    text = "".join(one["text"] for one in pieces)
    assert len(pieces) > 5
    assert text == whole["choices"][0]["text"]
    assert offline(runs["lm"], ["the "])[0]["hypotheses"][0]["text"].startswith(text)
    assert whole["usage"] == {"prompt_tokens": 4, "completion_tokens": 9}


def test_sampling_depends_on_the_seed_alone(client):
    def written(seed):
        ask = {"model": "lm", "prompt": "a", "max_tokens": 12, "temperature": 1.5, "seed": seed}
        return client.post("/v1/completions", json=ask).json()["choices"][0]["text"]

    assert written(1) == written(1) != written(2)


def test_many_at_once_get_their_own_answers(client):
    texts = [f"猫{n % 5}" for n in range(40)]
    alone = {
        text: client.post("/v1/predict", json={"model": "mt", "inputs": text}).json() for text in set(texts)
    }
    before = client.get("/metrics").text

    def ask(text):
        return client.post("/v1/predict", json={"model": "mt", "inputs": text}).json()["predictions"][0]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, texts))

    for text, one in zip(texts, found, strict=True):
        expected = alone[text]["predictions"][0]
        assert one["input"] == text
        assert one["hypotheses"][0]["text"] == expected["hypotheses"][0]["text"]
        assert one["hypotheses"][0]["score"] == pytest.approx(expected["hypotheses"][0]["score"], abs=1e-5)
    after = client.get("/metrics").text
    assert count(after, "seqspec_inputs_total") - count(before, "seqspec_inputs_total") == 40
    assert count(after, "seqspec_batches_total") - count(before, "seqspec_batches_total") < 40


def count(text, name):
    return next(
        float(line.split()[-1]) for line in text.splitlines() if line.startswith(name) and '"mt"' in line
    )


JSON = {"content-type": "application/json"}
BAD = [
    ("/v1/predict", {"content": b"{", "headers": JSON}, 400, "no JSON"),
    ("/v1/predict", {"content": b"\xff\xfe", "headers": JSON}, 400, "no JSON"),
    ("/v1/predict", {"content": b"[" * 100_000, "headers": JSON}, 400, "nested too deep"),
    ("/v1/predict", {"content": b"[]", "headers": JSON}, 422, "one JSON object"),
    ("/v1/predict", {"content": b'{"model": "mt", "inputs": NaN}', "headers": JSON}, 400, "NaN"),
    ("/v1/predict", {"content": b"x" * 300_000, "headers": JSON}, 413, "200,000 bytes"),
    ("/v1/predict", {"content": b"inputs=a"}, 415, "application/json"),
    ("/v1/predict", {"json": {"inputs": "a"}}, 422, "name a `model`"),
    ("/v1/predict", {"json": {"model": "../mt", "inputs": "a"}}, 404, "no such model"),
    ("/v1/predict", {"json": {"model": ["mt"], "inputs": "a"}}, 404, "no such model"),
    ("/v1/predict", {"json": {"model": "mt"}}, 422, "`inputs` must be"),
    ("/v1/predict", {"json": {"model": "mt", "inputs": [None]}}, 422, "inputs[0] is a null"),
    ("/v1/predict", {"json": {"model": "mt", "inputs": ["a"] * 9}}, 413, "8 inputs"),
    ("/v1/predict", {"json": {"model": "mt", "inputs": "a" * 501}}, 413, "501 characters"),
    ("/v1/predict", {"content": b'{"model": "mt", "inputs": "\\ud800"}', "headers": JSON}, 422, "surrogate"),
    ("/v1/predict", {"content": b'{"model": "mt", "\\ud800": 1}', "headers": JSON}, 422, "no field `\\ud800`"),
    ("/v1/predict", {"content": b'{"model": "mt", "inputs": "a", "fields": {"\\udfff": ""}}', "headers": JSON}, 422, "no field `\\udfff`"),
    ("/v1/predict", {"content": b'{"\\ud83d": 1, "\\ud83d": 2}', "headers": JSON}, 422, "`\\ud83d` is given twice"),
    ("/v1/predict", {"json": {"model": "mt", "inputs": "\ufdfa" * 30}}, 413, "540 characters"),
    ("/v1/predict", {"json": {"model": "mt", "inputs": "a", "nbest": 3}}, 422, "no field `nbest`"),
    ("/v1/predict", {"json": {"model": "asr", "inputs": "/etc/passwd"}}, 415, "takes audio"),
    ("/v1/predict", {"data": {"model": "mt"}, "files": {"file": b"x"}}, 415, "takes text"),
    ("/v1/predict", {"data": {"model": "asr"}, "files": {"file": b"x"}}, 422, "no recording"),
    ("/v1/predict", {"data": {"model": "asr"}, "files": {"file": recording(6)}}, 413, "6 seconds"),
    ("/v1/predict", {"content": b"zz", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
    ("/v1/audio/transcriptions", {"data": {"model": "asr", "file": "/etc/passwd"}, "files": {"x": b""}}, 422, "no `file`"),
    ("/v1/audio/transcriptions", {"json": {}}, 415, "multipart/form-data"),
    ("/v1/completions", {"json": {"model": "lm", "max_tokens": True}}, 422, "whole number"),
    ("/v1/completions", {"json": {"model": "lm", "temperature": -1}}, 422, "from 0 to 10"),
    ("/v1/completions", {"json": {"model": "lm", "stream": "yes"}}, 422, "true or false"),
    ("/v1/completions", {"json": {"model": "mt"}}, 415, "use /v1/predict"),
    ("/v1/../../etc/passwd", {"json": {}}, 404, "nothing here"),
    ("/v1/models", {"json": {}}, 405, "another method"),
    ("/healthz", {"json": {}}, 405, "another method"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "request_", "status", "told"), BAD)
def test_a_bad_request_is_told_and_changes_nothing(client, capfd, path, request_, status, told):
    answer = client.post(path, **request_)

    assert answer.status_code == status
    assert told in answer.json()["error"]["message"]
    assert "Traceback" not in answer.text + capfd.readouterr().err
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_page_elsewhere_cannot_reach_it_under_another_name(client):
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET http://localhost/healthz HTTP/1.1\r\nhost: localhost", 200),
        (b"GET HTTP://[::1]:8000/v1/models?x=1 HTTP/1.1\r\nhost: evil.example", 200),
        (b"GET http://evil.example/healthz HTTP/1.1\r\nhost: localhost", 421),
        (b"GET http://localhost@evil.example/healthz HTTP/1.1\r\nhost: localhost", 421),
        (b"GET http://localhost HTTP/1.1\r\nhost: localhost", 404),
        (b"GET http:///healthz HTTP/1.1\r\nhost: localhost", 404),
        (b"GET https://localhost/healthz HTTP/1.1\r\nhost: localhost", 404),
        (b"GET http://localhost/v1/../healthz HTTP/1.1\r\nhost: localhost", 404),
        (b"OPTIONS * HTTP/1.1\r\nhost: localhost", 404),
        (b"GET /healthz HTTP/1.0", 200),
        (b"GET /healthz HTTP/1.0\r\nhost: evil.example", 421),
        (b"GET /healthz HTTP/1.1\r\nhost:", 421),
        (b"GET /healthz HTTP/1.1", 400),
    ],
)
def test_targets_and_hosts_are_read_as_http_says(client, head, status):
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as other:
        other.sendall(head + b"\r\nconnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: other.recv(4000), b""))

    assert answer.startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    ("raw", "status", "told"),
    [
        (b"GET / HTTP/x\r\n\r\n", 400, "cannot be read as HTTP/1.1"),
        (b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n", 400, "HTTP/1.1"),
        (b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
         b"content-length: 99999999999999999\r\n\r\n{", 413, "200,000 bytes"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_told_at_once(client, capfd, raw, status, told):
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as other:
        other.sendall(raw)
        answer = b"".join(iter(lambda: other.recv(4000), b""))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/json" in head
    assert told in json.loads(body)["error"]["message"]
    assert "Traceback" not in capfd.readouterr().err


def test_slow_clients_are_let_go(client):
    address = (client.base_url.host, client.base_url.port)
    head = b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
    begin = time.monotonic()
    with socket.create_connection(address) as no_head, socket.create_connection(address) as no_body:
        no_head.sendall(b"POST /v1/pre")
        no_body.sendall(head)

        assert b"408" in no_body.recv(1000)
        assert no_head.recv(1000) == b""
    assert time.monotonic() - begin < 6


def test_a_kept_connection_cannot_dawdle_over_its_next_request(client):
    with socket.create_connection((client.base_url.host, client.base_url.port)) as kept:
        kept.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        while not kept.recv(1000).endswith(b"}"):
            pass
        kept.sendall(b"GET /heal")
        begin = time.monotonic()

        assert kept.recv(1000) == b""
    assert time.monotonic() - begin < 4


def test_who_is_alone_waits_for_nobody():
    batcher = Batcher(lambda inputs: list(inputs), Limits(wait_seconds=5.0))
    begin = time.monotonic()
    for _ in range(3):
        batcher.submit(Job(("a",))).result()
    assert time.monotonic() - begin < 2
    batcher.stop()


def test_those_who_come_together_are_waited_for():
    sizes, begun, go = [], threading.Event(), threading.Event()

    def predict(inputs):
        begun.set()
        go.wait()
        sizes.append(len(inputs))
        return list(inputs)

    batcher = Batcher(predict, Limits(wait_seconds=0.5))
    first = batcher.submit(Job(("a",)))
    begun.wait()
    others = [batcher.submit(Job((name,))) for name in "bc"]
    go.set()
    [one.result() for one in (first, *others)]
    again = [batcher.submit(Job(("d",)))]
    time.sleep(0.05)
    again.append(batcher.submit(Job(("e",))))
    [one.result() for one in again]

    assert sizes == [1, 2, 2]
    batcher.stop()


def test_the_interface_describes_itself(client):
    document = client.get("/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    assert {"/v1/predict", "/v1/completions", "/v1/audio/transcriptions", "/metrics"} <= document[
        "paths"
    ].keys()
    asked = {one["name"]: one["schema"] for one in document["paths"]["/v1/audio/live"]["post"]["parameters"]}
    assert asked.keys() == {"model", "end_silence", "max_utterance"}
    assert (asked["end_silence"]["minimum"], asked["end_silence"]["maximum"]) == (0.01, 5.0)
    assert {one["id"]: one["takes"] for one in client.get("/v1/models").json()["data"]} == {
        "mt": "text",
        "asr": "audio",
        "lm": "prompt",
    }


def test_a_token_is_asked_for_and_a_full_queue_refuses(runs):
    token = "a token of some length"
    limits = Limits(max_queue=1, timeout_seconds=0.3)
    with served(Serving({"mt": runs["mt"]}, token=token, limits=limits)) as client:
        key = {"authorization": f"Bearer {token}"}
        assert client.get("/v1/models").status_code == 401
        assert client.get("/v1/models", headers={"authorization": "Bearer ü".encode()}).status_code == 401
        assert client.get("/v1/models", headers={"host": "localhost:1/healthz?"}).status_code == 401
        assert client.get("/healthz").status_code == 200
        gate = threading.Event()
        client.models["mt"].alone(gate.wait)  # The model is busy, and the queue is full.

        full = client.post("/v1/predict", json={"inputs": "a"}, headers=key)

        assert (full.status_code, full.headers["retry-after"]) == (503, "1")
        gate.set()
        deadline = time.monotonic() + 5
        while (answer := client.post("/v1/predict", json={"inputs": "a"}, headers=key)).status_code != 200:
            assert time.monotonic() < deadline, answer.text
        held = threading.Event()
        client.models["mt"].batcher.predict = lambda inputs: held.wait(5)
        assert client.post("/v1/predict", json={"inputs": "a"}, headers=key).status_code == 504
        held.set()


def test_a_models_fault_is_no_end(runs, capfd):
    with served(Serving({"mt": runs["mt"]})) as client:
        good, client.models["mt"].batcher.predict = client.models["mt"].batcher.predict, lambda inputs: 1 / 0

        answer = client.post("/v1/predict", json={"inputs": "a"})

        assert answer.status_code == 500
        assert "ZeroDivisionError" not in answer.text
        assert "Traceback" not in capfd.readouterr().err
        client.models["mt"].batcher.predict = good
        assert client.post("/v1/predict", json={"inputs": "a"}).status_code == 200


def test_what_is_under_way_is_answered_before_the_end(runs):
    with served(Serving({"mt": runs["mt"]})) as client, ThreadPoolExecutor(1) as pool:
        gate = threading.Event()
        client.models["mt"].alone(lambda: gate.wait(5))
        answer = pool.submit(client.post, "/v1/predict", json={"inputs": "a"})
        while client.models["mt"].batcher.waiting < 2:
            time.sleep(0.01)
        client.server.handle_exit(15, None)
        gate.set()

        assert answer.result().status_code == 200
    with pytest.raises(httpx.HTTPError):
        httpx.get(str(client.base_url.join("/healthz")))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"host": "0.0.0.0"}, "no token is set"),
        ({"token": "short"}, "16 ASCII characters"),
        ({"host": "::"}, "lets others in"),
    ],
)
def test_nobody_else_comes_in_without_a_token(changes, told):
    with pytest.raises(RunError, match=told):
        check_address(Serving({}, **changes))


def test_names_of_models(tmp_path):
    run = tmp_path / "mt" / "20260101-000000-abcdef01"
    run.mkdir(parents=True)

    assert named([str(run), f"other={run}"]) == {"mt": run, "other": run}
    with pytest.raises(RunError, match="two models would be called `mt`"):
        named([str(run), f"mt={run}"])


def test_a_refusal_knows_its_status():
    assert Refused(413, "large", kind="too_large").status == 413


class Recorded:
    """A transport that keeps what it is told."""

    def __init__(self):
        self.sent = []

    def write(self, data):
        self.sent.append(data)

    def close(self):
        self.sent.append("closed")

    def is_closing(self):
        return "closed" in self.sent


def test_head_and_body_of_an_answer_are_sent_together():
    async def answers():
        transport = Recorded()
        joined = JoinedWrites(transport, asyncio.get_running_loop())
        joined.write(b"head 1 ")
        joined.write(b"body 1")
        joined.write(b"")
        await asyncio.sleep(0)
        joined.write(b"head 2 ")
        joined.write(b"body 2")
        joined.close()
        await asyncio.sleep(0)
        return transport.sent, joined.is_closing()

    assert asyncio.run(answers()) == ([b"head 1 body 1", b"head 2 body 2", "closed"], True)


def test_a_server_that_stops_does_not_wait_for_what_nobody_waits_for(monkeypatch):
    monkeypatch.setattr(batcher, "ABANDONED", 0.05)
    one, gate = Batcher(lambda inputs: [], Limits()), threading.Event()
    running = one.submit(Job(alone=gate.wait))

    one.stop()

    assert not running.done()
    gate.set()
    assert running.result(5)


def test_a_field_of_half_a_surrogate_pair_is_no_text():
    served = SimpleNamespace(opened=SimpleNamespace(predictor=SimpleNamespace(classes={"speaker": ["anna"]})))

    assert known_fields({"speaker": "anna"}, served) == {"speaker": "anna"}
    with pytest.raises(Refused, match="the field `speaker` holds half of a surrogate pair") as told:
        known_fields({"speaker": "\ud800"}, served)
    assert told.value.status == 422
