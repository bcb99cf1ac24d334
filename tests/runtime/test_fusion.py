"""A language model's run in the search of another: opened, compared, recorded."""

import io
import json
import shutil
from types import SimpleNamespace

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.assembly.assemble import assemble, reopen
from seqspec.runtime.assembly.shallow_fusion import fuse
from seqspec.runtime.commands import runs as commands
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.evaluate import evaluate
from seqspec.runtime.prediction.predict import predict
from seqspec.runtime.reproducibility.lock import drifts, read_lock
from seqspec.runtime.run import run
from seqspec.runtime.run_stages.preparation import locked_now
from seqspec.schema.diagnostic import RunError
from seqspec.schema.types import BOS, EOS

LAUNCH = Launch(quiet=True, threads=1)
SHARED = """
seqspec: 1
data:
  source: {type: SOURCE, synthetic: 20}
  text: {TEXT}
  batch: {unit: examples, size: 4}
optimizer: {type: adam, schedule: constant}
train: {max_steps: 1, checkpoint_every_steps: 1}
"""
LANGUAGE = """
name: language
model: {type: language_model, decoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2}}
evaluate: {metrics: [perplexity]}
"""
TRANSLATION = """
name: translation
model:
  type: encoder_decoder
  encoder: {type: transformer, num_layers: 1, dim: 8, num_heads: 2}
  decoder: {type: transformer, num_layers: 1}
evaluate:
  search: {type: beam, size: 2, max_tokens: 5, language_model: {run: "${env:LANGUAGE_RUN}", weight: 0.5}}
  metrics: [chrf]
"""
SPECS = {
    "language": (LANGUAGE, "lines, language: en", "target: {tokenizer: bytes}"),
    "translation": (
        TRANSLATION,
        "bitext, source_language: de, target_language: en",
        "shared: {tokenizer: bytes}",
    ),
}


def compiled(folder, name, *sets):
    body, source, text = SPECS[name]
    file = folder / f"{name}.yaml"
    file.write_text(SHARED.replace("SOURCE", source).replace("TEXT", text) + body)
    return compile_spec(file, overlays=[Overlay.set(one) for one in sets])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each spec, the second of which listens to the first."""
    folder = tmp_path_factory.mktemp("fusion")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQSPEC_CACHE", str(folder / "cache"))
        language = run(compiled(folder, "language"), runs=folder, launch=LAUNCH).folder
        patch.setenv("LANGUAGE_RUN", str(language.path))
        translation = run(compiled(folder, "translation"), runs=folder, launch=LAUNCH).folder
        yield SimpleNamespace(folder=folder, language=language, translation=translation)


def evaluated(runs, *sets):
    over = [Overlay.set(one) for one in sets]
    return evaluate(runs.translation.path, split="dev", checkpoint="best", over=over, launch=LAUNCH)


@pytest.fixture
def another(runs, tmp_path, monkeypatch):
    """The run listens to a language model of other weights."""
    path = run(compiled(tmp_path, "language", "seed=2"), runs=tmp_path, launch=LAUNCH).folder.path
    monkeypatch.setenv("LANGUAGE_RUN", str(path))
    return path


def test_a_judgement_holds_the_language_model_s_digests_and_not_its_place(runs):
    held = read_lock(runs.translation.lock)["language_model"]

    assert held.keys() == {"model", "weights"}
    assert json.loads((runs.translation.path / "result.json").read_text())["language_model"] == held
    assert evaluated(runs).language_model == held
    assert str(runs.language.path) not in runs.translation.lock.read_text()
    assert evaluated(runs, "evaluate.search.language_model=null").language_model is None


def test_another_language_model_is_told_and_is_a_drift(runs, another, capsys):
    assert evaluated(runs).language_model != read_lock(runs.translation.lock)["language_model"]
    assert "names another language model" in capsys.readouterr().err

    now = locked_now(compiled(runs.folder, "translation"), launch=LAUNCH)

    names = [drift.name for drift in drifts(read_lock(runs.translation.lock), now)]
    assert names == ["language_model.weights"]


def test_the_language_model_changes_what_is_found(runs):
    scores = [
        [
            one.hypotheses[0][1]
            for one in evaluated(runs, f"evaluate.search.language_model.weight={weight}").found
        ]
        for weight in ("0.001", "5.0")
    ]

    assert all(little > much + 1 for little, much in zip(*scores, strict=True))


def test_predict_says_whom_it_listens_to(runs, tmp_path, capsys):
    (tmp_path / "lines").write_text("ab\n")
    out = io.StringIO()
    predict(
        runs.translation.path, inputs=[str(tmp_path / "lines")], checkpoint="best", over=[], launch=LAUNCH,
        out=out, nbest=1, scores=False, format="text", engine="torch",
    )  # fmt: skip

    assert out.getvalue().count("\n") == 1
    assert read_lock(runs.translation.lock)["language_model"]["weights"][:12] in capsys.readouterr().err


def refused(runs, *sets):
    found = commands.evaluate(
        runs.translation.path, split="dev", checkpoint="best", over=[Overlay.set(one) for one in sets],
        launch=LAUNCH, format="text",
    )  # fmt: skip
    assert found.exit != 0
    return found.error


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", "nowhere is not a run directory"),
        ("TRANSLATION", "is a run of a model `encoder_decoder`"),
        ("EMPTY", "holds no sound checkpoint"),
        ("BARE", "ended before its data were prepared"),
    ],
)
def test_what_is_no_language_model_is_refused(runs, tmp_path, monkeypatch, path, words):
    for name, left_out in (("EMPTY", "step-*"), ("BARE", "facts.json")):
        shutil.copytree(runs.language.path, tmp_path / name, ignore=shutil.ignore_patterns(left_out))
    known = {"TRANSLATION": runs.translation.path, **{name: tmp_path / name for name in ("EMPTY", "BARE")}}
    monkeypatch.setenv("LANGUAGE_RUN", str(known.get(path, path)))

    told = refused(runs)

    assert told.startswith("error: `evaluate.search.language_model`: ")
    assert words in told


def test_an_unset_variable_and_an_unknown_checkpoint_are_told(runs, monkeypatch):
    assert "there is no checkpoint 'newest'" in refused(
        runs, "evaluate.search.language_model.checkpoint=newest"
    )

    monkeypatch.delenv("LANGUAGE_RUN")

    assert "`LANGUAGE_RUN` is not set" in refused(runs)


def test_a_language_model_that_is_missing_is_told_before_the_data_are_prepared(runs, monkeypatch):
    monkeypatch.setenv("LANGUAGE_RUN", "nowhere")
    monkeypatch.setattr(
        "seqspec.runtime.assembly.assemble.prepare", lambda *given, **named: pytest.fail("prepared")
    )

    with pytest.raises(RunError, match="nowhere is not a run directory"):
        assemble(compiled(runs.folder, "translation"), splits=("train",))


class Steps:
    """Text steps over a few pieces."""

    def __init__(self, *pieces):
        self.vocab_size, self.known = len(pieces), pieces
        self.tokenizer = SimpleNamespace(pieces=lambda ids: [self.known[id] for id in ids])


def fused(runs, *, ours, theirs, decoder=None, pack=None):
    """``fuse`` with the vocabularies, the decoder and the packing of this test."""
    translation, language = reopen(runs.translation), reopen(runs.language)
    parts = SimpleNamespace(text={"target": theirs}, config=SimpleNamespace(pack=pack))
    plan = language.program.plan
    if decoder:
        model = plan.experiment.model.model_copy(
            update={"decoder": plan.experiment.model.decoder.model_copy(update=decoder)}
        )
        plan = SimpleNamespace(experiment=SimpleNamespace(model=model), digests=plan.digests)
    program = SimpleNamespace(plan=plan, module=language.program.module)
    opened = SimpleNamespace(program=program, parts=parts, tasks={})
    return fuse(translation.program, {"target": ours} if ours else {}, open=lambda folder: opened)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ours": Steps(*"abc"), "theirs": Steps(*"abcd")}, "4 ids, and 3 here"),
        ({"ours": Steps(*"abc"), "theirs": Steps(*"acb")}, "its id 1 is 'c', and 'b' here"),
        ({"ours": None, "theirs": Steps(*"abc")}, "no text"),
        (
            {
                "ours": Steps(*"abc"),
                "theirs": Steps(*"abc"),
                "decoder": {"positions": "learned", "max_positions": 4},
            },
            "knows 4 positions, and an answer may have 5 ids",
        ),
    ],
)
def test_a_language_model_that_does_not_fit_is_refused(runs, fields, words):
    with pytest.raises(RunError, match=words):
        fused(runs, **fields)


@pytest.mark.parametrize(
    ("pack", "begin"),
    [
        (None, BOS),
        (SimpleNamespace(document_mask=True), BOS),
        (SimpleNamespace(document_mask=False), EOS),
    ],
)
def test_a_text_begins_as_the_language_model_has_read_texts_begin(runs, pack, begin):
    program = fused(runs, ours=Steps(*"abc"), theirs=Steps(*"abc"), pack=pack)

    assert program.search.joint.language.begin == begin
    assert not any(weight.requires_grad for weight in program.language_model.program.module.parameters())
