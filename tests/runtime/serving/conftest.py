"""A server with three models, on a thread of this process."""

import contextlib
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import seqspec
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run
from seqspec.runtime.serving.limits import Limits
from seqspec.runtime.serving.metrics import Metrics
from seqspec.runtime.serving.server import Serving, check_address, listening, open_models, uvicorn_server

SPECS = Path(__file__).parents[3] / "specs"
STEPS = ("train.max_steps=15", "train.checkpoint_every_steps=15", "evaluate.every_steps=15")
RUNS = {
    "mt": ("mt_tanaka_jaen", ("data.source.synthetic=60", "data.batch.size=256",
                              "evaluate.search={type: greedy, max_tokens: 12}")),
    "asr": ("asr_librispeech_ctc", ("data.source.synthetic=60", "model.encoder.dim=16", "data.batch.size=30")),
    "lm": ("lm_shakespeare_char", ()),
}  # fmt: skip


@pytest.fixture(scope="package")
def runs(tmp_path_factory):
    """Three runs of a few steps, by the names that they are served under."""
    folder = tmp_path_factory.mktemp("runs")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        for name, (spec, sets) in RUNS.items():
            compiled = seqspec.load(SPECS / f"{spec}.yaml", profiles=["tiny"], set=(*STEPS, *sets))
            found[name] = run(
                compiled, runs=folder, launch=Launch(quiet=True, threads=1, device="cpu")
            ).folder.path
    return found


@contextlib.contextmanager
def served(asked: Serving):
    """A client of a server that stops at the end."""
    asked = replace(asked, port=0, threads=1)
    check_address(asked)
    metrics = Metrics()
    with listening(asked) as listener:
        models = open_models(asked, metrics)
        server = uvicorn_server(asked, models, metrics)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=20, transport=httpx.HTTPTransport(retries=5)) as client:
                client.server, client.models = server, models
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="package")
def client(runs):
    limits = Limits(max_body=200_000, max_inputs=8, max_characters=500, max_seconds=5.0, read_seconds=1.0)
    with served(Serving(runs, limits=limits)) as one:
        yield one
