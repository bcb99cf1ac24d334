"""Lanes of packed rows: what must carry, and what must not decide the order."""

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.schema.diagnostic import SpecError
from tests.compile.experiments import merged, spec

XL = {"type": "transformer_xl", "segment": 8, "memory": 16}
BASE = {
    "data": {"pack": {"sample": "lanes", "length": 32, "document_mask": False},
             "batch": {"unit": "tokens", "size": 256}},
    "model": {"decoder": {"type": "transformer", "dim": 8, "num_heads": 2, "positions": "none",
                          "self_attention": XL}},
}  # fmt: skip


def found(folder, change):
    try:
        compile_spec(spec(folder, task="lm", change=merged(BASE, change)))
    except SpecError as error:
        return [(one.code, one.message) for one in error.diagnostics]
    return []


def test_lanes_with_a_memory_are_valid(tmp_path):
    assert found(tmp_path, {}) == []
    compressive = {"type": "compressive", "segment": 8, "memory": 8, "compressed": 8, "rate": 4}
    assert found(tmp_path, {"model": {"decoder": {"self_attention": compressive}}}) == []


@pytest.mark.parametrize(
    "decoder",
    [
        {**BASE["model"]["decoder"], "self_attention": {"type": "mamba2", "head_dim": 8}},
        {"type": "recurrent", "dim": 8},
    ],
    ids=lambda decoder: decoder["type"],
)
def test_lanes_with_a_state_are_valid(tmp_path, decoder):
    change = {**BASE, "model": {"decoder": decoder}}
    assert compile_spec(spec(tmp_path, task="lm", change=change)).warnings == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"model": {"decoder": {"self_attention": {"type": "sliding_window", "window": 8}}}},
            "nothing in the model",
        ),
        ({"model": {"decoder": {"self_attention": {"full_every": 2}}}}, "full attention in every 2. layer"),
        ({"data": {"pack": {"length": 36}}}, "is no whole number of segments of 8"),
        ({"data": {"pack": {"stride": 16}}}, "do not follow one another"),
        ({"data": {"batch": {"shuffle": True}}}, "`shuffle` would change which rows"),
        ({"data": {"batch": {"max_examples": 2}}}, "`max_examples` would change which rows"),
        ({"procedure": {"type": "diloco", "replicas": 2}}, "`diloco` takes several batches a step"),
    ],
)
def test_what_breaks_lanes_is_one_message(tmp_path, change, said):
    ((code, message),) = found(tmp_path, change)

    assert code == "SQ245"
    assert said in message


def test_documents_of_a_lane_run_on(tmp_path):
    assert [code for code, _ in found(tmp_path, {"data": {"pack": {"document_mask": True}}})] == ["SQ230"]
