"""What searches among points gives the same in a file for onnxruntime, for any number of sets and points."""

import pytest
import torch

from seqspec.components._layers.point_sets import (
    farthest_points,
    gather_points,
    interpolated,
    nearest_neighbors,
    points_in_ball,
)


class Searches(torch.nn.Module):
    """All of them in one graph."""

    def forward(self, x_BNC, lengths_B):
        chosen_BS = farthest_points(x_BNC, lengths_B, count=6)
        centers_BSC = gather_points(x_BNC, chosen_BS)
        kept_B = lengths_B.clamp(max=6)
        return (
            chosen_BS,
            points_in_ball(x_BNC, lengths_B, centers_BSC, radius=0.6, count=5),
            nearest_neighbors(x_BNC, lengths_B, count=5),
            interpolated(centers_BSC, centers_BSC, kept_B, x_BNC, nearest=3),
        )


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
def test_onnxruntime_finds_the_same_points(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    vary = torch.export.Dim.DYNAMIC
    shapes = {"x_BNC": {0: vary, 1: vary}, "lengths_B": {0: vary}}
    # Corners of a grid, so that distances are equal in many places.
    grid = torch.cartesian_prod(*[torch.arange(3.0) / 2] * 3)
    batch = torch.stack([grid, torch.rand_like(grid)]), torch.tensor([27, 21])
    single = torch.rand(1, 9, 3), torch.tensor([8])

    with torch.no_grad():
        program = torch.onnx.export(
            Searches(), batch, dynamo=True, opset_version=20, verbose=False, dynamic_shapes=shapes
        )
    assert program is not None
    program.save(str(tmp_path / "searches.onnx"))
    session = onnxruntime.InferenceSession(str(tmp_path / "searches.onnx"))

    for given in (batch, single):
        names = [port.name for port in session.get_inputs()]
        found = session.run(None, dict(zip(names, (x.numpy() for x in given), strict=True)))
        *indices, values = Searches()(*given)
        for got, expected in zip(found, indices, strict=False):
            assert (torch.from_numpy(got) == expected).all()
        # Of the grid several thirds are equally near, and torch says not which it takes.
        torch.testing.assert_close(torch.from_numpy(found[-1])[-1], values[-1], atol=1e-6, rtol=1e-5)
