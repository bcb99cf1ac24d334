"""The engine ``compiled`` gives a search's own answers; where nothing is said of it, the code is the traced
function itself, so that only what stands around it is tried.
"""

import shutil
import sys
from collections import Counter
from functools import partial

import pytest
import torch

from seqspec.components.search.beam import Beam
from seqspec.components.search.greedy import Greedy
from seqspec.components.search.sample import Sample
from seqspec.runtime.prediction.engines import compiled_encoder, compiled_step, machine_code
from seqspec.runtime.prediction.engines.compiled_step import CompiledStep, with_compiled_step
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.search.sample import SampleConfig
from seqspec.schema.types import EOS, Frames, Logits, Tokens
from tests.components.building import batch, build, only, replaced

torch.set_num_threads(1)
WORDS = 11
LAYERS = {"type": "transformer", "dim": 16, "num_heads": 2, "num_layers": 2, "dropout": 0.0}
DECODERS = {
    "transformer": LAYERS,
    "learned": {**LAYERS, "positions": "learned", "max_positions": 12},
    "rotary": {**LAYERS, "positions": "rotary", "norm_type": "rms", "activation": "swiglu"},
    "recurrent": {"type": "recurrent", "dim": 12, "attention": "additive", "embedding": {"dim": 12}},
}
SEARCHES = {
    "beam": lambda: Beam(BeamConfig(size=3, max_tokens=9, stop="after_n_finished"), Logits(WORDS)),
    "wide": lambda: Beam(BeamConfig(size=10, max_tokens=9), Logits(WORDS)),
    "gap": lambda: Beam(BeamConfig(size=3, max_tokens=9, score_gap=0.5), Logits(WORDS)),
    "margin": lambda: Beam(BeamConfig(size=3, max_tokens=9, end_margin=0.5), Logits(WORDS)),
    "greedy": lambda: Greedy(GreedyConfig(max_tokens=9), Logits(WORDS)),
    "sample": lambda: Sample(SampleConfig(num_samples=2, max_tokens=9), Logits(WORDS)),
}


def built(decoder, source="encoder_decoder"):
    if source == "language_model":
        data, types = {"type": source, "decoder": decoder}, {"target": Tokens(WORDS)}
    else:
        data = {"type": source, "encoder": {**LAYERS, "num_layers": 1}, "decoder": decoder}
        types = {"source": Tokens(20), "target": Tokens(WORDS)}
    model = build(data, types, seed=3).model.eval()
    with torch.no_grad():
        model.head.bias_V[EOS] = -2.0
    return model


class Interpreted:
    """What was to be compiled, as it is."""

    def __init__(self, function, arguments, *, longest=99, **_):
        self.function, self.vary, self.longest, self.calls = function, arguments.vary, longest, 0

    def fits(self, given):
        varying = zip(given, self.vary, strict=True)
        return all(x.shape[axis] <= self.longest for x, axes in varying for axis in axes)

    def __call__(self, given):
        self.calls += 1
        assert all(x.is_contiguous() for x in given)
        return list(self.function(*given))


@pytest.fixture
def interpreted(monkeypatch):
    monkeypatch.setattr(compiled_step, "machine_code", Interpreted)
    monkeypatch.setattr(compiled_encoder, "machine_code", Interpreted)


def code_of(model):
    return (model.step.ranked or model.step).code


def assert_same(found, expected):
    assert [[one.ids for one in each] for each in found] == [[one.ids for one in each] for each in expected]
    scores = [torch.tensor([one.score for each in all for one in each]) for all in (found, expected)]
    torch.testing.assert_close(*scores, atol=1e-5, rtol=0)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("decoder", DECODERS)
def test_answers_are_those_of_the_model(interpreted, decoder, search):
    model, searching = built(DECODERS[decoder]), SEARCHES[search]()
    examples = [only(row, batch(rows=4, target=WORDS)) for row in range(4)]
    expected = [model.decode(one, searching) for one in (*examples, batch(rows=4, target=WORDS))]

    with_compiled_step(model, search=searching, digest="")

    for one, answers in zip((*examples, batch(rows=4, target=WORDS)), expected, strict=True):
        assert_same(model.decode(one, searching), answers)
    assert code_of(model).calls > 4
    assert model.read.code.calls == 4


@pytest.mark.parametrize("search", ["beam", "greedy"])
def test_a_model_that_is_not_small_takes_one_step_a_call(interpreted, monkeypatch, search):
    model, searching, calls = built(LAYERS), SEARCHES[search](), []
    alone = only(0, batch(rows=1, target=WORDS))
    expected = model.decode(alone, searching)
    for small in (True, False):
        monkeypatch.setattr(compiled_step, "is_small", lambda model, small=small: small)
        for name in ("step", "read", "start"):
            model.__dict__.pop(name, None)

        with_compiled_step(model, search=searching, digest="")

        assert_same(model.decode(alone, searching), expected)
        calls.append(code_of(model).calls)
    few, many = calls
    assert few == -(-many // 4) > 1


def test_a_language_model_goes_on_from_prompts(interpreted):
    model, searching = built({**LAYERS, "positions": "rotary"}, "language_model"), SEARCHES["beam"]()
    examples = [only(row, batch(rows=3, target=WORDS)) for row in range(3)]
    expected = [model.decode(one, searching) for one in examples]

    with_compiled_step(model, search=searching, digest="")

    for one, answers in zip(examples, expected, strict=True):
        assert_same(model.decode(one, searching), answers)
    assert code_of(model).calls > 4


def test_recordings_are_encoded_by_the_code_one_at_a_time(interpreted):
    encoder = {"type": "conformer", "dim": 16, "num_layers": 1, "num_heads": 2, "kernel": 5}
    types = {"source": Frames(8, rate=100), "target": Tokens(WORDS)}
    data = {"type": "encoder_decoder", "encoder": encoder, "decoder": {**LAYERS, "num_layers": 1}}
    model, searching = build(data, types, seed=3).model.eval(), SEARCHES["beam"]()
    texts = batch(rows=2, target=WORDS)
    both = replaced(texts, source=torch.randn(2, 60, 8), source_lengths=torch.tensor([60, 43]))
    alone = replaced(only(0, texts), source=both.source[:1, :40], source_lengths=torch.tensor([40]))
    given = (only(0, both), alone, both)
    expected = [model.decode(one, searching) for one in given]

    with_compiled_step(model, search=searching, digest="")

    for one, answers in zip(given, expected, strict=True):
        assert_same(model.decode(one, searching), answers)
    assert model.read.code.calls == 2


def test_an_encoder_that_cannot_be_compiled_stays_as_it_is(interpreted, monkeypatch, capsys):
    def refuse(*_, **__):
        raise RunError("no code for this", exit=Exit.USAGE)

    monkeypatch.setattr(compiled_encoder, "machine_code", refuse)
    model, searching = built(LAYERS), SEARCHES["beam"]()
    alone = only(0, batch(rows=1, target=WORDS))
    expected = model.decode(alone, searching)

    with_compiled_step(model, search=searching, digest="")

    for _ in range(2):
        assert_same(model.decode(alone, searching), expected)
    assert capsys.readouterr().err == "seqspec: the encoder is not compiled: no code for this\n"


def test_sizes_that_the_code_was_not_made_for_are_left_to_the_model(monkeypatch):
    model, searching = built(LAYERS), SEARCHES["beam"]()
    monkeypatch.setattr(compiled_step, "machine_code", partial(Interpreted, longest=7))
    monkeypatch.setattr(compiled_encoder, "machine_code", partial(Interpreted, longest=6))
    alone = only(0, batch(rows=1, target=WORDS, longest=7))
    expected = model.decode(alone, searching)

    with_compiled_step(model, search=searching, digest="")

    assert_same(model.decode(alone, searching), expected)
    assert 1 < code_of(model).calls <= 8
    assert model.read.code.calls == 0


class Uncounted(Interpreted):
    """What the code does itself is not looked at."""

    def __call__(self, given):
        see = sys.getprofile()
        sys.setprofile(None)
        try:
            return super().__call__(given)
        finally:
            sys.setprofile(see)


@pytest.mark.parametrize(
    ("search", "small", "bound"),
    [("greedy", True, 4.25), ("greedy", False, 17), ("beam", True, 9), ("beam", False, 33)],
)
def test_a_compiled_step_is_called_by_no_more_than_it_was(monkeypatch, search, small, bound):
    monkeypatch.setattr(compiled_step, "machine_code", Uncounted)
    monkeypatch.setattr(compiled_encoder, "machine_code", Uncounted)
    monkeypatch.setattr(compiled_step, "is_small", lambda model: small)
    model, alone, seen = built(LAYERS), only(0, batch(rows=1, target=WORDS)), Counter()
    with torch.no_grad():
        model.head.bias_V[EOS] = -1e4

    def calls(count):
        config = {"greedy": GreedyConfig, "beam": partial(BeamConfig, size=3)}[search](max_tokens=count)
        searching = {"greedy": Greedy, "beam": Beam}[search](config, Logits(WORDS))
        for name in ("step", "read", "start"):
            model.__dict__.pop(name, None)
        with_compiled_step(model, search=searching, digest="")
        model.decode(alone, searching)
        seen.clear()
        sys.setprofile(lambda frame, event, _: seen.update([event]))
        try:
            (found,) = model.decode(alone, searching)
        finally:
            sys.setprofile(None)
        assert len(found[0].ids) == count
        return seen["call"]

    a_step = (calls(48) - calls(24)) / 24
    assert bound * 0.5 <= a_step <= bound, a_step


@pytest.mark.parametrize(
    ("model", "search", "words"),
    [
        (torch.nn.Linear(1, 1), SEARCHES["greedy"](), "not written step by step"),
        (built(LAYERS), None, "not written step by step"),
        (built(LAYERS), Beam(BeamConfig(coverage_penalty="gnmt"), Logits(WORDS)), "has to see attention"),
    ],
)
def test_what_cannot_be_compiled_is_refused(model, search, words):
    with pytest.raises(RunError, match=words):
        with_compiled_step(model, search=search, digest="")


def test_a_state_that_is_more_than_tensors_is_refused():
    decoder = {**LAYERS, "self_attention": {"type": "sliding_window", "window": 4}}
    model, searching = built(decoder, "language_model"), SEARCHES["greedy"]()
    with_compiled_step(model, search=searching, digest="")

    with pytest.raises(RunError, match="more than tensors"):
        model.decode(only(0, batch(rows=1, target=WORDS)), searching)


def test_the_key_tells_weights_plans_and_rows_apart():
    one, two = built(LAYERS), built(LAYERS)
    with torch.no_grad():
        two.head.bias_V[5] += 1e-3
    given = [
        (one, 3, "a", 6),
        (two, 3, "a", 6),
        (one, 2, "a", 6),
        (one, 3, "b", 6),
        (one, 3, "a", 0),
        (built(LAYERS), 3, "a", 6),
    ]

    keys = [
        CompiledStep(model, rows=rows, digest=digest, plain=model.step, count=count, goes_on=goes_on).key()
        for model, rows, digest, count in given
        for goes_on in (None, SEARCHES["beam"]()._goes_on)
    ]

    assert len(set(keys)) == 10
    assert keys[:2] == keys[10:]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler on this machine")
def test_machine_code_gives_the_same_answers_and_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path))
    model, searching = built({**DECODERS["learned"], "max_positions": 6, "num_layers": 1}), SEARCHES["beam"]()
    examples = [only(row, batch(rows=4, target=WORDS)) for row in range(4)]
    expected = [model.decode(one, searching) for one in examples]
    with_compiled_step(model, search=searching, digest="")
    compile, made = machine_code._compiled, {}

    def compiled_once(function, arguments, recipe, *, name):
        if name not in made:
            made[name] = compile(function, arguments, recipe, name=name)
        return made[name]

    monkeypatch.setattr(machine_code, "_compiled", compiled_once)

    def answered():
        del model.step, model.read, model.start
        with_compiled_step(model, search=searching, digest="")
        with torch.inference_mode():
            for one, answers in zip(examples, expected, strict=True):
                assert_same(model.decode(one, searching), answers)
        return capsys.readouterr().err

    assert "compiling a step" in answered()
    # Six positions are known, and a call of four steps reads those before it.
    assert {most for *_, most in code_of(model).bounds} == {2}
    assert answered() == ""
    for file in (tmp_path / "compiled").glob("*.pt2"):
        file.write_bytes(file.read_bytes()[:1000])
    assert answered().count("is damaged and is made anew") == 2
