from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from seqspec.components.loss._loss import Loss
from seqspec.components.losses import Losses, NamedLoss
from seqspec.components.outputs import Scored
from seqspec.components.search._hypothesis import Hypothesis
from seqspec.data.stages.prepare import prepare
from seqspec.runtime.doctor import evaluation, gradients, isolation, learning, repeating, start
from seqspec.runtime.doctor.examination import examine, topics
from seqspec.runtime.doctor.subject import Patient
from tests.components.building import replaced
from tests.data.fakes import make_parts, pairs, write_corpus

torch.set_num_threads(1)
BOS, EOS = 2, 3


class Head(nn.Module):
    def __init__(self, dim, vocab):
        super().__init__()
        self.weight_VD = nn.Parameter(torch.randn(vocab, dim) * 0.1)
        self.bias_V = None

    def forward(self, hidden):
        return hidden @ self.weight_VD.T


class Copier(nn.Module):
    """Writes from the mean of its source and a causal mean of what it wrote; ``fault`` breaks one thing."""

    def __init__(self, *, sources, vocab, fault=""):
        super().__init__()
        torch.manual_seed(0)
        self.fault = fault
        self.embedding = nn.Embedding(sources, 32)
        self.written = nn.Embedding(vocab, 32)
        self.place = nn.Embedding(40, 32)
        self.inner = nn.Sequential(nn.Linear(96, 128), nn.Tanh(), nn.Linear(128, 32))
        self.head = Head(32, vocab)
        if fault == "unused":
            self.extra = nn.Linear(3, 3)
        if fault == "constant":
            nn.init.ones_(self.inner[0].weight)
        if fault == "loud":
            nn.init.normal_(self.head.weight_VD, std=20.0)

    def hidden(self, batch):
        source = torch.zeros_like(batch.source) if self.fault == "blind" else batch.source
        x = self.embedding(source)
        mask = (torch.arange(x.shape[1]) < batch.source_lengths[:, None]).float()[..., None]
        if self.fault == "leaky padding":
            mask = torch.ones_like(mask)
        memory = (x * mask).sum(1) / mask.sum(1)
        if self.fault == "batch mean":
            memory = memory - memory.mean(0)
        inputs = torch.cat([torch.full((len(x), 1), BOS), batch.target], 1)
        y = self.written(inputs)
        steps = torch.arange(1, y.shape[1] + 1)[None, :, None]
        past = y.cumsum(1) / steps
        if self.fault == "future":
            past = y.mean(1, keepdim=True).expand_as(y)
        place = self.place(torch.arange(y.shape[1])).expand(len(x), -1, -1)
        joined = torch.cat([memory[:, None].expand(-1, y.shape[1], -1), past, place], 2)
        hidden = self.inner(joined)
        if self.fault == "random":
            hidden = hidden + next(NOISE) * 1e-3
        return hidden

    def outputs(self, batch, *, only=None):
        labels = torch.cat([batch.target, torch.zeros(len(batch.target), 1, dtype=torch.int64)], 1)
        labels[torch.arange(len(labels)), batch.target_lengths] = EOS
        return {"tokens": Scored(self.hidden(batch), labels, self.head)}

    def decode(self, batch, search):
        found = []
        for row in range(len(batch.index)):
            ids = []
            for _ in range(20):
                one = replaced(
                    batch,
                    source=batch.source[row : row + 1],
                    source_lengths=batch.source_lengths[row : row + 1],
                    target=torch.tensor([ids], dtype=torch.int64).reshape(1, -1),
                )
                best = int(self.head(self.hidden(one))[0, -1].argmax())
                if best == EOS:
                    break
                ids.append(best)
            found.append([Hypothesis(tuple(ids), 0.0, 0.0)])
        return found


NOISE = iter(range(10_000))


class Criterion(nn.Module):
    def forward(self, hidden, labels, head):
        logits = head(hidden)
        nll = nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=0, reduction="sum"
        )
        return Loss(nll, (labels != 0).sum(), {"nll": nll.detach()})


class Schedule:
    def __init__(self, rate):
        self.rate = rate


class Exact:
    reads, better = "text", "higher"

    def __init__(self):
        self.right = self.total = 0

    def update(self, hypothesis, reference):
        self.right += hypothesis == reference
        self.total += 1

    def compute(self):
        return {"exact": self.right / max(self.total, 1)}

    def signature(self):
        return "metric:exact"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doctor")
    rows = {"train": pairs(80), "dev": pairs(12, start=200)}
    return prepare(make_parts(write_corpus(folder / "c", **rows)), cache=folder / "k", processes=1)


def patient_of(prepared, fault="", *, rate=lambda step: 1e-3, metric=Exact, steps=150):
    sources, vocab = (prepared.facts[f"data.text.{role}.tokenizer.vocab"] for role in ("source", "target"))
    model = Copier(sources=sources, vocab=vocab, fault=fault)
    experiment = SimpleNamespace(
        seed=1,
        model=SimpleNamespace(component=("model", "copier")),
        train=SimpleNamespace(max_steps=1000, precision="float32"),
        evaluate=SimpleNamespace(splits=["dev"]),
    )
    program = SimpleNamespace(
        plan=SimpleNamespace(experiment=experiment, outputs=SimpleNamespace(main=None)),
        weighting=None,
        model=model,
        module=model,
        losses=Losses({"loss": NamedLoss("tokens", Criterion())}, last_step=1000),
        optimizer=SimpleNamespace(build=lambda named: torch.optim.Adam([p for _, p in named])),
        optimizers={"optimizer": SimpleNamespace(config=SimpleNamespace(schedule=Schedule(rate)))},
        metrics=(metric(),),
        num_parameters=sum(p.numel() for p in model.parameters()),
    )
    return Patient(program, prepared, searcher=None, max_steps=steps)


def verdicts(found):
    grave = {"ok": 0, "info": 0, "warn": 1, "error": 2}
    held = {}
    for finding in found:
        held[finding.check] = max(held.get(finding.check, "ok"), finding.verdict, key=grave.__getitem__)
    return held


def test_a_sound_model_has_no_errors(prepared):
    found = examine(patient_of(prepared), name="copier")

    assert {f.check for f in found.findings if f.verdict in ("error", "warn")} <= {"M09"}
    assert {f"M{n:02}" for n in range(1, 21)} - {f.check for f in found.findings} == set()
    assert topics() == ("evaluation", "gradients", "isolation", "learning", "repeating", "start")


@pytest.mark.parametrize(
    ("fault", "check", "topic"),
    [
        ("leaky padding", "M12", isolation),
        ("batch mean", "M06", isolation),
        ("future", "M07", isolation),
        ("unused", "M08", gradients),
        ("constant", "M10", start),
        ("loud", "M01", start),
        ("random", "M13", repeating),
    ],
)
def test_each_fault_is_found_by_its_check(prepared, fault, check, topic):
    sound = verdicts(topic.check(patient_of(prepared)))
    broken = verdicts(topic.check(patient_of(prepared, fault)))

    assert sound[check] in ("ok", "info")
    assert broken[check] in ("warn", "error")


def test_a_model_that_ignores_its_input_is_found(prepared):
    found = verdicts(learning.check(patient_of(prepared, "blind")))

    assert found["M02"] == "error"
    assert found["M05"] == "error"


def test_what_was_learned_comes_back_when_writing_freely(prepared):
    patient = patient_of(prepared, steps=300)
    found = {finding.check: finding for finding in learning.check(patient)}

    assert found["M04"].verdict == "ok"
    assert found["M19"].numbers["exact"] >= 14
    assert patient.overfit.curve[0] > 20 * patient.overfit.curve[-1]


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [
        (lambda step: 0.0, "error"),
        (lambda step: float("nan"), "error"),
        (lambda step: step / 1e6, "warn"),
        (lambda step: min(step, 50) / 1e6, "ok"),
        (lambda step: 1e-3, "ok"),
    ],
)
def test_schedules_are_judged(prepared, rate, verdict):
    patient = patient_of(prepared, rate=rate)
    model = patient.fresh()
    found = gradients._schedule(patient)

    assert found.verdict == verdict
    assert model is not patient.model


def test_a_metric_that_cannot_tell_good_from_bad_is_an_error(prepared):
    class Blind(Exact):
        def compute(self):
            return {"blind": 0.5}

    assert verdicts(evaluation.check(patient_of(prepared, metric=Blind)))["M15"] == "error"


def test_large_models_are_only_looked_at(prepared, monkeypatch):
    monkeypatch.setattr(learning, "LARGE", 10)
    found = list(learning.check(patient_of(prepared)))

    assert [f.verdict for f in found] == ["info"]


def test_examples_have_different_targets(prepared):
    patient = patient_of(prepared)
    targets = {tuple(patient.target(index).tolist()) for index in patient.examples.tolist()}

    assert len(targets) == len(patient.examples) == 16
