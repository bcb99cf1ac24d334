"""What a step asks of each of several devices."""

import pytest

from seqspec.compile import commands
from seqspec.compile.cost.cost import Cost
from seqspec.compile.cost.devices import BOTH, DEVICES, ModelParts, shared
from seqspec.compile.cost.model_parameters import model_parameters
from seqspec.schema.procedure._procedure import Apart
from tests.compile.experiments import compiled, spec

COST = Cost(
    parameters=1200, active=1200, weights=4800, gradients=4800, optimizer=9600, activations=8000, flops=1e15
)
APART = Apart(4, every=50, after=0, rate=0.7, momentum=0.9)


PARTS = ModelParts(gathered=1 / 6, split=11 / 12)


def rows(devices, parts=PARTS, **more):
    found = shared(
        COST, parts=parts, devices=devices, device=DEVICES["h100"], precision="bfloat16", apart=APART, **more
    )
    return {one.strategy: one for one in found}


def test_memory_by_strategy():
    four = rows(4)

    assert four["one device"].memory == COST.memory
    assert four["ddp"].memory == 19200 + 2000
    assert four["fsdp"].memory == 19200 / 4 + 2 * 400 + 2000
    assert four["tp"].memory == pytest.approx(19200 * (1 / 12 + 11 / 48) + 8000 * 16 / 34)
    assert four["diloco"].memory == 19200 + 3 * 4800 + 2000


def test_micro_batches_that_devices_can_share_out_are_not_cut():
    assert rows(4, micro_batches=4)["ddp"].memory == 19200 + 8000
    assert rows(4, micro_batches=2)["ddp"].memory == 19200 + 2000


def test_a_model_that_cannot_be_split_has_no_row_of_tp_and_one_without_stacks_is_gathered_whole():
    found = rows(4, parts=ModelParts(gathered=1.0, split=0.0))

    assert "tp" not in found
    assert found["fsdp"].memory == 19200 / 4 + 4800 + 2000


def test_groups_split_what_they_can_and_shard_what_each_device_of_one_holds():
    parts = ModelParts(gathered=4 / 12, split=6 / 12, gathered_split=3 / 12)
    grouped, alone = rows(8, parts=parts, tensor_parallel=2), rows(8, parts=parts)
    activations = 8000 / 4 * (10 + 24 / 2) / 34

    # A half of the weights is whole in both devices of a group, and of the other half each has a half.
    assert grouped["tp"].memory == pytest.approx(19200 * 3 / 4 + activations)
    gathered = 4800 * (1 / 12 + 3 / 24)
    assert grouped[BOTH].memory == pytest.approx(19200 * 3 / 4 / 4 + gathered + activations)
    assert grouped[BOTH].seconds > alone["fsdp"].seconds
    assert BOTH not in alone
    assert rows(4, parts=parts, tensor_parallel=4)["tp"] == rows(4, parts=parts)["tp"]


def test_the_parts_of_a_model_are_counted(tmp_path):
    sets = ("model.decoder.dim=32", "model.decoder.num_layers=4", "model.decoder.num_heads=2")
    counted = model_parameters(compiled(tmp_path, *sets, task="lm"))
    total = sum(counted.trained.values())

    assert counted.outside + 4 * counted.block == total
    # Four square matrices of the attention, and two of the feed-forward network.
    assert counted.split == 4 * (4 * 32 * 32 + 2 * 32 * 128)
    assert counted.split_outside == 0
    assert counted.split_block == counted.split / 4
    assert [set(part.plan.counts.values()) for part in counted.parts[:2]] == [{2}, {128}]
    assert ModelParts.of(counted).gathered == pytest.approx((counted.outside + 2 * counted.block) / total)


def test_what_is_sent_and_how_long_a_step_takes():
    four = rows(4)

    assert four["ddp"].sent == pytest.approx(2 * 3 / 4 * 4800)
    assert four["fsdp"].sent == pytest.approx(3 * 3 / 4 * 4800)
    assert four["tp"].sent == pytest.approx(2 * 3 / 4 * 8000 / 5)
    assert four["tp"].seconds > four["ddp"].seconds
    assert four["diloco"].sent == pytest.approx(3 * 4800 / 50)
    assert four["ddp"].seconds == pytest.approx(four["one device"].seconds / 4)
    assert rows(1)["ddp"].sent == 0


def test_fewer_bits_a_weight_are_fewer_bytes_sent():
    for exchange, share in (
        ("bfloat16", 1 / 2),
        ("int8", (1 + 4 / 256) / 4),
        ("int4", (1 / 2 + 4 / 256) / 4),
    ):
        assert APART._replace(exchange=exchange).value_bytes == pytest.approx(4 * share)


def test_a_device_that_nobody_knows_is_told(tmp_path):
    told = commands.explain("x.yaml", path=None, over=(), table="cost", devices=8, gpu="h10")

    assert told.exit == 2
    assert "`h100`" in told.error


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (3, "8 devices cannot form groups of 3"),
        (8, "8 processes do not divide the 2 of `num_heads` in `decoder.layers.0.self_attention`; "
            "use `--tensor-parallel 2`, or `--strategy fsdp` alone"),
    ],
)  # fmt: skip
def test_groups_that_split_nothing_are_told(tmp_path, size, told):
    file, over = spec(tmp_path, task="lm"), commands.overlays((), ("model.decoder.num_heads=2",))

    found = commands.explain(str(file), path=None, over=over, table="cost", devices=8, tensor_parallel=size)

    assert found.exit == 2
    assert told in found.error


def test_the_table_of_a_spec(tmp_path):
    told = commands.explain(
        str(spec(tmp_path, task="lm")), path=None, over=(), table="cost", devices=8, gpu="A100"
    )

    assert told.exit == 0
    assert "each of 8 × a100, 80 GiB" in told.out
    assert told.out.count("%") >= 4
    assert BOTH not in told.out


def test_the_table_of_groups(tmp_path):
    file = str(spec(tmp_path, task="lm"))

    told = commands.explain(file, path=None, over=(), table="cost", devices=8, tensor_parallel=2)

    assert "each of 8 × h100, 80 GiB, in groups of 2 for tp:" in told.out
    assert BOTH in told.out
