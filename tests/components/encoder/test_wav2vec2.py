import pytest
import torch

from seqspec.components.encoder.wav2vec2 import Wav2vec2, _spans
from seqspec.components.folder_tensors import to_folder
from seqspec.schema.encoder.wav2vec2 import Wav2vec2Config
from seqspec.schema.types import Frames

SIZES = {
    "num_layers": 2, "dim": 24, "num_heads": 4, "feed_forward_dim": 40, "feature_dims": [8, 8, 10],
    "feature_kernels": [10, 3, 2], "feature_strides": [5, 2, 2], "position_kernel": 16, "position_groups": 4,
    "norm_epsilon": 1e-5, "train_features": True,
}  # fmt: skip
KINDS = {
    "group": {"feature_norm": "group", "feature_bias": False, "norm": "post"},
    "layer": {"feature_norm": "layer", "feature_bias": True, "norm": "pre"},
}


@pytest.fixture(params=list(KINDS))
def encoder(request):
    config = Wav2vec2Config(**SIZES, **KINDS[request.param])
    torch.manual_seed(1)
    module = Wav2vec2(config, Frames(1, rate=16_000)).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return config, module


@torch.no_grad()
def test_states_equal_those_of_transformers(encoder):
    transformers = pytest.importorskip("transformers")
    config, module = encoder
    theirs = transformers.Wav2Vec2Model(
        transformers.Wav2Vec2Config(
            hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40, conv_dim=[8, 8, 10],
            conv_kernel=[10, 3, 2], conv_stride=[5, 2, 2], num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4, feat_extract_norm=config.feature_norm,
            conv_bias=config.feature_bias, do_stable_layer_norm=config.norm == "pre", mask_time_prob=0.0,
            mask_feature_prob=0.0,
        )
    ).eval()  # fmt: skip
    stored = to_folder(config.layout({}), module.state_dict())
    bare = {name.removeprefix("wav2vec2."): tensor for name, tensor in stored.items()}
    assert theirs.load_state_dict(bare, strict=True)
    samples = torch.randn(1, 333, generator=torch.Generator().manual_seed(2))

    states, lengths = module(samples[..., None], torch.tensor([333]))

    expected = theirs(samples).last_hidden_state
    assert int(lengths) == expected.shape[1]
    torch.testing.assert_close(states[:, : int(lengths)], expected, atol=1e-5, rtol=0)
    assert expected.abs().max() > 1


@torch.no_grad()
def test_what_shares_a_batch_changes_nothing(encoder):
    _, module = encoder
    samples = torch.randn(3, 400, 1, generator=torch.Generator().manual_seed(3))
    lengths = torch.tensor([400, 207, 90])
    noisy = samples.clone()
    for row, length in enumerate(lengths.tolist()):
        noisy[row, length:] = 1e4

    states, real = module(noisy, lengths)

    assert states.shape == (3, 20, 24)
    for row, length in enumerate(lengths.tolist()):
        alone, one = module(samples[row : row + 1, :length], lengths[row : row + 1])
        assert real[row] == one[0]
        torch.testing.assert_close(states[row, : one[0]], alone[0, : one[0]], atol=2e-5, rtol=1e-5)


def test_declared_parameters_are_those_that_learn(encoder):
    config, module = encoder

    assert config.parameters({}) == sum(p.numel() for p in module.parameters())
    frozen = config.model_copy(update={"train_features": False})
    made = Wav2vec2(frozen, Frames(1, rate=16_000))
    assert frozen.parameters({}) == sum(p.numel() for p in made.parameters() if p.requires_grad)
    base = Wav2vec2Config(**{name: value for name, value in _base().items()}, time_mask=0.05)
    assert base.model_copy(update={"train_features": True}).parameters({}) == 94_371_712


def _base():
    from seqspec.schema.encoder.wav2vec2 import _USUAL

    return _USUAL


def test_spans_cover_real_states_only_and_as_many_as_were_asked():
    torch.manual_seed(4)
    lengths = torch.tensor([200, 30, 5, 0]).repeat(50)

    covered = _spans(lengths, 200, share=0.5, length=10)

    assert not covered[torch.arange(200) >= lengths[:, None]].any()
    assert not covered[lengths < 10].any()
    assert 0.3 < covered[lengths == 200].float().mean() < 0.5
    assert covered[lengths == 200].sum(1).max() <= 110
