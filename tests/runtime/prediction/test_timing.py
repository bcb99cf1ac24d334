"""Times of words, given transcripts, and language models beside a CTC model."""

import io
import json
from pathlib import Path

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.predict import predict
from seqspec.runtime.prediction.timing import read_transcripts
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import DataError, RunError

LAUNCH = Launch(quiet=True, threads=1)
SPEECH = """
seqspec: 1
name: speech
data:
  source: {type: librispeech, synthetic: 6}
  audio: {features: log_mel}
  text: {target: {tokenizer: characters}}
  filter: {max_seconds: 20}
  batch: {unit: examples, size: 4}
model: {type: ctc, encoder: {type: conformer, num_layers: 1, dim: 8, num_heads: 2}}
loss: ctc
optimizer: {type: adam, schedule: constant}
train: {max_steps: 1, checkpoint_every_steps: 1}
evaluate: {metrics: [wer]}
"""
LANGUAGE = """
seqspec: 1
name: language
data:
  source: {type: lines, language: en, root: ROOT, splits: {train: text.txt, dev: dev.txt}}
  text: {target: {tokenizer: {type: symbols_file, unit: characters, vocabulary: VOCABULARY}}}
  batch: {unit: examples, size: 4}
model: {type: language_model, decoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2}}
optimizer: {type: adam, schedule: constant}
train: {max_steps: 1, checkpoint_every_steps: 1}
evaluate: {metrics: [perplexity]}
"""
ARPA = "\\data\\\nngram 1=4\n\n\\1-grams:\n-99\t<s>\n-1\t</s>\n-2\t<unk>\n-1\tDOG\n\n\\end\\\n"


def trained(folder, text):
    (folder / "spec.yaml").write_text(text)
    return run(compile_spec(folder / "spec.yaml"), runs=folder / "runs", launch=LAUNCH).folder


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    folder = tmp_path_factory.mktemp("timing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(folder / "cache"))
        yield trained(folder, SPEECH)


@pytest.fixture
def recordings(speech):
    found = sorted((speech.path.parents[2] / "cache").rglob("dev-clean/**/*.flac"))
    assert found
    return found[:2]


def predicted(speech, inputs, *sets, **more):
    out = io.StringIO()
    predict(
        speech.path, inputs=[str(one) for one in inputs], checkpoint="best",
        over=[Overlay.set(one) for one in sets], launch=LAUNCH, out=out,
        **{"nbest": 1, "scores": False, "format": "text", "engine": "torch", **more},
    )  # fmt: skip
    return out.getvalue().splitlines()


def test_a_transcript_is_found_in_its_recording(speech, recordings, tmp_path):
    said = {Path(one).stem: f"DOG {word}" for one, word in zip(recordings, ("A", "CAT"), strict=True)}
    (tmp_path / "text").write_text("".join(f"{name} {text}\n" for name, text in said.items()))

    lines = predicted(speech, recordings, align=tmp_path / "text")
    rows = [line.split("\t") for line in lines]

    assert [(Path(name).stem, word) for name, _, _, word in rows] == [
        (name, word) for name, text in said.items() for word in text.split()
    ]
    times = [float(time) for _, start, end, _ in rows[:2] for time in (start, end)]
    assert times == sorted(times)
    assert times[0] < times[1]

    whole = json.loads(predicted(speech, recordings[:1], align=tmp_path / "text", format="json")[0])
    (hypothesis,) = whole["hypotheses"]
    assert [one["word"] for one in hypothesis["words"]] == ["DOG", "A"]
    assert all(one["score"] <= 0 for one in hypothesis["words"])


def test_a_recording_without_a_transcript_is_told(speech, recordings, tmp_path):
    (tmp_path / "text").write_text(f"{Path(recordings[0]).stem} DOG\nanother CAT\n")

    with pytest.raises(DataError, match="no line of the transcripts begins with"):
        predicted(speech, recordings, align=tmp_path / "text")


@pytest.mark.parametrize(
    ("text", "told"), [("a DOG\na CAT\n", "two transcripts"), (b"\xff\xfe", "not UTF-8"), ("NAME " + "DOG " * 200, "200|801|states")]
)  # fmt: skip
def test_transcripts_that_cannot_be_used_are_told(speech, recordings, tmp_path, text, told):
    data = text if isinstance(text, bytes) else text.replace("NAME", Path(recordings[0]).stem).encode()
    (tmp_path / "text").write_bytes(data)

    with pytest.raises(DataError, match=told):
        predicted(speech, recordings[:1], align=tmp_path / "text")


def test_every_hypothesis_has_times(speech, recordings):
    beam = "evaluate.search={type: ctc_prefix_beam, size: 3}"

    (line,) = predicted(speech, recordings[:1], beam, timestamps=True, nbest=3, format="json")

    hypotheses = json.loads(line)["hypotheses"]
    assert len(hypotheses) == 3
    assert all([word["word"] for word in one["words"]] == one["text"].split() for one in hypotheses)
    assert [one["score"] for one in hypotheses] == sorted((h["score"] for h in hypotheses), reverse=True)


def test_a_model_of_text_has_no_times(speech, tmp_path):
    root = json.dumps(str(tmp_path))
    (tmp_path / "text.txt").write_text("DOG\nCAT\n")
    (tmp_path / "dev.txt").write_text("A DOG\n")
    vocabulary = speech.path / "vocabularies" / "data.text.target.tokenizer"
    text = LANGUAGE.replace("ROOT", root).replace("VOCABULARY", json.dumps(str(vocabulary)))
    language = trained(tmp_path, text)
    with pytest.raises(RunError, match="CTC scores"):
        predicted(language, [tmp_path / "text.txt"], timestamps=True)

    # It is what the search of the speech model may listen to.
    found = sorted((speech.path.parents[2] / "cache").rglob("dev-clean/**/*.flac"))[:1]
    one = "evaluate.search={type: ctc_prefix_beam, size: 3, language_model: {run: RUN, weight: WEIGHT}}"
    scored = [
        predicted(
            speech, found, one.replace("RUN", str(language.path)).replace("WEIGHT", weight), scores=True
        )
        for weight in ("0.001", "2.0")
    ]
    assert float(scored[0][0].split("\t")[0]) > float(scored[1][0].split("\t")[0])


def test_an_n_gram_model_is_listened_to_and_recorded(speech, recordings, tmp_path, capsys):
    (tmp_path / "lm.arpa").write_text(ARPA)
    search = "evaluate.search={type: ctc_prefix_beam, size: 3, ngram: {file: FILE, weight: 1.0}}"
    search = search.replace("FILE", json.dumps(str(tmp_path / "lm.arpa")))

    alone = predicted(speech, recordings, "evaluate.search={type: ctc_prefix_beam, size: 3}", scores=True)
    heard = predicted(speech, recordings, search, scores=True)

    assert all(float(b.split("\t")[0]) < float(a.split("\t")[0]) for a, b in zip(alone, heard, strict=True))
    assert "listens to a language model" in capsys.readouterr().err
    with pytest.raises(DataError, match="does not know"):
        predicted(speech, recordings, search.replace("weight: 1.0", "weight: 1.0, unit: pieces"))


@pytest.mark.parametrize(("place", "told"), [("/dev/zero", "are a device"), ("/nowhere", "cannot be read")])
def test_transcripts_that_cannot_be_read_are_told(place, told):
    with pytest.raises(DataError, match=told):
        read_transcripts(Path(place))
