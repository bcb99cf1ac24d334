"""The test kit passes components that keep the promises of their slot, and names what others break."""

import re

import pytest

from seqspec import testing
from seqspec.components.embedding.lookup import Lookup
from seqspec.components.loss.focal import Focal
from seqspec.components.metric.accuracy import Accuracy
from seqspec.components.metric.wer import Wer
from seqspec.components.tokenizer.characters import Characters
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.schedule.inverse_sqrt import InverseSqrtConfig
from seqspec.schema.types import Logits, Nothing
from tests.test_plugins import plugin  # noqa: F401

LABELS = (("cat", "cat"), ("dog", "cat"), ("dog", "dog"))
DECODER = {"type": "transformer", "dim": 24, "num_layers": 1, "num_heads": 4, "dropout": 0.0}
SCHEDULE = {"type": "inverse_sqrt", "peak": 1e-3, "warmup_steps": 10}
BITEXT = {"type": "bitext", "source_language": "de", "target_language": "en"}


@pytest.fixture(autouse=True)
def installed(plugin):  # noqa: F811
    """A package beside whose components ours are named, as a plugin's are."""
    plugin()


@pytest.mark.parametrize("name", ["cross_entropy", "focal"])
@pytest.mark.parametrize("source", [Logits(19), Logits(5, stride=0)])
def test_losses_that_keep_their_promises(name, source):
    testing.check_loss("extra", name, source=source)


def test_data_parts_and_schedules_that_keep_their_promises(tmp_path):
    for tokenizer in ("characters", {"type": "words", "min_count": 1}):
        testing.check_tokenizer("extra", tokenizer)
    testing.check_adapter("extra", BITEXT, folder=tmp_path / "bitext")
    for name in Catalogue().names("schedule"):
        if name in ("constant", "inverse_sqrt"):
            testing.check_schedule("extra", SCHEDULE if name == "inverse_sqrt" else name)


@pytest.mark.parametrize(
    ("name", "pairs"),
    [("accuracy", LABELS), ("f1", LABELS), ("mcc", LABELS), ("wer", None), ("cer", None), ("chrf", None)],
)
def test_metrics_that_keep_their_promises(name, pairs):
    testing.check_metric("extra", name, **({} if pairs is None else {"pairs": pairs}))


def test_modules_that_keep_their_promises():
    testing.check_embedding("extra", {"type": "lookup", "dim": 8})
    testing.check_decoder("extra", DECODER)
    testing.check_decoder("extra", DECODER, memory=Nothing())


def of(cls, name, change):
    """Damages a method: ``change`` gets what it gave, and what it was handed."""
    whole = getattr(cls, name)
    return cls, name, lambda self, *given, **more: change(whole(self, *given, **more), *given)


BROKEN = {
    "declared is (2, 12, 8)": (of(Lookup, "forward", lambda x, ids: x[..., :4]), "embedding"),
    "ids that follow": (of(Lookup, "forward", lambda x, ids: x - x.mean(1, keepdim=True)), "embedding"),
    "no gradient reaches": (of(Lookup, "forward", lambda x, ids: x.detach().requires_grad_()), "embedding"),
    "targets of": (of(Focal, "forward", lambda loss, *_: loss._replace(count=loss.count * 0 + 12)), "loss"),
    "step against": (
        of(Focal, "forward", lambda loss, *_: loss._replace(total=2 * loss.total.detach() - loss.total)),
        "loss",
    ),
    "padding changes": (
        of(Focal, "forward", lambda loss, h, *_: loss._replace(total=loss.total + h.sum())),
        "loss",
    ),
    "no scalar": (of(Focal, "forward", lambda loss, *_: loss._replace(total=loss.total[None])), "loss"),
    "is better": (of(Accuracy, "compute", lambda found, *_: {"accuracy": -found["accuracy"]}), "labels"),
    "add up to": (of(Accuracy, "score_of", lambda found, *_: found / 2), "labels"),
    "no finite": (of(Wer, "compute", lambda found, *_: dict.fromkeys(found, float("nan"))), "texts"),
    "reserved, or": (of(Characters, "encode", lambda ids, *_: [*ids[:-1], 2]), "tokenizer"),
    "comes back as": (of(Characters, "decode", lambda text, *_: text.upper()), "tokenizer"),
    "the rate of step": (of(InverseSqrtConfig, "rate", lambda rate, step: rate - step), "schedule"),
}
CHECKS = {
    "embedding": lambda: testing.check_embedding("extra", {"type": "lookup", "dim": 8}),
    "loss": lambda: testing.check_loss("extra", "focal"),
    "labels": lambda: testing.check_metric("extra", "accuracy", pairs=LABELS),
    "texts": lambda: testing.check_metric("extra", "wer"),
    "tokenizer": lambda: testing.check_tokenizer("extra", "characters"),
    "schedule": lambda: testing.check_schedule("extra", SCHEDULE),
}


@pytest.mark.parametrize("word", BROKEN)
def test_a_broken_promise_is_named(word, monkeypatch):
    damage, check = BROKEN[word]
    monkeypatch.setattr(*damage)
    if word == "reserved, or":
        monkeypatch.setattr(*of(Characters, "encode_batch", lambda rows, *_: [[*r[:-1], 2] for r in rows]))

    with pytest.raises(AssertionError, match=re.escape(word)):
        CHECKS[check]()
