"""One component alone, as ``seqspec.component`` builds it."""

from pathlib import Path

import numpy as np
import pytest
import torch

import seqspec
from seqspec.schema.diagnostic import SpecError


def test_a_segmenter_on_a_string():
    segmenter = seqspec.component("segmenter", "whitespace")

    assert segmenter.words("a bc  d") == ["a", "bc", "d"]
    assert segmenter.spans("a bc") == [(0, 1), (2, 4)]


def test_a_tokenizer_with_offsets():
    tokenizer = seqspec.component("tokenizer", "characters")
    tokenizer.load(tokenizer.train(["abc", "cab"]))

    ids = tokenizer.encode("cab")

    assert tokenizer.decode(ids) == "cab"
    assert tokenizer.offsets("cab") == [(0, 1), (1, 2), (2, 3)]


def test_features_of_samples():
    log_mel = seqspec.component(
        "feature", {"type": "log_mel", "num_bins": 20}, source=seqspec.types.Waveform(rate=8000)
    )
    samples = np.sin(np.arange(8000) / 8000 * 2 * np.pi * 440).astype(np.float32)

    assert tuple(log_mel(samples).shape) == (98, 20)


def test_a_component_with_components_inside():
    encoder = seqspec.component(
        "encoder", {"type": "transformer", "dim": 8, "num_heads": 2, "num_layers": 1, "feed_forward_dim": 16},
        source=seqspec.types.Frames(dim=8),
    )  # fmt: skip

    states, lengths = encoder(torch.randn(2, 5, 8), torch.tensor([5, 3]))

    assert tuple(states.shape) == (2, 5, 8)
    assert lengths.tolist() == [5, 3]


@pytest.mark.parametrize(
    ("slot", "written", "message", "help"),
    [
        ("segmenter", "whitspace", "there is no segmenter `whitspace`", "did you mean `whitespace`?"),
        ("segmenter", "xyzzy", "there is no segmenter `xyzzy`", "there are "),
        ("segmentor", "mecab", "there is no segmentor `mecab`", "`segmentor` is no slot"),
        ("segmenter", {"type": "mecab", "dictionry": "x", "dictionary": "unidic-lite"},
         "`dictionry` is not a key of segmenter `mecab`", "did you mean `dictionary`?"),
        ("segmenter", "mecab", "segmenter `mecab` needs `dictionary`", ""),
        ("tokenizer", {"vocab_size": 8}, "a tokenizer is named by its `type`", "there are "),
        ("tokenizer", {"type": "sentencepiece", "vocab_size": -3}, "`vocab_size` of tokenizer `sentencepiece` cannot be -3", ""),
        ("encoder", {"type": "transformer", "dim": 9, "num_heads": 2}, "", ""),
    ],
)  # fmt: skip
def test_a_mistake_has_its_remedy(slot, written, message, help):
    with pytest.raises(SpecError) as caught:
        seqspec.component(slot, written)

    found = caught.value.diagnostics[0]
    assert message in found.message
    assert help in (found.help or "")


def test_a_loaded_spec_is_changed():
    spec = Path(__file__).parents[2] / "specs" / "image_mnist_lenet5.yaml"
    compiled = seqspec.load(spec, profiles=["tiny"], set=["seed=3"])

    other = seqspec.change(compiled, set=["train.max_steps=7"])

    assert other.plan.experiment.seed == 3
    assert other.plan.experiment.train.max_steps == 7
    assert compiled.plan.experiment.train.max_steps != 7
    assert (
        other.plan.digests
        == seqspec.load(spec, profiles=["tiny"], set=["seed=3", "train.max_steps=7"]).plan.digests
    )


def test_metrics_are_columns():
    rows = [{"step": 1, "loss": 2.0}, {"step": 2, "metrics": {"wer": 0.5}}]

    assert seqspec.table(rows) == {"step": [1, 2], "loss": [2.0, None], "metrics.wer": [None, 0.5]}
    assert seqspec.table([]) == {}


@pytest.mark.parametrize("name", [name for name in seqspec.__all__ if name not in ("__version__", "types")])
def test_everything_public_says_what_it_is(name):
    assert len(getattr(seqspec, name).__doc__) > 15
