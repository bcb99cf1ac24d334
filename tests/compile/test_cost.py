from pathlib import Path

import pytest
import torch

from seqspec.compile.build.program import build
from seqspec.compile.cost.cost import GIB, cost, cost_lines, estimate, examples, lengths, size_text
from seqspec.compile.cost.limits import within
from seqspec.compile.cost.parameter_table import ASSUMED, count, sizes
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.components.recomputable import recomputable
from seqspec.data.batching.batch import Batch
from tests.compile.experiments import compiled

MNIST = Path(__file__).parents[2] / "specs" / "image_mnist_lenet5.yaml"
TINY = (
    "model.encoder.dim=32",
    "model.encoder.num_layers=2",
    "model.decoder.num_layers=2",
    "data.batch.size=1024",
    "data.filter.max_source_tokens=64",
    "data.filter.max_target_tokens=64",
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("specs"), *TINY)


def test_parameters_are_those_of_the_built_model(small):
    program = build(small.plan, tree=small.tree)

    assert cost(small).parameters == sum(p.numel() for p in program.model.parameters())
    assert cost(small).parameters == count(small)


def test_a_model_that_cannot_be_split_is_not_told_to_fit_by_tp():
    lenet = compile_spec(MNIST)

    (found,) = within(lenet, max_memory=80.0, devices=4, strategy="tp")
    assert (found.code, found.path) == ("SQ602", ("model",))
    assert "finds none in this model that it can split" in found.message
    assert not within(lenet, max_memory=80.0, devices=4, strategy="fsdp")
    (both,) = within(lenet, max_memory=80.0, devices=4, strategy="fsdp", tensor_parallel=2)
    assert both.message == found.message


def test_weights_gradients_and_state_follow_from_the_parameters(small):
    found = cost(small)

    assert found.weights == found.gradients == 4 * found.parameters
    assert found.optimizer == 8 * found.parameters
    assert found.memory == found.weights + found.gradients + found.optimizer + found.activations


def test_an_average_of_the_weights_is_one_more_copy(tmp_path, small):
    averaged = compiled(tmp_path, *TINY, "train.ema=0.999")

    assert cost(averaged).optimizer == cost(small).optimizer + 4 * count(small)


def kept_for_the_backward_pass(given):
    """Bytes beside the weights, of a full batch."""
    torch.set_num_threads(1)
    program = build(given.plan, tree=given.tree)
    for layer in recomputable(program.module) if given.plan.experiment.train.gradient_checkpointing else ():
        layer.recompute = True
    rows, length = 16, 64
    ids = torch.randint(4, 300, (rows, length))
    full = torch.full((rows,), length)
    batch = Batch.pair(ids, full, ids, full, torch.arange(rows), 0, 1.0)
    held = {}

    def keep(tensor):
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    weights = {p.untyped_storage().data_ptr() for p in program.model.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = program.losses(program.model, batch)
    assert loss.total.isfinite()
    return sum(size for place, size in held.items() if place not in weights)


def test_the_estimate_of_activations_is_of_the_right_size(small):
    kept = kept_for_the_backward_pass(small)

    assert 0.5 < estimate(small.plan, sizes=sizes(small)).activations / kept < 2


def test_layers_that_are_worked_out_again_keep_less_and_cost_more(tmp_path):
    deep = (*TINY, "model.encoder.num_layers=6", "model.decoder.num_layers=6")
    usual = cost(compiled(tmp_path, *deep))
    again = compiled(tmp_path, *deep, "train.gradient_checkpointing=true")
    found = cost(again)

    assert found.activations < 0.4 * usual.activations
    assert usual.flops < found.flops < 8 / 6 * usual.flops
    assert 0.3 < found.activations / kept_for_the_backward_pass(again) < 3


def test_weights_that_stand_still_take_memory_and_no_gradient(tmp_path, small):
    adapted = compiled(tmp_path, *TINY, "adapt={type: lora, parts: [model.encoder], rank: 2}")
    found, usual = cost(adapted), cost(small)
    program = build(adapted.plan, tree=adapted.tree)

    assert found.frozen > 0
    assert found.weights == 4 * sum(p.numel() for p in program.model.parameters())
    assert found.gradients == 4 * found.parameters < usual.gradients
    assert 0.6 * usual.flops < found.flops < usual.flops
    assert f"{found.frozen:,} more" in "".join(cost_lines(found))


def test_the_batch_is_counted_at_its_longest(tmp_path):
    plan = compiled(tmp_path, "data.batch.size=8192").plan

    assert lengths(plan) == {"source": 128, "target": 128}
    assert examples(plan) == 64


def test_accumulation_divides_what_the_layers_keep(tmp_path, small):
    split = compiled(tmp_path, *TINY, "train.accumulate=4")

    assert cost(split).activations == pytest.approx(cost(small).activations / 4, rel=0.01)
    assert cost(split).flops == cost(small).flops


def test_numbers_that_data_will_tell_are_assumed(tmp_path):
    found = sizes(compiled(tmp_path, task="asr"))

    assert found["head.bias_V"] == ASSUMED[0]


def test_caps_give_diagnostics_where_the_cost_is_decided(small):
    found = within(small, max_params=1000, max_memory=1 / 1024)

    assert [d.code for d in found] == ["SQ601", "SQ602"]
    assert found[0].span.text == "model"
    assert found[1].path == ("data", "batch", "size")
    assert all(d.help for d in found)
    assert within(small, max_params=10**9, max_memory=1000) == ()


def test_a_way_of_sharing_that_fits_is_named(small):
    whole = cost(small).memory / GIB
    (found,) = within(small, max_memory=whole / 3, devices=8)

    assert "of each device by ddp" in found.message
    assert "`--strategy fsdp`" in found.help
    assert within(small, max_memory=whole / 3, devices=8, strategy="fsdp") == ()


def test_both_ways_at_once_are_checked_and_named(tmp_path):
    heads = compiled(tmp_path, *TINY, "model.encoder.num_heads=4", "model.decoder.num_heads=4")
    whole = cost(heads).memory / GIB

    (found,) = within(heads, max_memory=whole / 50, devices=8, strategy="fsdp", tensor_parallel=2)
    assert "of each device by fsdp --tensor-parallel 2" in found.message
    assert within(heads, max_memory=whole, devices=8, strategy="fsdp", tensor_parallel=2) == ()
    (uneven,) = within(heads, max_memory=whole, devices=8, strategy="fsdp", tensor_parallel=8)
    assert "8 processes do not divide the 4 of `num_heads`" in uneven.message
    assert "`--tensor-parallel 4`" in uneven.help
    (larger,) = within(heads, max_memory=whole / 2, devices=8, strategy="ddp")
    assert "`--strategy fsdp --tensor-parallel 4`, which takes about" in larger.help
    assert "`--strategy tp`" not in larger.help  # 8 processes do not divide 4 heads.


@pytest.mark.parametrize(
    ("size", "text"), [(12, "12 bytes"), (2048, "2 KiB"), (3 * 2**20, "3 MiB"), (GIB, "1.00 GiB")]
)
def test_sizes_are_told_in_people_s_units(size, text):
    assert size_text(size) == text


def test_pictures_cost_what_their_convolutions_do():
    torch.set_num_threads(1)
    digits = compile_spec(MNIST)
    program = build(digits.plan, tree=digits.tree)
    images = torch.randn(64, 1, 28, 28)
    held = {}

    def keep(tensor):
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    weights = {p.untyped_storage().data_ptr() for p in program.model.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        vectors, _ = program.model.encoder(images)

    found = cost(digits)
    kept = sum(size for place, size in held.items() if place not in weights) * 256 / 64
    assert vectors.shape == (64, 300)
    assert 0.8 < found.activations / kept < 1.25
    weighed = 28 * 28 * 500 + 14 * 14 * 25_000 + 735_000 + 3_010
    assert found.flops == pytest.approx(6 * 256 * weighed, rel=1e-3)


def test_of_experts_those_count_as_active_that_a_position_goes_through():
    spec = Path(__file__).parents[2] / "specs" / "mt_tanaka_enja_experts.yaml"
    found = cost(compile_spec(spec))

    # Two layers a side with 8 experts of 2 · 256 · 512 weights; the encoder uses 2 of them and the decoder 1.
    idle = 2 * (6 + 7) * 2 * 256 * 512
    assert found.parameters - found.active == idle
    assert f"{found.active:,} of them for one position" in cost_lines(found)[0]
