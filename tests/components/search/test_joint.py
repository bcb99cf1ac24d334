"""Beam search that listens to attention, CTC and a language model together."""

import itertools

import pytest
import torch

from seqspec.components.search._ctc_prefix import CtcPrefixes
from seqspec.components.search._hypothesis import Continuation
from seqspec.components.search._joint import FusedLanguageModel, Joint
from seqspec.components.search.beam import Beam
from seqspec.data.batching.batch import Batch
from seqspec.schema.config import Mismatch
from seqspec.schema.search._shallow_fusion import ShallowFusion
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.types import BOS, EOS, Frames, Logits, Tokens
from tests.components.building import batch, build, replaced

torch.set_num_threads(1)

LAYERS = {"type": "transformer", "dim": 16, "num_layers": 1, "num_heads": 2, "dropout": 0.0}
SPEECH = {
    "type": "encoder_decoder",
    "encoder": LAYERS,
    "decoder": {"type": "transformer", "num_layers": 1},
    "outputs": {"ctc": {"type": "linear", "on": "encoder"}},
}
WRITABLE = (1, 4, 5, 6)


def sharpened(built, by=3.0):
    """Untrained models have no opinion."""
    with torch.no_grad():
        for head in (built.model.head, getattr(built.model, "head_ctc", None)):
            if head is not None:
                head.weight_VD.mul_(by)
    return built.model.eval()


@pytest.fixture(scope="module")
def speech():
    return sharpened(build(SPEECH, {"source": Frames(6, 100), "target": Tokens(7)}, seed=5))


@pytest.fixture(scope="module", params=["transformer", "recurrent"])
def language(request):
    decoder = {**LAYERS, "type": "transformer"} if request.param == "transformer" else {}
    data = {"type": "language_model", "decoder": decoder or {"type": "recurrent", "dim": 12}}
    return FusedLanguageModel(sharpened(build(data, {"target": Tokens(7)}, seed=8)), BOS)


def recordings():
    generator = torch.Generator().manual_seed(2)
    lengths = torch.tensor([9, 3, 6])
    frames = torch.randn(3, 9, 6, generator=generator)
    frames[torch.arange(9) >= lengths[:, None]] = 0
    nothing = torch.zeros(3, 0, dtype=torch.int64)
    return Batch.pair(frames, lengths, nothing, torch.zeros(3, dtype=torch.int64), torch.arange(3), 0, 1.0)


def only(row, of):
    return replaced(
        of,
        source=of.source[row : row + 1, : of.source_lengths[row]],
        source_lengths=of.source_lengths[row : row + 1],
        target=of.target[:1],
        target_lengths=of.target_lengths[:1],
        index=of.index[row : row + 1],
    )


def beam(language=None, *, weight=0.4, **fields):
    fusion = None if language is None else ShallowFusion(run="there", weight=weight)
    search = Beam(BeamConfig(**{"max_tokens": 6, "language_model": fusion, **fields}), Logits(7, ctc=True))
    return search if language is None else search.fused(language)


@pytest.mark.parametrize(
    "fields",
    [
        {"ctc_weight": 0.3},
        {"ctc_weight": 0.5, "pre_beam_ratio": 1.0, "stop": "best_finished", "length_bonus": 0.5},
        {"ctc_weight": 0.9, "nbest": 3, "coverage_penalty": "gnmt", "score_gap": 9.0, "end_margin": 6.0},
        {"length_bonus": -0.4, "max_ratio": 0.2},
    ],
)
@pytest.mark.parametrize("fused", [False, True])
def test_a_batch_gives_what_each_example_gives_alone(speech, language, fields, fused):
    search = beam(language if fused else None, size=3, **fields)
    together = speech.decode(recordings(), search)

    for row, found in enumerate(together):
        alone = speech.decode(only(row, recordings()), search)[0]
        assert [h.ids for h in found] == [h.ids for h in alone]
        assert [h.score for h in found] == pytest.approx([h.score for h in alone], abs=1e-4)


def test_listening_to_nobody_else_changes_nothing(speech):
    plain, joint = beam(size=3, nbest=3), beam(size=3, nbest=3)
    joint.joint = Joint()
    assert plain.joint is None

    for one, other in zip(
        speech.decode(recordings(), plain), speech.decode(recordings(), joint), strict=True
    ):
        assert [h.ids for h in one] == [h.ids for h in other]
        assert [h.score for h in one] == pytest.approx([h.score for h in other], abs=1e-5)


@pytest.mark.parametrize(
    ("ctc_weight", "fused", "fields"),
    [
        (0.4, False, {"length_penalty": "none"}),
        (0.0, True, {"length_penalty": "none", "length_bonus": 0.7}),
        (0.4, True, {"length_penalty": "gnmt", "length_bonus": -0.3}),
        (0.4, True, {"length_penalty": "gnmt", "length_bonus": 0.7}),
    ],
)
def test_a_wide_beam_finds_the_best_of_all_answers(speech, language, ctc_weight, fused, fields):
    search = beam(
        language if fused else None, size=100, nbest=3, max_tokens=3, ctc_weight=ctc_weight, **fields
    )
    one = only(2, recordings())

    found = speech.decode(one, search)[0][:3]

    expected = every_answer(speech, language.model if fused else None, one, ctc_weight, search.penalty)[:3]
    assert [h.ids for h in found] == [ids for ids, _ in expected]
    assert [h.score for h in found] == pytest.approx([score for _, score in expected], abs=1e-4)


@torch.no_grad()
def every_answer(speech, language, one, ctc_weight, penalty):
    """All answers of up to three ids by decreasing score: ended ones, and those of three ids that were cut."""
    memory, lengths = speech.encode(one)
    frames = speech.scored("ctc", memory).log_softmax(-1)
    answers = []
    for size in range(4):
        for ids in itertools.product(WRITABLE, repeat=size):
            written = [*ids, EOS] if size < 3 else list(ids)
            state = speech.decoder.start(memory, lengths, examples=1)
            total = (1 - ctc_weight) * forced(speech, state, written)
            total += ctc_weight * aligned(frames, lengths, ids, ended=size < 3)
            if language is not None:
                total += 0.4 * forced(language, language.decoder.start(None, None, examples=1), written)
            answers.append((ids, penalty.score(total, len(written))))
    return sorted(answers, key=lambda answer: -answer[1])


def forced(model, state, written):
    total = 0.0
    for last, token in itertools.pairwise([BOS, *written]):
        logits, state = model.step(torch.tensor([last]), state)
        total += logits.log_softmax(-1)[0, token].item()
    return total


def aligned(frames, lengths, ids, *, ended):
    if ended:
        target, size = torch.tensor([ids], dtype=torch.int64), torch.tensor([len(ids)])
        return -torch.nn.functional.ctc_loss(
            frames.transpose(0, 1), target, lengths, size, reduction="sum"
        ).item()
    prefixes = CtcPrefixes.start(frames, lengths)
    for token in ids:
        prefixes = prefixes.grow(torch.tensor([token]))
    return prefixes.prefix_N.item()


def test_an_answer_longer_than_its_recording_is_never_given(speech):
    one = only(1, recordings())
    assert len(speech.decode(one, beam(size=3, max_tokens=9, length_bonus=9.0))[0][0].ids) == 9

    for found in speech.decode(one, beam(size=3, max_tokens=9, length_bonus=9.0, ctc_weight=0.1))[0]:
        assert len(found.ids) <= 3


def test_a_language_model_goes_on_from_the_prompt_too(language):
    own = sharpened(build({"type": "language_model", "decoder": LAYERS}, {"target": Tokens(7)}, seed=1))
    prompts = replaced(batch(rows=4, target=7), source=None, source_lengths=None)
    search = beam(language, size=2, max_tokens=4, length_penalty="none")

    for row, (best, *_) in enumerate(own.decode(prompts, search)):
        prompt = prompts.target[row, : prompts.target_lengths[row]].tolist()
        written = [*best.ids, EOS] if len(best.ids) < 4 else [*best.ids]
        total = sum(
            weight * (whole(model, [*prompt, *written]) - whole(model, prompt))
            for model, weight in ((own, 1.0), (language.model, 0.4))
        )
        assert best.score == pytest.approx(total, abs=1e-4)


@torch.no_grad()
def whole(model, ids):
    return forced(model, model.decoder.start(None, None, examples=1), ids)


def test_a_model_of_one_stream_reads_an_end_before_the_first_symbol(speech, language):
    class Listening:
        decoder, heard = language.model.decoder, []

        def to(self, device):
            return self

        def step(self, ids, state):
            self.heard.append(ids.tolist())
            return language.model.step(ids, state)

    model = Listening()
    speech.decode(recordings(), beam(FusedLanguageModel(model, EOS), size=2, max_tokens=2))

    assert model.heard[0] == [EOS] * 3
    assert all(BOS not in ids for ids in model.heard)


def test_a_language_model_that_was_not_loaded_is_not_forgotten(speech):
    search = Beam(BeamConfig(language_model=ShallowFusion(run="there", weight=0.3)), Logits(7))

    with pytest.raises(TypeError, match="was given none"):
        speech.decode(recordings(), search)


@pytest.mark.parametrize(
    ("fields", "at"), [({"ctc_weight": 0.3}, ("ctc_weight",)), ({"pre_beam_ratio": 2.0}, ("pre_beam_ratio",))]
)
def test_ctc_without_a_ctc_head_is_refused(fields, at):
    with pytest.raises(Mismatch) as caught:
        BeamConfig(**fields).output(Logits(7))

    assert caught.value.at == at
    assert caught.value.help


def test_a_ctc_head_is_seen_by_the_search():
    gives = build(SPEECH, {"source": Frames(6, 100), "target": Tokens(7)}, device="meta").gives

    assert gives == Logits(7, ctc=True)
    assert BeamConfig(ctc_weight=0.3).output(gives) == gives


def test_a_vocabulary_that_is_searched_in_blocks_gives_the_same(monkeypatch):
    wide = sharpened(build(SPEECH, {"source": Frames(6, 100), "target": Tokens(700)}, seed=5), by=8.0)
    config = BeamConfig(size=4, nbest=4, max_tokens=4, ctc_weight=0.5, length_penalty="none")
    search = Beam(config, Logits(700, ctc=True))
    in_blocks = wide.decode(recordings(), search)
    monkeypatch.setattr("seqspec.components.search._best.SMALL", 1000)

    assert wide.decode(recordings(), search) == in_blocks


def test_what_cannot_be_written_takes_no_candidate_s_place():
    class Nowhere:
        attention = None

    logits = torch.tensor([[9.0, 1.0, 8.0, 7.0, 3.0, 2.0, 0.0]])
    frames = torch.zeros(1, 4, 7).log_softmax(-1)
    going = Continuation(
        torch.tensor([BOS]),
        Nowhere(),
        lambda ids, state, *, look=False: (logits, state),
        torch.tensor([9]),
        torch.tensor([4]),
        ctc=lambda: frames,
    )

    joined = Joint(ctc_weight=0.5, num_candidates=2)(going)
    scores, _ = joined.step(going.first_B, joined.state)

    assert scores.isfinite().nonzero()[:, 1].tolist() == [EOS, 4, 5]
