"""A recurrent language model along a lane: the rows of a text give what the whole text gives."""

import pytest
import torch

from seqspec.components.decoder.recurrent import Recurrent
from seqspec.components.embedding.lookup import Lookup
from seqspec.schema.decoder.recurrent import RecurrentConfig
from seqspec.schema.embedding.lookup import LookupConfig
from seqspec.schema.types import Tokens

TARGET = Tokens(9)


def decoder(**changes):
    embedding = LookupConfig(dim=6, scale=False)
    defaults = {name: field.default for name, field in RecurrentConfig.model_fields.items()}
    config = RecurrentConfig.model_construct(**{**defaults, "dim": 6, **changes, "embedding": embedding})
    torch.manual_seed(0)
    parts = {"embedding": Lookup(embedding, TARGET), "attention": None}
    return Recurrent(config, {"target": TARGET}, parts.get)


def by_rows(module, ids_BU, sizes):
    module.carried.keeps, found = True, []
    for row_BU in ids_BU.split(sizes, 1):
        found.append(module(row_BU))
        module.carried.past = module.carried.kept
    module.carried.past, module.carried.keeps = {}, False
    return torch.cat(found, 1)


@pytest.mark.parametrize(
    "changes",
    [{}, {"cell": "gru"}, {"cell": "layer_norm_lstm"}, {"projected_dim": 6}, {"residual_from": 1}],
    ids=str,
)
def test_rows_are_the_whole_text_and_the_past_gets_no_gradient(changes):
    module = decoder(**changes)
    ids_BU = torch.randint(0, 9, (2, 12), generator=torch.Generator().manual_seed(1))
    whole = module(ids_BU)

    rows = by_rows(module, ids_BU, [5, 1, 6])

    torch.testing.assert_close(rows, whole, atol=1e-6, rtol=1e-5)  # sums in another order
    assert not torch.allclose(module(ids_BU[:, 5:]), whole[:, 5:], atol=1e-3)
    assert not any(kept.requires_grad for kept in module.carried.kept.values())
    rows[:, -1].sum().backward()
    assert all(weight.grad is not None for weight in module.layers.parameters())
