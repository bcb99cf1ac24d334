"""Images and frames become sequences, and a command stands where a target begins."""

import pytest
import torch

from seqspec.components.embedding.command_lookup import CommandLookup
from seqspec.components.embedding.separable_residual import SeparableResidual
from seqspec.components.embedding.xception_entry import XceptionEntry
from seqspec.schema.config import Mismatch
from seqspec.schema.embedding.command_lookup import CommandLookupConfig
from seqspec.schema.embedding.separable_residual import SeparableResidualConfig
from seqspec.schema.embedding.xception_entry import XceptionEntryConfig
from seqspec.schema.types import Frames, Image, Tokens


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("entry", "positions"), [("strided", 2 * 2), ("plain", 32 * 32)])
def test_an_image_becomes_a_sequence_row_after_row(entry, positions):
    config, image = XceptionEntryConfig(dim=24, entry=entry), Image(3, 32, 32)
    module = XceptionEntry(config, image)

    x_BTD, lengths_B = module(torch.randn(2, 3, 32, 32))

    assert x_BTD.shape == (2, positions, 24)
    assert lengths_B.tolist() == [positions, positions]
    assert count(module) == config.parameters({"source": image})


@pytest.mark.parametrize("halves", ["time", "time_and_bins"])
def test_frames_are_shortened_and_padding_changes_nothing(halves):
    config, frames = SeparableResidualConfig(dim=8, channels=[4], halves=halves), Frames(5, 100)
    torch.manual_seed(0)
    module = SeparableResidual(config, frames)
    x_BTF = torch.randn(1, 11, 5)

    alone, length = module(x_BTF, torch.tensor([11]))
    padded = torch.cat([x_BTF, torch.full((1, 6, 5), 100.0)], dim=1)
    beside, same = module(padded, torch.tensor([11]))

    bins = 5 if halves == "time" else 2
    assert alone.shape == (1, 3 * bins, 8)
    assert length.tolist() == same.tolist() == [3 * bins]
    torch.testing.assert_close(beside[:, : 3 * bins], alone, atol=1e-5, rtol=1e-5)
    assert (beside[:, 3 * bins :] == 0).all()
    assert config.output(frames).rate == 100 * bins / 4
    assert count(module) == config.parameters({"source": frames})


def test_audio_net_has_the_parameters_of_tensor2tensor():
    frames = Frames(80, 100)
    assert SeparableResidualConfig(dim=1536).parameters({"source": frames}) == 3_355_777
    assert SeparableResidualConfig(dim=128).parameters({"source": frames}) == 270_849


def test_gradients_of_padded_frames_are_finite():
    module = SeparableResidual(SeparableResidualConfig(dim=8, channels=[4]), Frames(5))
    x_BTF = torch.randn(2, 12, 5, requires_grad=True)

    module(x_BTF, torch.tensor([12, 3]))[0].square().sum().backward()

    assert x_BTF.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in module.parameters())


def test_a_command_is_a_vector_of_its_own():
    torch.manual_seed(0)
    table = CommandLookup(CommandLookupConfig(dim=4, commands=3), Tokens(10))

    x_BTD = table(torch.tensor([[table.command_id(1), 5, 9]]))

    torch.testing.assert_close(x_BTD[0, 0], table.commands_RD[1])
    torch.testing.assert_close(x_BTD[0, 1:], table.weight_VD[[5, 9]] * 2.0)
    assert count(table) == CommandLookupConfig(dim=4, commands=3).parameters({"source": Tokens(10)})


def test_nets_refuse_what_they_cannot_read():
    with pytest.raises(Mismatch, match="reads images"):
        XceptionEntryConfig(dim=8).wire(Frames(8), None)
    with pytest.raises(Mismatch, match="read frames"):
        SeparableResidualConfig(dim=8).output(Image(3, 8, 8))
    with pytest.raises(Mismatch, match="ids can be looked up"):
        CommandLookupConfig(dim=8).output(Frames(8))
