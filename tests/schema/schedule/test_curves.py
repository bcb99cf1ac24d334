"""The learning-rate curves of Lingvo's and Tensor2Tensor's experiments, at the steps where they are known."""

from __future__ import annotations

from typing import Any

import pytest

from seqspec.schema.catalogue import Catalogue


def rate(step: int, **config: Any) -> float:
    catalogue = Catalogue()
    name = config.pop("type")
    return catalogue.config("schedule", name).model_validate(config, context=catalogue).rate(step)  # type: ignore[attr-defined]


LINGVO_ASR = {
    "type": "exponential",
    "peak": 2.5e-4,
    "decay_start": 50_000,
    "half_life_steps": 100_000.0,
    "floor": 0.01,
}
T2T_BASE = {"type": "transformer", "factor": 2.0, "warmup_steps": 8000, "dim": 512}
GOLDEN = [
    (
        LINGVO_ASR,
        {1: 2.5e-4, 50_000: 2.5e-4, 150_000: 1.25e-4, 250_000: 6.25e-5, 714_386: 2.5e-6, 4_000_000: 2.5e-6},
    ),
    # Lingvo's WMT base: 3.0 × Transformer, warm-up 40,000; the caption model; the one-billion-words model.
    ({"type": "transformer", "factor": 3.0, "warmup_steps": 40_000, "dim": 512}, {40_000: 6.63e-4}),
    ({"type": "transformer", "factor": 1.0, "warmup_steps": 1000, "dim": 256}, {1000: 1.98e-3}),
    ({"type": "transformer", "factor": 0.5, "warmup_steps": 40_000, "dim": 2048}, {40_000: 5.5e-5}),
    ({"type": "transformer", "factor": 1.0, "warmup_steps": 4000, "dim": 512}, {4000: 6.99e-4}),
    (
        T2T_BASE,
        {1000: 1.24e-4, 4000: 4.94e-4, 8000: 9.88e-4, 16_000: 6.99e-4, 100_000: 2.80e-4, 250_000: 1.77e-4},
    ),
    ({"type": "transformer", "factor": 2.0, "warmup_steps": 8000, "dim": 1024}, {8000: 6.99e-4}),
    ({"type": "transformer", "factor": 2.0, "warmup_steps": 8000, "dim": 384}, {8000: 1.14e-3}),
    # Tensor2Tensor's base on one device: 0.1 · warm-up · rsqrt, without the width.
    ({"type": "inverse_sqrt", "peak": 7.91e-4, "warmup_steps": 16_000}, {16_000: 7.91e-4, 64_000: 3.95e-4}),
    # rsqrt_decay: 0.01 flat to step 10,000.
    (
        {"type": "inverse_sqrt", "peak": 0.01, "warmup_steps": 10_000, "warmup": "constant"},
        {1: 0.01, 10_000: 0.01, 40_000: 0.005},
    ),
    # RNMT+ on many replicas is scaled; on one: up to 1e-4 by step 500, down to half between 400k and 1.2M.
    (
        {
            "type": "linear_rampup_exponential_decay",
            "start": 0.0,
            "peak": 1e-4,
            "warmup_steps": 500,
            "decay_start": 400_000,
            "decay_end": 1_200_000,
            "floor": 0.5,
        },
        {250: 5e-5, 500: 1e-4, 400_000: 1e-4, 800_000: 7.07e-5, 1_200_000: 5e-5},
    ),
    (
        {"type": "stepwise", "peak": 1e-4, "every_steps": 1000, "factor": 0.999},
        {999: 1e-4, 1000: 9.99e-5, 40_000: 9.608e-5},
    ),
    # shakeshake_big: half a cosine of 0.2 over 700,000 steps; its quick cousin's rises again.
    (
        {"type": "cosine", "peak": 0.2, "decay_end": 700_000},
        {1: 0.2, 350_000: 0.1, 700_000: 0.0, 800_000: 0.0},
    ),
    (
        {"type": "cyclic", "low": 0.0, "high": 1e-3, "period_steps": 2000, "shape": "cosine"},
        {500: 5e-4, 1000: 0.0, 1500: 5e-4, 2000: 1e-3},
    ),
    # evolved_base: .02236 · warm-up · one cosine · dim^-½, 0 at 250k, as a product of factors.
    (
        {
            "type": "product",
            "factors": [
                {"type": "cosine", "peak": 0.02236 * 512**-0.5, "decay_end": 250_000},
                {"type": "constant", "peak": 1.0, "warmup_steps": 10_000},
            ],
        },
        {5000: 4.94e-4, 125_000: 4.94e-4, 250_000: 0.0},
    ),
    (
        {
            "type": "minimum",
            "of": [{"type": "constant", "peak": 0.3}, {"type": "inverse_sigmoid", "peak": 1.0, "k": 100.0}],
        },
        {1: 0.3, 2000: 2.06e-7},
    ),
    (
        {"type": "polynomial", "peak": 1.0, "decay_end": 100, "power": 2.0, "floor": 0.1},
        {50: 0.325, 100: 0.1, 200: 0.1},
    ),
    (
        {"type": "linear", "peak": 1.0, "warmup_steps": 10, "decay_end": 110},
        {5: 0.5, 10: 1.0, 60: 0.5, 110: 0.0},
    ),
    (
        {"type": "piecewise", "steps": [0, 100, 200], "rates": [0.1, 0.2, 0.0]},
        {1: 0.1, 100: 0.2, 199: 0.2, 500: 0.0},
    ),
    (
        {"type": "piecewise", "steps": [0, 100], "rates": [0.0, 1.0], "between": "linear"},
        {25: 0.25, 100: 1.0, 200: 1.0},
    ),
]


@pytest.mark.parametrize(
    ("config", "expected"), GOLDEN, ids=lambda value: value.get("type") if "type" in value else ""
)
def test_known_points_of_known_curves(config, expected):
    found = {step: rate(step, **config) for step in expected}

    assert found == pytest.approx(expected, rel=5e-3, abs=1e-12)


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_one_cycle_is_the_curve_of_torch(shape):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.1,
        total_steps=50,
        anneal_strategy="cos" if shape == "cosine" else "linear",
        cycle_momentum=False,
    )
    theirs = []
    for _ in range(50):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(theirs) < 50:
            scheduler.step()

    ours = [rate(step, type="one_cycle", peak=0.1, total_steps=50, shape=shape) for step in range(1, 51)]

    assert ours == pytest.approx(theirs, rel=1e-9)


def test_the_transformer_schedule_takes_its_width_from_the_model(tmp_path):
    from seqspec.compile.pipeline import compile

    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "seqspec: 1\nname: a\n"
        "data: {source: {type: bitext, source_language: de, target_language: en},"
        " text: {source: {tokenizer: bytes}, target: {tokenizer: bytes}},"
        " batch: {unit: tokens, size: 1000}}\n"
        "model: {type: encoder_decoder, encoder: {type: transformer, dim: 96, num_heads: 4},"
        " decoder: transformer}\n"
        "optimizer: {schedule: {type: transformer, warmup_steps: 10}}\n"
        "train: {max_steps: 100}\nevaluate: {splits: []}\n"
    )

    plan = compile(spec).plan

    assert plan.experiment.optimizer.schedule.dim == 96
