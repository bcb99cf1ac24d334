"""``predict --stream``: what it writes for a pipe, and what it refuses."""

import json
import os
import signal
import sys
import threading
from dataclasses import astuple

import numpy as np
import pytest
import soundfile
import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.data.corpus.record import AudioRef
from seqspec.runtime.commands.listen import listen
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.input import Input
from seqspec.runtime.prediction.listening.listen import Printed, hear
from seqspec.runtime.prediction.listening.recognizer import recognizer_of
from seqspec.runtime.prediction.listening.sample_pipe import SamplePipe
from seqspec.runtime.prediction.opening import open_predictor
from seqspec.runtime.run import run

LAUNCH = Launch(quiet=True, threads=1)
SPEECH = """
seqspec: 1
name: speech
data:
  source: {type: librispeech, synthetic: 24}
  audio: {features: log_mel, normalize: global}
  text: {target: {tokenizer: characters}}
  filter: {max_seconds: 20}
  batch: {unit: examples, size: 8}
model:
  type: ctc
  encoder: {type: conformer, num_layers: 1, dim: 16, num_heads: 2, feed_forward_dim: 32, kernel: 5, subsampling: 2,
            subsampling_channels: 4, chunk: 6, left_context: 9, causal: true, dropout: 0.0}
loss: ctc
optimizer: {type: adam, schedule: {type: constant, peak: 1.0e-5}}
train: {max_steps: 1, checkpoint_every_steps: 1}
evaluate: {search: {type: ctc_prefix_beam, size: 3}, metrics: [wer]}
"""


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    folder = tmp_path_factory.mktemp("listening")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(folder / "cache"))
        (folder / "spec.yaml").write_text(SPEECH)
        yield run(compile_spec(folder / "spec.yaml"), runs=folder / "runs", launch=LAUNCH).folder


ENCODERS = {
    "transformer": "{type: transformer, num_layers: 1, dim: 16, num_heads: 2, chunk: 24, left_context: 30, dropout: 0.0}",
    "conv_lstm": "{type: conv_lstm, channels: [4, 4], num_layers: 1, dim: 16, bidirectional: false}",
    "recurrent": "{type: recurrent, num_layers: 1, dim: 16, bidirectional: false}",
}


@pytest.fixture(scope="module")
def recording(speech):
    return sorted((speech.path.parents[2] / "cache").rglob("dev-clean/**/*.flac"))[0]


@pytest.fixture(scope="module")
def opened(speech):
    return open_predictor(speech.path, launch=LAUNCH, timestamps=True)


def given(name):
    return soundfile.read(name, dtype="int16")[0]


def heard(speech, data, capfd, **more):
    """What the command gives for a pipe that holds ``data``."""
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    before = os.dup(0)
    os.dup2(read, 0)
    try:
        outcome = listen(
            speech.path, **{"idle": [], "task": None, "checkpoint": "best", "output": None, "over": [],
            "launch": LAUNCH, "format": None, "timestamps": False, **more},
        )  # fmt: skip
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(read)
    told = capfd.readouterr()
    return outcome, told.out.splitlines(), told.err + outcome.error


@pytest.mark.parametrize("search", ["ctc_greedy", "{type: ctc_prefix_beam, size: 3}"])
def test_text_and_scores_are_those_of_the_whole_file_in_any_pieces(speech, recording, search):
    opened = open_predictor(
        speech.path, launch=LAUNCH, timestamps=True, over=[Overlay.set(f"evaluate.search={search}")]
    )
    (offline,) = opened.predictor([Input(AudioRef(recording), "a")])
    recognizer, samples = recognizer_of(opened), given(recording).astype(np.float32) / 32768
    whole = offline.hypotheses[0]
    assert len(whole.text) > 3

    for size in (137, 160, 4001, len(samples)):
        listener, partials = recognizer.listen(keep=True), []
        for at in range(0, len(samples), size):
            if listener.hear(samples[at : at + size]):
                partials.append(listener.text)
        spoken = listener.end()

        assert spoken.text == whole.text
        words = opened.timing.words(torch.cat(listener.log_probs), listener.ids)
        assert [one[:3] for one in map(astuple, words)] == [one[:3] for one in map(astuple, whole.words)]
        assert [one.score for one in words] == pytest.approx([one.score for one in whole.words], abs=1e-5)
        assert listener.frames == recognizer.feature.num_frames(len(samples))
        assert size == len(samples) or len(set(partials)) > 2


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_that_streams_writes_the_text_of_the_whole_file(
    speech, recording, encoder, capfd, tmp_path, monkeypatch
):
    monkeypatch.setenv("SEQSPEC_CACHE", str(speech.path.parents[2] / "cache"))
    over = [Overlay.set(f"model.encoder={ENCODERS[encoder]}")]
    spec = compile_spec(speech.path.parents[2] / "spec.yaml", overlays=over)
    trained = run(spec, runs=tmp_path, launch=LAUNCH).folder
    (offline,) = open_predictor(trained.path, launch=LAUNCH).predictor([Input(AudioRef(recording), "a")])
    capfd.readouterr()

    outcome, lines, told = heard(trained, given(recording).tobytes(), capfd)

    assert outcome.exit == 0
    assert len(offline.hypotheses[0].text) > 3
    assert lines[-1].split("\t")[2] == offline.hypotheses[0].text
    assert "a sound is heard after" in told
    assert "real-time factor" in told


def test_a_pipe_gives_partial_texts_times_and_pace(speech, opened, recording, capfd):
    samples = given(recording)
    outcome, lines, told = heard(speech, samples.tobytes(), capfd, timestamps=True)
    kinds = [line.split("\t")[0] for line in lines]
    (offline,) = opened.predictor([Input(AudioRef(recording), "a")])

    assert outcome.exit == 0
    assert kinds == ["partial"] * kinds.count("partial") + ["word"] * kinds.count("word") + ["final"]
    assert kinds.count("partial") > 2
    assert kinds.count("word") >= 1
    assert lines[-1].split("\t")[1:] == [f"{len(samples) / 16000:.3f}", offline.hypotheses[0].text]
    assert "chunks of 120 ms and 15 ms behind each: a sound is heard after 135 ms at most" in told
    assert "real-time factor" in told


def test_json_lines_and_the_end_of_a_pipe(speech, recording, capfd):
    samples = given(recording).tobytes()
    outcome, lines, told = heard(speech, samples[:-1], capfd, format="jsonl")
    objects = [json.loads(line) for line in lines]

    assert outcome.exit == 0
    assert "middle of a sample" in told
    assert set(objects[0]) == {"partial", "seconds"}
    assert set(objects[-1]) == {"text", "begin", "seconds"}


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "is empty"), (b"1", "is empty"), (b"12" * 100, "not one frame"), (b"fLaC", "FLAC")],
)
def test_a_pipe_without_speech_is_one_message(speech, capfd, data, message):
    outcome, lines, told = heard(speech, data, capfd)

    assert (outcome.exit, lines) == (3, [])
    assert message in told


def test_a_run_that_cannot_stream_is_told_what_to_set(speech, capfd):
    sets = ["model.encoder.chunk=null", "model.encoder.left_context=null", "data.audio.normalize=utterance"]
    outcome, lines, told = heard(speech, b"", capfd, over=[Overlay.set(one) for one in sets])

    assert (outcome.exit, lines) == (2, [])
    assert "`model.encoder` cannot stream: its attention sees the whole recording" in told
    assert "set `chunk: 16` and `causal: true`" in told
    assert "set `normalize: global`" in told


def test_options_that_mean_nothing_are_refused(speech, capfd):
    outcome, _, told = heard(speech, b"", capfd, idle=["inputs", "--nbest"])
    table, _, refused = heard(speech, b"", capfd, format="csv")

    assert (outcome.exit, table.exit) == (2, 2)
    assert "knows no inputs, --nbest" in told
    assert "not csv" in refused


def test_a_reader_that_has_had_enough_is_no_fault(speech, recording, capfd, monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        outcome, _, told = heard(speech, given(recording).tobytes(), capfd)
        monkeypatch.undo()

    assert outcome.exit == 0
    assert "error" not in told


def test_a_terminated_listener_writes_what_it_has_heard(speech, recording, capfd):
    samples = given(recording).tobytes()
    read, write = os.pipe()
    threading.Timer(0.1, os.write, (write, samples)).start()
    threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    printed = Printed(sys.stdout, "text")
    recognizer = recognizer_of(open_predictor(speech.path, launch=LAUNCH))
    outcome = hear(recognizer, SamplePipe(read, rate=16000), printed)
    os.close(read)
    os.close(write)
    out, told = capfd.readouterr()

    assert out.splitlines()[-1].startswith("final\t")
    assert outcome == 143
    assert "real-time factor" in told
