"""VITS: its sizes, what each part learns from, and that nothing but text, row and step decides what is drawn."""

import itertools
from fractions import Fraction

import pytest
import torch
from torch.distributions import Normal

from seqspec.components.model.vits import Vits
from seqspec.components.search.synthesis import Synthesis
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.diagnostic import DataError
from seqspec.schema.schedule.exponential import ExponentialConfig
from seqspec.schema.search.synthesis import SynthesisConfig
from seqspec.schema.types import Classes, Frames, Nothing, SampledFrames, Tokens
from tests.components.building import build, count, faults

LJSPEECH = {"source": Tokens(178), "target": Frames(256, rate=Fraction(22_050, 256))}
TYPES = {"source": Tokens(20), "target": Frames(16, rate=500)}
MODEL = {
    "type": "vits",
    "encoder": {"type": "relative_transformer", "num_layers": 1, "dim": 8, "feed_forward_dim": 8, "dropout": 0.0},
    "posterior_layers": 2, "flow_blocks": 2, "flow_layers": 1, "kernel": 3,
    "duration": {"type": "stochastic", "num_layers": 1, "num_flows": 1, "num_bins": 3, "dropout": 0.0},
    "speaker_dim": 5,
    "generator": {
        "type": "hifi_gan", "channels": 8, "upsample_rates": [4, 4], "upsample_kernels": [8, 8], "block": "2",
        "block_kernels": [3], "block_dilations": [[1]], "ends": "plain",
    },
    "critic": {"type": "vits", "periods": [2, 3], "period_channels": [3, 4], "scale_channels": [4] * 6},
    "segment": 12, "fft_samples": 128, "num_bins": 12,
}  # fmt: skip
GENERATES, JUDGES = frozenset({"mel", "kl", "duration", "adversarial", "features"}), frozenset({"critic"})


@pytest.mark.parametrize(("voices", "published"), [(109, 39_700_208)])
def test_it_has_its_published_sizes(voices, published):
    model = {"type": "vits", "generator": {"type": "hifi_gan", "ends": "plain"}}
    types = LJSPEECH if voices is None else {**LJSPEECH, "speaker": Classes(voices)}

    made = build(model, types, device="meta").model

    assert count(made.critic) == 46_747_132
    assert count(made) - count(made.critic) == published
    assert count(made.duration) == 1_317_168 + (0 if voices is None else 49_344)


def built(**changes) -> Vits:
    types = {**TYPES, "speaker": Classes(3)} if changes.pop("voices", False) else TYPES
    return build({**MODEL, **changes}, types).model


def batch(tokens=(9, 5), frames=(40, 33), rows=(4, 7)):
    torch.manual_seed(1)
    ids, wave = torch.randint(4, 20, (len(rows), max(tokens))), torch.randn(len(rows), max(frames), 16) / 4
    for row, (n, t) in enumerate(zip(tokens, frames, strict=True)):
        ids[row, n:], wave[row, t:] = 0, 0
    fields = {
        "source": Field(ids, torch.tensor(tokens)),
        "target": Field(wave, torch.tensor(frames)),
        "speaker": Field(torch.arange(len(rows))),
    }
    return Batch(fields, torch.tensor(rows), 0, {"loss": 1.0})


def totals(model, of, only=None):
    torch.manual_seed(2)
    with torch.no_grad():
        found = model.outputs(of, only=only)
    return {name: (float(term[0]), float(term[1])) for name, term in found.items()}


@pytest.mark.parametrize("duration", ["stochastic", "deterministic"])
@pytest.mark.parametrize(("only", "learns"), [(GENERATES, False), (JUDGES, True)])
def test_each_side_learns_from_its_own_losses(only, learns, duration):
    model = built(voices=True, **({} if duration == "stochastic" else {"duration": duration}))
    critic = {id(p) for p in model.critic.parameters()}
    for parameter in model.parameters():
        parameter.requires_grad_((id(parameter) in critic) == learns)  # as the runtime does in a phase

    outputs = model.outputs(batch(), only=only)
    sum(term.total for term in outputs.values()).backward()

    assert set(outputs) == only
    moved = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    without = [name for name, p in moved if p.grad is None or not p.grad.isfinite().all()]
    assert without == []


def test_the_alignment_is_the_most_probable_of_all():
    model = built(blanks="none")
    of = batch(tokens=(4, 3), frames=(8, 7))
    torch.nn.init.normal_(model.prior.weight, std=1.0)
    with torch.no_grad():
        read, z = model._read(of), torch.randn(2, 8, 8)

    found = model._aligned(of, read, z)

    for row, (tokens, frames) in enumerate([(4, 8), (3, 7)]):
        prior = Normal(read.mean_BND[row], read.log_std_BND[row].exp())
        log_p = prior.log_prob(z[row][:, None]).sum(2)
        paths = [
            [b - a for a, b in itertools.pairwise((0, *cuts, frames))]
            for cuts in itertools.combinations(range(1, frames), tokens - 1)
        ]
        scores = [
            sum(float(log_p[t, n]) for t, n in enumerate(n for n, d in enumerate(path) for _ in range(d)))
            for path in paths
        ]
        assert found[row, :tokens].tolist() == paths[scores.index(max(scores))]


def test_losses_of_a_batch_are_those_of_its_examples_whatever_pads_them():
    """Pieces, noise and their places come from an example's row, so that a step may be cut anywhere."""
    model, whole = built().train(), batch()
    names = GENERATES - {"adversarial", "features"}
    parts = [whole.map(lambda x, row=row: x[row : row + 1]) for row in range(2)]
    wide = torch.nn.functional.pad(parts[1].target, (0, 0, 0, 9), value=3.0)

    together, apart = totals(model, whole, names), [totals(model, one, names) for one in parts]
    padded = totals(model, parts[1].with_values(target=wide), names)

    for name in names:
        for place in (0, 1):
            expected = sum(one[name][place] for one in apart)
            assert together[name][place] == pytest.approx(expected, rel=2e-5)
        assert padded[name][0] == pytest.approx(apart[1][name][0], rel=2e-5)


def test_a_step_draws_what_no_other_does_and_evaluation_always_the_same():
    model, of = built().train(), batch()
    first, again = totals(model, of, GENERATES), totals(model, of, GENERATES)
    model.finish_step(step=1, moved=True)
    later = totals(model, of, GENERATES)
    model.eval()
    evaluated = totals(model, of, GENERATES)
    model.finish_step(step=2, moved=True)

    assert first == again
    assert first != later
    assert evaluated == totals(model, of, GENERATES)
    assert int(model.drawn[1]) == 2


def test_a_recording_shorter_than_a_piece_is_followed_by_silence():
    model = built()
    of = batch(tokens=(2, 2), frames=(40, 7))
    draws = model._draw(of, phase="generator")
    posterior = model._posterior(of, draws, None)

    made = model._made_piece(posterior, draws, None).view(2, 12, 16)

    assert int(draws.starts_B[1]) == 0
    assert made[1, :7].any()
    assert not made[1, 7:].any()
    assert all(total == total for total, _ in totals(model, of, GENERATES).values())


def test_a_text_of_more_tokens_than_frames_is_named():
    of = batch(tokens=(9, 5), frames=(40, 10), rows=(4, 7))

    with pytest.raises(DataError) as caught:
        built().outputs(of)

    assert str(caught.value).startswith(
        "example 7 has 11 tokens with the blanks between them, and its recording 10"
    )
    assert "blanks: none" in caught.value.help
    built(blanks="none").outputs(of)


def search(**settings):
    return Synthesis(SynthesisConfig(**settings), None)


def test_the_same_text_and_seed_sound_the_same_whatever_is_spoken_beside_it():
    model, of = built().eval(), batch()
    model.prior.weight.data *= 4

    def spoken(of, **settings):
        return [found[0].sound().samples_T for found in model.decode(of, search(**settings))]

    one, other = spoken(of)
    alone = spoken(of.map(lambda x: x[1:]))[0]

    assert len(one) % 16 == len(other) % 16 == 0
    torch.testing.assert_close(torch.tensor(other), torch.tensor(alone), atol=1e-5, rtol=0)
    assert (spoken(of)[0] == one).all()
    assert len(spoken(of, seed=1)[0]) != len(one) or (spoken(of, seed=1)[0] != one).any()
    assert len(spoken(of, length_scale=3.0)[0]) > 1.5 * len(one)
    even = [len(spoken(of, noise_scale_duration=0.0, seed=seed)[0]) for seed in (0, 1)]
    assert even[0] == even[1]
    assert model.decode(of)[0][0].frames_TD.shape == (len(one) // 16, 12)
    assert [len(x.sound().samples_T) for x in model.references(of)] == [640, 528]


def test_attention_shows_the_path():
    model = built().eval()

    path = model.attention(batch())

    assert path.shape == (2, 40, 19)
    assert torch.equal(path.sum(2)[1], (torch.arange(40) < 33).float())
    assert (path.argmax(2)[0].diff() >= 0).all()
    assert (path.argmax(2)[0].diff() <= 1).all()


def test_a_voice_must_be_told():
    model = built(voices=True)

    assert model.decode(batch())[0][0].sound().rate == 8000
    with pytest.raises(DataError, match="nothing says which"):
        model.decode(batch().with_fields(speaker=None))


@pytest.mark.parametrize(
    ("changes", "types", "words"),
    [
        (
            {"generator": {**MODEL["generator"], "upsample_rates": [4, 8]}},
            TYPES,
            "make 32 samples of a frame",
        ),
        ({"generator": "griffin_lim"}, TYPES, "learns nothing"),
        ({"kernel": 4}, TYPES, "no middle"),
        ({"high_hz": 5000.0}, TYPES, "above half the sample rate"),
        ({"fft_samples": 8}, TYPES, "leaves out some"),
        ({"encoder": {**MODEL["encoder"], "dim": 9, "num_heads": 1}}, TYPES, "cannot be halved"),
        ({}, {**TYPES, "target": Tokens(9)}, "gives frames, and the target is"),
        ({}, {**TYPES, "source": Frames(16, rate=500)}, "reads text"),
        ({"critic": {**MODEL["critic"], "scale_channels": [6] * 6}}, TYPES, "groups of four"),
    ],
)
def test_what_does_not_fit_is_refused(changes, types, words):
    assert any(words in one for one in faults({**MODEL, **changes}, types)), faults(
        {**MODEL, **changes}, types
    )


def test_the_search_is_for_speech_that_is_drawn():
    given = SampledFrames(12, rate=500)

    assert SynthesisConfig().output(given) == given
    for other in (Frames(12, rate=500), Nothing()):
        with pytest.raises(Exception, match="draws speech of a prior"):
            SynthesisConfig().output(other)


def test_the_rate_falls_as_the_recipe_s_does():
    """0.999875 an epoch of 195 batches."""
    schedule = ExponentialConfig(peak=2.0e-4, half_life_steps=1_082_973.0)

    for epoch in (1, 100, 4000):
        assert schedule.rate(1 + round(epoch * 195.3125)) == pytest.approx(2.0e-4 * 0.999875**epoch, rel=1e-5)
