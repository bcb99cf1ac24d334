"""BigBird is exact under its plan, which is a function of seed, layer, head and length of the row."""

from __future__ import annotations

import torch

from tests.components.self_attention.attention_parts import EXACT, HEADS, dense, made, real, states

BLOCK = 4


def seen(module, size):
    """``[H, T, T]`` from the plan, with full first and last blocks."""
    count = -(-size // BLOCK)
    plan = module.plan(count)
    blocks = torch.zeros(HEADS, count, count, dtype=torch.bool)
    for head in range(HEADS):
        for row in range(count):
            blocks[head, row, plan.blocks[head, row][plan.open[head, row]]] = True
    blocks[:, [0, -1]] = True
    return blocks.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)[:, :size, :size]


def test_it_is_dense_attention_under_its_plan():
    for size in (3, 18, 50, 64):
        module = made("bigbird", block=BLOCK, num_random=2, rotary=True)
        x_BTD, mask = states(size), seen(module, size)

        torch.testing.assert_close(module(x_BTD), dense(module, x_BTD, lambda q, k, m=mask: m), **EXACT)


def test_rows_of_a_batch_have_the_plan_of_their_own_length():
    module = made("bigbird", block=BLOCK, num_random=2)
    x_BTD = states(60)

    found = module(x_BTD, real_BT=real(60, 33))

    torch.testing.assert_close(found[1:, :33], module(x_BTD[1:, :33]), **EXACT)


def test_a_block_sees_its_neighbours_the_ends_and_others_once():
    plan = made("bigbird", block=BLOCK, num_random=3).plan(20)

    for head in range(HEADS):
        for row in range(20):
            chosen = plan.blocks[head, row][plan.open[head, row]].tolist()
            assert len(set(chosen)) == len(chosen)
            assert {0, 19, row, max(row - 1, 0), min(row + 1, 19)} <= set(chosen)
            assert len(chosen) == len({0, 19, row, max(row - 1, 0), min(row + 1, 19)}) + 3
    assert not torch.equal(plan.blocks[0], plan.blocks[1])


def test_the_seed_decides_the_random_blocks_alike_in_training_and_evaluation():
    one, other = made("bigbird", block=BLOCK), made("bigbird", block=BLOCK, seed=1)
    x_BTD = states(80)

    torch.testing.assert_close(one.train()(x_BTD), one.eval()(x_BTD), atol=0, rtol=0)
    assert torch.equal(one.plan(20).blocks, made("bigbird", block=BLOCK).plan(20).blocks)
    assert not torch.equal(one.plan(20).blocks, other.plan(20).blocks)
