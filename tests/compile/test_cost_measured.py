"""Estimates of arithmetic and activations beside what torch counts on small built models.

Attention runs as plain matrix products here, since torch's counter knows no formula for the fused kernel on
CPUs.  The counter sees matrix products and convolutions; the estimate also counts six operations for each
gain and bias and for the gradient of the first layer's input, some percent on models as narrow as these: so a
tenth is allowed.  Activations leave out dropout's masks, the head's blocks and what attention keeps to
itself: the saved bytes are within a factor of one and a half.
"""

from typing import NamedTuple

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from seqspec.compile.build.program import build
from seqspec.compile.cost.cost import cost, examples, lengths
from seqspec.compile.pipeline import recompile
from seqspec.data.batching.batch import Batch
from tests.compile.experiments import compiled

LABELS = 40
TEXT = {
    "text": {side: {"tokenizer": {"vocab_size": 600}} for side in ("source", "target")},
    "batch": {"size": 256},
    "filter": {"max_source_tokens": 32, "max_target_tokens": 32},
}
SOUND = {"batch": {"size": 4.0}, "filter": {"max_seconds": 2.0, "max_target_tokens": 20}}


def translation(kind, **settings):
    encoder = {"type": kind, "dim": 64, "num_layers": 4, **settings}
    return "mt", {
        "data": TEXT,
        "model": {"encoder": encoder, "decoder": {"type": kind, "num_layers": 4, **settings}},
    }


MODELS = {
    "transformer": translation("transformer"),
    "universal": translation("universal_transformer"),
    "halting": translation("universal_transformer", halting="adaptive"),
    "language_model": (
        "lm",
        {
            "data": {"batch": {"size": 4}, "pack": {"length": 64}},
            "model": {"decoder": {"dim": 64, "num_layers": 2}},
        },
    ),
    "conformer": (
        "asr",
        {
            "data": SOUND,
            "model": {
                "encoder": {
                    "type": "conformer",
                    "dim": 64,
                    "num_layers": 2,
                    "feed_forward_dim": 256,
                    "kernel": 7,
                }
            },
        },
    ),
}


class Measured(NamedTuple):
    """An estimate and what one step really took."""

    flops: float
    flops_counted: float
    activations: float
    bytes_saved: float


@pytest.fixture(scope="module", params=MODELS)
def measured(request, tmp_path_factory):
    torch.set_num_threads(1)
    task, change = MODELS[request.param]
    found = compiled(tmp_path_factory.mktemp("specs"), task=task, change=change)
    unknown = {number.name for node in found.plan.nodes for number in node.gives.unknowns()}
    found = recompile(found, facts=dict.fromkeys(unknown, LABELS))
    program = build(found.plan, tree=found.tree)
    batch = full_batch(found.plan)
    held = {}

    def keep(tensor):
        held[tensor.untyped_storage().data_ptr()] = tensor  # held, so that no place is used twice
        return tensor

    weights = {p.untyped_storage().data_ptr() for p in program.model.parameters()}
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = program.losses(program.model, batch)
        loss.total.backward()

    saved = sum(t.untyped_storage().nbytes() for place, t in held.items() if place not in weights)
    told = cost(found)
    return Measured(told.flops, counter.get_total_flops(), told.activations, saved)


def full_batch(plan):
    """A step's batch whose examples are all as long as the longest."""
    rows = round(examples(plan))
    size = {side: round(length) for side, length in lengths(plan).items()}
    long = {side: torch.full((rows,), length) for side, length in size.items()}
    target = torch.randint(4, LABELS, (rows, size["target"]))
    if "source" not in size:  # packed text
        return Batch.pair(target, long["target"], target, long["target"], torch.arange(rows), 0, 1.0)
    sound = plan.experiment.data.audio is not None
    shape = (rows, size["source"])
    source = torch.randn(*shape, 80) if sound else torch.randint(4, LABELS, shape)
    return Batch.pair(source, long["source"], target, long["target"], torch.arange(rows), 0, 1.0)


def test_arithmetic_is_what_torch_counts(measured):
    assert measured.flops == pytest.approx(measured.flops_counted, rel=0.1)


def test_activations_are_within_a_factor_of_one_and_a_half(measured):
    assert 1 / 1.5 < measured.activations / measured.bytes_saved < 1.5
