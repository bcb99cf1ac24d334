"""Recordings are opened once, for their length and their frames; the stores are those of two stages, to the
byte, by any number of processes and killed anywhere.
"""

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.data.corpus import audio
from seqspec.data.stages import features, recordings, records
from seqspec.data.stages.prepare import prepare
from seqspec.data.store.cache import Cache
from seqspec.data.store.store import StoreWriter
from seqspec.schema.diagnostic import DataError
from tests.data.test_row_shards import stores

ROOT = Path(__file__).parents[2]
ROWS = 100
SPEC = """
seqspec: 1
name: recordings
data:
  source:
    type: tsv
    root: {root}
    splits: {{train: train.tsv}}
    source: {{audio: file, rate: 16000}}
    target: {{text: words, language: en}}
  audio: {{features: log_mel}}
  text: {{target: {{tokenizer: characters}}}}
  filter: {{max_seconds: 20.0}}
  batch: {{unit: seconds, size: 60}}
model: {{type: ctc, encoder: {{type: recurrent, dim: 8, num_layers: 1}}}}
loss: ctc
optimizer: {{type: adam, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 1}}
evaluate: {{splits: [train], search: ctc_greedy, metrics: [wer]}}
"""
DROP = "data.on_error={drop: 0.2}"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Short recordings, a tenth of each piece of the table under a name that a bad one can take."""
    root = tmp_path_factory.mktemp("corpus")
    write_corpus(root)
    return root


def write_corpus(root, *, damaged=(), headless=()):
    """Recordings of which some end too soon, and some have no head."""
    rng = np.random.default_rng(0)
    for number in range(ROWS):
        path = root / f"{number}.flac"
        samples = 0.1 * rng.standard_normal(int(rng.uniform(400, 3000)))
        soundfile.write(path, samples, 16_000)
        if number in damaged:
            path.write_bytes(path.read_bytes()[:-300])
        if number in headless:
            path.write_bytes(b"RIFX" + path.read_bytes()[4:])
    rows = [f"{number}.flac\tone {number}\n" for number in range(ROWS)]
    (root / "train.tsv").write_text("file\twords\n" + "".join(rows))
    (root / "spec.yaml").write_text(SPEC.format(root=root))


def prepared(root, cache, *sets, processes=1):
    plan = compile_spec(root / "spec.yaml", overlays=[Overlay.set(one) for one in sets]).plan
    return prepare(build_data(plan), cache=cache, processes=processes)


@contextlib.contextmanager
def two_stages():
    """Frames are computed by their own stage alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cache, "ahead", lambda *_: contextlib.nullcontext())
        yield


@pytest.fixture(scope="module")
def expected(corpus, tmp_path_factory):
    cache = tmp_path_factory.mktemp("expected")
    with two_stages():
        prepared(corpus, cache)
    return stores(cache)


@pytest.fixture
def small_blocks(monkeypatch):
    """So that few recordings are many blocks, and are written in many pieces."""
    monkeypatch.setattr(recordings, "BLOCK", 5)
    monkeypatch.setattr(records, "BLOCK", 20)
    monkeypatch.setattr(records, "COMMIT_FRAMES", 1)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_any_number_of_processes_makes_the_same_stores(corpus, expected, tmp_path, small_blocks, processes):
    prepared(corpus, tmp_path, processes=processes)

    assert stores(tmp_path) == expected
    assert not [path for path in tmp_path.rglob("*") if path.name == "handed"]


def test_several_processes_of_two_stages_make_the_same_stores(
    corpus, expected, tmp_path, small_blocks, monkeypatch
):
    monkeypatch.setattr(features, "BLOCK", 5)
    with two_stages():
        prepared(corpus, tmp_path, processes=2)

    assert stores(tmp_path) == expected


def test_a_recording_is_opened_once(corpus, tmp_path, monkeypatch):
    opened, before = [], audio._opened
    monkeypatch.setattr(audio, "_opened", lambda path, name: opened.append(path) or before(path, name))

    prepared(corpus, tmp_path)

    assert len(opened) == len(set(opened)) == ROWS


class Killed(BaseException):
    pass


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("commits", range(8))
def test_killed_at_any_commit_it_goes_on_to_the_same_stores(
    corpus, expected, tmp_path, small_blocks, monkeypatch, commits, after
):
    left, commit = [commits], StoreWriter.commit

    def dies(writer, **state):
        left[0] -= 1
        if left[0] < 0 and not after:
            raise Killed
        commit(writer, **state)
        if left[0] < 0:
            raise Killed

    monkeypatch.setattr(StoreWriter, "commit", dies)
    with pytest.raises(Killed):
        prepared(corpus, tmp_path)
    monkeypatch.setattr(StoreWriter, "commit", commit)
    prepared(corpus, tmp_path)

    assert stores(tmp_path) == expected


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of what glibc keeps")
def test_the_memory_of_one_recording_serves_the_next(tmp_path):
    """The kernel clears no page anew: without what is kept it clears fifty and more a recording."""
    program = """
import resource
import numpy as np
from seqspec.components.feature.log_mel import LogMel
from seqspec.data.stages.features import one_thread
from seqspec.schema.feature.log_mel import LogMelConfig
from seqspec.schema.types import Waveform

feature = LogMel(LogMelConfig(), Waveform(16000))
waves = [np.full(16000 * seconds, 0.5, np.float32) for seconds in (2, 6, 4, 3, 5)]
with one_thread():
    for count in (50, 100):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for number in range(count):
            feature(waves[number % 5])
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, env=environment, check=True, capture_output=True, text=True)

    assert int(done.stdout.split()[1]) < 5 * 100


def test_frames_that_stand_are_not_computed_again(corpus, tmp_path, small_blocks, monkeypatch):
    left, commit = [6], StoreWriter.commit

    def dies(writer, **state):
        left[0] -= 1
        commit(writer, **state)
        if not left[0]:
            raise Killed

    monkeypatch.setattr(StoreWriter, "commit", dies)
    with pytest.raises(Killed):
        prepared(corpus, tmp_path)
    monkeypatch.setattr(StoreWriter, "commit", commit)
    computed, frames = [], recordings.frames_or_error
    monkeypatch.setattr(recordings, "frames_or_error", lambda *of: computed.append(1) or frames(*of))
    prepared(corpus, tmp_path)

    assert len(computed) == ROWS - 60  # three blocks of both stores were committed


SCRIPT = """
import sys, time
from pathlib import Path
from seqspec.data.stages import recordings, records
from tests.data.test_recordings import prepared

commit = recordings.FramesAhead.commit

def commits_slowly(ahead):
    commit(ahead)
    time.sleep(2)

recordings.BLOCK, records.BLOCK, records.COMMIT_FRAMES = 5, 20, 1
recordings.FramesAhead.commit = commits_slowly
if __name__ == "__main__":
    prepared(Path(sys.argv[1]), Path(sys.argv[2]), processes=2)
"""


def test_killed_with_its_processes_it_goes_on_to_the_same_stores(corpus, expected, tmp_path, small_blocks):
    script, cache = tmp_path / "script.py", tmp_path / "cache"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(corpus), str(cache)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True) as one:
        while one.poll() is None and not list(cache.glob("frames/*.partial/journal.json")):
            time.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
    begun = list(cache.glob("records/*.partial/handed"))
    prepared(corpus, cache)

    assert begun, "killed while recordings were read"
    assert stores(cache) == expected
    assert not list(cache.rglob("handed"))


@pytest.mark.parametrize("processes", [1, 2])
def test_recordings_that_are_damaged_are_left_out_as_by_two_stages(tmp_path, small_blocks, processes):
    (tmp_path / "corpus").mkdir()
    write_corpus(tmp_path / "corpus", damaged=[3, 41], headless=[17, 60])
    with two_stages():
        prepared(tmp_path / "corpus", tmp_path / "two", DROP)

    found = prepared(tmp_path / "corpus", tmp_path / "one", DROP, processes=processes)

    assert stores(tmp_path / "one") == stores(tmp_path / "two")
    assert sum(found.dropped["train"].values()) == 4


def test_a_damaged_recording_is_told_by_the_stage_of_frames(tmp_path, small_blocks):
    (tmp_path / "corpus").mkdir()
    write_corpus(tmp_path / "corpus", damaged=[41])
    told = []
    for name in ("one", "two"):
        with pytest.raises(DataError) as caught, two_stages() if name == "two" else contextlib.nullcontext():
            prepared(tmp_path / "corpus", tmp_path / name)
        told.append(str(caught.value))

    assert told[0] == told[1]
    assert "41.flac" in told[0]
    (journal,) = (tmp_path / "one").glob("frames/*.partial/journal.json")
    assert json.loads(journal.read_bytes())["rows"] == 40  # which are not computed again
    assert list((tmp_path / "one").glob("records/*/manifest.json"))


@pytest.mark.parametrize("sets", [(), ("data.on_error={drop: 0.005}",)])
def test_frames_of_a_corpus_that_is_refused_are_not_left_behind(tmp_path, small_blocks, sets):
    (tmp_path / "corpus").mkdir()
    write_corpus(tmp_path / "corpus", headless=[60])

    with pytest.raises(DataError, match="the audio cannot be read"):
        prepared(tmp_path / "corpus", tmp_path / "cache", *sets)

    assert not list((tmp_path / "cache").glob("frames/*"))


def test_frames_that_are_too_many_are_not_kept(corpus, tmp_path, small_blocks):
    found = prepared(corpus, tmp_path, "data.audio.cache_gigabytes=0.0001")

    assert len(found.splits["train"]) == ROWS
    assert not list(tmp_path.glob("frames/*"))


def test_frames_that_will_be_too_many_are_given_up_early(corpus, tmp_path, small_blocks, monkeypatch):
    computed, frames = [], recordings.frames_or_error
    monkeypatch.setattr(recordings, "frames_or_error", lambda *of: computed.append(1) or frames(*of))
    total = sum(soundfile.info(path).frames for path in corpus.glob("*.flac")) // 160
    gigabytes = 0.8 * total * 80 * 4 / 1e9

    prepared(corpus, tmp_path, f"data.audio.cache_gigabytes={gigabytes:.8f}")

    assert 40 <= len(computed) <= 60  # of whole recordings their mean is enough


def test_another_split_computes_no_frames_of_train(corpus, tmp_path):
    spec = (corpus / "spec.yaml").read_text()
    (tmp_path / "spec.yaml").write_text(
        spec.replace("train: train.tsv", "train: train.tsv, dev: dev.tsv").replace("[train]", "[dev]")
    )
    (corpus / "dev.tsv").write_text("file\twords\n0.flac\tone 0\n")
    plan = compile_spec(tmp_path / "spec.yaml").plan

    prepare(build_data(plan), cache=tmp_path / "cache", splits=["dev"], processes=1)

    kept = [
        json.loads(path.read_bytes())["rows"] for path in (tmp_path / "cache").glob("frames/*/manifest.json")
    ]
    assert kept == [1]
