"""``train.quantize``: ranges are those of whole steps, killed runs end in the same bits, exports get scales."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from seqspec.components._layers.fake_quantize import FakeQuantize, add_fake_quantize, rounding_layers
from seqspec.components._layers.linear import Linear, affine_together
from seqspec.runtime.checkpoints.selection import chosen
from seqspec.runtime.export.learned_ranges import learned_ranges, set_rounding
from seqspec.schema.sections.quantize import Quantize
from tests.runtime.run_folder.conftest import Bench

QUANTIZE = "train.quantize={start_step: 2, range_decay: 0.9}"
ONE = "model.encoder={type: transformer, num_layers: 1, dim: 8, num_heads: 2, dropout: 0.0}"


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def whole(bench):
    return bench.path(ONE, QUANTIZE)


def weights(run):
    return chosen(run / "checkpoints", "last").tensors["weights"]


def ranges(run):
    return {name: x for name, x in weights(run).items() if name.endswith("fake_quantize.range_2")}


def test_a_run_that_was_cut_off_ends_in_the_same_bits(bench, whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    shutil.rmtree(run / "checkpoints" / "step-00000005")
    (run / "result.json").unlink()

    assert bench.resume(run).exit == 0

    assert {name: x.tolist() for name, x in weights(run).items()} == {
        name: x.tolist() for name, x in weights(whole).items()
    }
    assert (run / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    assert len(ranges(run)) >= 6
    assert all(x[0] < x[1] for x in ranges(run).values())


def test_how_a_step_is_cut_changes_no_range(bench, whole):
    cut = bench.path(ONE, QUANTIZE, "train.accumulate=2")

    torch.testing.assert_close(ranges(cut), ranges(whole), rtol=1e-4, atol=1e-5)


def layer(*, bits=8, start=0):
    torch.manual_seed(0)
    model = torch.nn.ModuleList([Linear(6, 4), Linear(6, 3)])
    assert add_fake_quantize(model, Quantize(bits=bits, start_step=start)) == 2
    return model


def test_rounded_numbers_are_on_their_grid_and_gradients_pass():
    model, x = layer(bits=4), torch.randn(5, 6, requires_grad=True)
    beside = model[0].fake_quantize
    model[0](x)
    beside.finish_step(step=1, moved=True)
    grid = beside.grid()

    rounded = beside.input(x)
    rounded.sum().backward()
    steps = rounded / grid.scale

    torch.testing.assert_close(steps, steps.round())
    assert (rounded - x).abs().max() <= grid.scale / 2 + 1e-6
    assert torch.equal(x.grad, torch.ones_like(x))
    scale_O = model[0].weight.detach().abs().amax(1, keepdim=True) / 7
    assert ((beside.weight(model[0].weight) / scale_O).round().abs() <= 7).all()
    assert len((beside.weight(model[0].weight) / scale_O).round().unique()) <= 15


def test_what_is_not_yet_rounded_is_watched():
    model, x = layer(start=1), torch.tensor([[1.0, -2.0, 3.0, 0.0, 0.0, 0.0]])
    plain = torch.nn.functional.linear(x, model[0].weight, model[0].bias)

    assert torch.equal(model[0](x), plain)
    for part in model.modules():
        if isinstance(part, FakeQuantize):
            part.finish_step(step=1, moved=True)
    assert model[0].fake_quantize.range_2.tolist() == [-2.0, 3.0]
    assert not torch.equal(model[0](x), plain)
    assert torch.equal(affine_together(x, *model)[0], model[0](x))
    assert set_rounding(model, enabled=False) == 2
    assert torch.equal(model[0](x), plain)


def test_a_step_that_was_dropped_moves_no_range():
    model = layer()
    model[0](torch.full((1, 6), float("nan")))

    model[0].fake_quantize.finish_step(step=1, moved=False)

    assert model[0].fake_quantize.range_2.tolist() == [0.0, 0.0]
    assert int(model[0].fake_quantize.steps) == 0


def test_ranges_are_found_by_the_weights_of_a_file(tmp_path):
    onnx = pytest.importorskip("onnx")
    model = layer()
    for number, (one, beside) in enumerate(rounding_layers(model)):
        one(torch.full((1, 6), 1.0 + number))
        beside.finish_step(step=1, moved=True)
    joined = torch.cat([one.weight for one in model]).t().detach().numpy()
    other = np.ones((6, 7), np.float32)
    make = onnx.helper
    nodes = [
        make.make_node("MatMul", ["x", "joined"], ["a"]),
        make.make_node("MatMul", ["y", "other"], ["b"]),
        make.make_node("Gemm", ["z", "second"], ["c"], transB=1),
    ]
    held = {"joined": joined, "other": other, "second": model[1].weight.detach().numpy()}
    constants = [onnx.numpy_helper.from_array(np.ascontiguousarray(x), name) for name, x in held.items()]
    onnx.save(make.make_model(make.make_graph(nodes, "g", [], [], constants)), tmp_path / "g.onnx")

    found = learned_ranges(model, tmp_path / "g.onnx")

    assert found == {"x": [{"rmin": 0.0, "rmax": 1.0}], "z": [{"rmin": 0.0, "rmax": 2.0}]}
