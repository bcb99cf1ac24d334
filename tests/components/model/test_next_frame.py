import torch
from torch.testing import assert_close

from seqspec.components.metric.psnr import Psnr
from seqspec.components.model.next_frame import NextFrame
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.metric.psnr import PsnrConfig
from seqspec.schema.model.next_frame import NextFrameConfig
from seqspec.schema.types import Clip

CLIP = Clip(64, height=8, width=8)


def model() -> NextFrame:
    torch.manual_seed(0)
    config = NextFrameConfig(widths=[5, 3], kernel=3, patch=4)
    built = NextFrame(config, {"source": CLIP, "target": CLIP}).eval()
    assert config.parameters({}) == sum(weight.numel() for weight in built.parameters())
    return built


def batch(source: torch.Tensor, lengths: list[int], count: int = 3) -> Batch:
    target = Field(torch.rand(len(source), count, 64), torch.tensor([count] * len(source)))
    fields = {"source": Field(source, torch.tensor(lengths)), "target": target}
    return Batch(fields, torch.arange(len(source)), 0, {"loss": 1.0})


def test_a_clip_is_read_to_its_own_end_and_its_predictions_after_that():
    net, clips = model(), torch.rand(2, 5, 64)
    padded = clips.clone()
    padded[1, 3:] = 9.0

    together = net.outputs(batch(padded, [5, 3]))["frames"].predicted
    alone = net.outputs(batch(clips[1:, :3], [3]))["frames"].predicted
    longer = net.outputs(batch(torch.cat([clips[1:, :3], alone[:, :1]], 1), [4], count=2))["frames"].predicted

    assert_close(together[1:], alone, atol=1e-6, rtol=1e-5)
    assert_close(longer, alone[:, 1:], atol=1e-6, rtol=1e-5)


def test_the_ratio_is_that_of_each_frame_and_perfect_frames_have_a_bound():
    net = model()
    given = batch(torch.rand(1, 2, 64), [2])
    (reference,) = net.references(given)
    metric = Psnr(PsnrConfig(by_frame=True), {"target": CLIP})
    found = type(reference)(reference.frames_THW.copy(), reference.given_THW)
    found.frames_THW[1] += 0.1

    metric.update(*metric.measure(found, reference))

    told = metric.compute()
    assert_close([told["psnr.1"], told["psnr.2"], told["psnr"]], [100.0, 20.0, 220 / 3], atol=1e-4, rtol=0)
    assert_close(told["psnr.mse"], 0.01 / 3, atol=1e-6, rtol=0)
