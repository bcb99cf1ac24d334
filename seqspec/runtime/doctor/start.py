"""M01 the first loss, M10 weights that start alike, M11 logits that are already probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from seqspec.data.inspect.finding import Finding
from seqspec.runtime.doctor.subject import Patient

NEAR, FAR = 0.1, 0.5
"""Shares by which the first loss may differ from the expected one: without a word, without alarm."""


def check(patient: Patient) -> Iterator[Finding]:
    """What can be told before any training."""
    yield _first_loss(patient)
    yield _symmetry(patient)
    yield _logits(patient)


def _first_loss(patient: Patient) -> Finding:
    batch = patient.batch()
    found = patient.nats(patient.fresh(), batch)
    if not math.isfinite(found):
        return Finding(
            "M01", "error", f"the first loss is {found}", "look at the longest example and at the inputs"
        )
    expected, why = _expected(patient)
    numbers = {"loss": round(found, 4), "expected": round(expected, 4)}
    told = f"the first loss is {found:.3f} nats a target; {why} gives {expected:.3f}"
    off = abs(found - expected) / max(expected, 1e-9)
    if off <= NEAR or abs(found - expected) < 0.7:
        return Finding("M01", "ok", told, numbers=numbers)
    grave = off > FAR
    return Finding(
        "M01", "warn" if grave else "info", told,
        "weights of the last layer that start too large are the usual reason" if found > expected else
        "the model seems to know the answer before it has learned: look for the target in its input",
        numbers=numbers,
    )  # fmt: skip


def _expected(patient: Patient) -> tuple[float, str]:
    """The loss of a model that holds every target for equally likely."""
    if not patient.aligned:
        return math.log(patient.vocab), f"guessing among {patient.vocab:,}"
    batch = patient.batch()
    assert batch.target_lengths is not None
    encoder = patient.fresh().eval().get_submodule("encoder")
    states, lengths = encoder(batch.source, batch.source_lengths)
    uniform = torch.full((states.shape[1], len(states), patient.vocab), -math.log(patient.vocab))
    nll = torch.nn.functional.ctc_loss(
        uniform, batch.target, lengths, batch.target_lengths, reduction="sum", zero_infinity=True
    )
    return float(nll) / float(batch.target_lengths.sum()), "giving every symbol the same probability"


def _symmetry(patient: Patient) -> Finding:
    alike = [
        name
        for name, value in patient.model.named_parameters()
        if value.ndim > 1 and value.numel() > 1 and float(value.detach().std()) == 0.0
    ]
    if not alike:
        return Finding("M10", "ok", "no matrix starts with all its entries alike")
    return Finding(
        "M10", "warn", f"{len(alike)} matrices start with all entries alike, such as `{alike[0]}`",
        "units that start alike stay alike; initialise them at random", examples=alike[:5],
    )  # fmt: skip


def _logits(patient: Patient) -> Finding:
    hidden, logits = patient.captured(patient.fresh(), patient.batch())
    scores = hidden if logits is None else logits
    sums = scores.float().sum(-1)
    probable = bool((scores >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-3)
    normal = torch.allclose(scores.float().logsumexp(-1), torch.zeros_like(sums), atol=1e-3)
    if probable:
        return Finding(
            "M11", "error", "the loss is given probabilities", "hand it logits: take the softmax out"
        )
    told = "the loss is given log-probabilities, which it normalises once more without harm" if normal else \
        "the loss is given logits"  # fmt: skip
    return Finding("M11", "ok", told)
