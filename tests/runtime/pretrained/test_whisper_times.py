"""Times that Whisper writes: ids equal those of transformers, segments are what stands between them."""

import copy
import json

import numpy as np
import pytest
import soundfile
import torch
from typer.testing import CliRunner

from seqspec.cli import app
from seqspec.compile.pipeline import compile
from seqspec.components.search._times import Times
from seqspec.components.search.beam import Beam
from seqspec.components.search.greedy import Greedy
from seqspec.runtime.assembly.assemble import assemble
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import Logits
from tests.runtime.pretrained.test_whisper import heard, write_spec
from tests.runtime.pretrained.whisper_folder import save_whisper

transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

STEPS = 51
"""Times 0.00 to 1.00: the tiny model hears a second."""


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whisper")
    plain = save_whisper(folder / "plain")
    theirs = save_whisper(
        folder / "timed", vocab_size=plain.config.vocab_size + STEPS, init_std=0.6, max_target_positions=80
    )
    spec = write_spec(folder / "timed", tmp_path_factory.mktemp("spec"))
    made = assemble(compile(spec), splits=("train",), initial=True)
    made.program.model.eval()
    return made, theirs, folder / "timed", spec


@pytest.fixture
def timed(begun):
    """The model with its rules, and without them afterwards."""
    made = begun[0]
    model, steps = made.program.model, made.prepared.parts.text["target"]
    prompt = model.prompt
    found, text, without, count = steps.tokenizer.times()
    model.times, model.prompt = Times(tuple(found), tuple(text), without), prompt[:count]
    yield model.times
    model.times, model.prompt = None, prompt


def test_ids_are_times_text_or_marks(begun, timed):
    made, theirs, *_ = begun
    order = made.prepared.parts.text["target"].tokenizer.original_ids()
    none, end = theirs.generation_config.no_timestamps_token_id, theirs.config.eos_token_id

    assert [order[id] for id, step in enumerate(timed.steps) if step == 7] == [none + 8]
    assert sum(step >= 0 for step in timed.steps) == STEPS
    assert {order[id] for id, text in enumerate(timed.text) if text} == set(range(end))
    assert order[timed.without] == none


@torch.no_grad()
def test_what_is_written_with_times_equals_that_of_transformers(begun, timed):
    made, theirs, folder, _ = begun
    batch, given = heard(made, folder)
    steps = made.prepared.parts.text["target"]
    order, vocab = steps.tokenizer.original_ids(), Logits(steps.vocab_size)
    search = Greedy(GreedyConfig(max_tokens=16), vocab)
    told = copy.deepcopy(theirs.generation_config)
    told.update(max_initial_timestamp_index=50)

    found = made.program.model.decode(batch, search)

    texts = theirs.generate(
        given, language="ja", task="transcribe", max_new_tokens=16, do_sample=False, num_beams=1,
        return_timestamps=True, generation_config=told,
    )  # fmt: skip
    prompt, end = [order[2], *order[4:6]], theirs.config.eos_token_id
    for (best, *_), text in zip(found, texts.tolist(), strict=True):
        written = text[len(prompt) :] if text[: len(prompt)] == prompt else text
        assert [order[id] for id in best.ids] == [id for id in written if id != end]
        times = [timed.steps[id] for id in best.ids if timed.steps[id] >= 0]
        assert times == sorted(times)
        assert timed.steps[best.ids[0]] >= 0


@torch.no_grad()
def test_a_beam_holds_to_the_rules(begun, timed):
    made, _, folder, _ = begun
    batch, _ = heard(made, folder)
    vocab = Logits(made.prepared.parts.text["target"].vocab_size)

    found = made.program.model.decode(batch, Beam(BeamConfig(size=4, nbest=4, max_tokens=16), vocab))

    assert [len(hypotheses) for hypotheses in found] == [4, 4]
    for best in (one for hypotheses in found for one in hypotheses):
        steps = [timed.steps[id] for id in best.ids]
        is_time = [step >= 0 for step in steps]
        assert timed.without not in best.ids
        assert is_time[0]
        assert [step for step in steps if step >= 0] == sorted(step for step in steps if step >= 0)
        for place in range(2, len(steps)):
            if is_time[place - 1]:
                assert is_time[place] != is_time[place - 2]


@torch.no_grad()
def test_a_beam_equals_that_of_transformers_whose_scores_are_probabilities(begun, timed):
    """Without ``renormalize_logits`` transformers adds up log-probabilities of which the rules took a share.

    Its own ``generate`` of Whisper would also begin anew behind the last pair of times, so that what stands
    below it is called.
    """
    made, theirs, folder, _ = begun
    batch, given = heard(made, folder)
    steps = made.prepared.parts.text["target"]
    order, vocab = steps.tokenizer.original_ids(), Logits(steps.vocab_size)
    search = Beam(BeamConfig(size=4, length_penalty="average", max_tokens=16), vocab)
    prompt, end = [order[2], *order[4:6]], theirs.config.eos_token_id
    rules = copy.deepcopy(theirs.generation_config)
    rules.max_initial_timestamp_index, rules.return_timestamps, rules.no_speech_threshold = 50, True, None
    processors = theirs._retrieve_logit_processors(
        rules, transformers.LogitsProcessorList(), begin_index=len(prompt), num_beams=4, device="cpu"
    )
    told = copy.deepcopy(theirs.generation_config)
    told.update(suppress_tokens=None, begin_suppress_tokens=None, max_length=None, max_new_tokens=16)
    told.update(num_beams=4, early_stopping="never", renormalize_logits=True)

    found = made.program.model.decode(batch, search)
    texts = transformers.GenerationMixin.generate(
        theirs, given, decoder_input_ids=torch.tensor([prompt] * 2), generation_config=told,
        logits_processor=processors,
    )  # fmt: skip

    for (best, *_), text in zip(found, texts.tolist(), strict=True):
        assert [order[id] for id in best.ids] == [id for id in text[len(prompt) :] if id != end]


def test_segments_stand_between_times():
    times = Times((-1, -1, -1, -1, -1, -1, 0, 50, 125), (False,) * 4 + (True,) * 2 + (False,) * 3, None)

    found = times.segments((6, 4, 5, 7, 7, 4, 8, 8, 5))

    assert found == [(0.0, 1.0, (4, 5)), (1.0, 2.5, (4,)), (2.5, None, (5,))]
    assert times.text_of((6, 4, 5, 7)) == [4, 5]


def test_predict_gives_segments_of_a_run(begun, tmp_path):
    *_, spec = begun
    runner = CliRunner()
    ran = runner.invoke(app, ["run", str(spec), "--runs", str(tmp_path), "--set", "evaluate.search={type: greedy, max_tokens: 12}", "--device", "cpu"])  # fmt: skip
    assert ran.exit_code == 0, ran.output
    (run,) = (tmp_path / "heard").iterdir()
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, np.random.default_rng(1).normal(size=9000) * 0.1, 16_000)

    told = runner.invoke(app, ["predict", str(run), str(sound), "--timestamps", "--format", "jsonl"])

    assert told.exit_code == 0, told.output
    (best,) = json.loads(told.stdout)["hypotheses"]
    assert best["text"]
    spans = [(word["start"], word["end"]) for word in best["words"]]
    assert spans
    assert spans == sorted(spans)
    assert all(0 <= start <= end <= 1.0 for start, end in spans)
    lines = runner.invoke(app, ["predict", str(run), str(sound), "--timestamps"]).stdout.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [[f"{a:.3f}", f"{b:.3f}"] for a, b in spans]
