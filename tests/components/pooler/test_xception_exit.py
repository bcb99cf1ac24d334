"""States become one vector by Xception's exit flow."""

import pytest
import torch

from seqspec.components.pooler.xception_exit import XceptionExit
from seqspec.schema.config import Mismatch
from seqspec.schema.pooler.xception_exit import XceptionExitConfig
from seqspec.schema.types import Frames, Image, States

SQUARE, WIDE = Image(3, 16, 16), Image(3, 16, 24)


class Derived:
    """The part of inference that fills in a field."""

    def derive(self, field, value, reason):
        return value


def exit_of(grid, *, dim=16, **more):
    config = XceptionExitConfig(grid=grid, **more)
    torch.manual_seed(0)
    return config, XceptionExit(config, {"hidden": States(dim)})


@pytest.mark.parametrize(
    ("grid", "more", "width"),
    [
        ("square", {}, 40),
        ("square", {"columns": True}, 40),
        ("line", {}, 40),
        ("square", {"widths": [8, 10, 12]}, 12),
    ],
)
def test_gives_one_vector_and_declares_its_parameters(grid, more, width):
    config, module = exit_of(grid, **more)

    vector_BV = module(torch.randn(2, 9, 16), torch.tensor([9, 9]))

    assert vector_BV.shape == (2, width)
    declared = config.parameters({"hidden": States(16)})
    assert sum(parameter.numel() for parameter in module.parameters()) == declared


def test_a_line_is_not_changed_by_padding():
    _, module = exit_of("line")
    x_BSD = torch.randn(1, 6, 16)

    alone = module(x_BSD, torch.tensor([6]))
    padded = module(torch.cat([x_BSD, torch.full((1, 7, 16), 50.0)], dim=1), torch.tensor([6]))

    torch.testing.assert_close(padded, alone, atol=1e-5, rtol=1e-5)


def test_weights_of_columns_serve_a_picture_of_one():
    _, module = exit_of("square", columns=True)

    module(torch.randn(2, 1, 16), torch.tensor([1, 1])).sum().backward()

    used = {name: p.grad is not None for name, p in module.named_parameters() if "convolutions" in name}
    column = {name: p.grad is not None for name, p in module.named_parameters() if "column" in name}
    assert all(column.values())
    assert not any(
        used[name] for name in used if name.split(".")[-3] == "convolutions" and "column" not in name
    )


def test_has_the_parameters_of_tensor2tensor():
    takes, classes = {"hidden": States(1536)}, (2.5 * 1536 + 1) * 1000
    assert XceptionExitConfig(grid="square").parameters(takes) + classes == 53_483_368
    assert XceptionExitConfig(grid="square", columns=True).parameters(takes) + classes == 85_358_056


def test_the_grid_follows_from_the_source():
    hidden = States(16)
    with pytest.raises(Mismatch, match="make no square"):
        XceptionExitConfig(grid="square").wire({"hidden": hidden, "source": WIDE}, Derived())
    with pytest.raises(Mismatch, match="only a square has columns"):
        XceptionExitConfig(columns=True).wire({"hidden": hidden, "source": WIDE}, Derived())
    with pytest.raises(Mismatch, match="cannot grow by a quarter"):
        XceptionExitConfig().wire({"hidden": States(6), "source": SQUARE}, Derived())
    with pytest.raises(Mismatch, match="reads a sequence of states"):
        XceptionExitConfig().wire({"hidden": Frames(6), "source": SQUARE}, Derived())
    assert XceptionExitConfig().wire({"hidden": hidden, "source": SQUARE}, Derived()).dim == 40
