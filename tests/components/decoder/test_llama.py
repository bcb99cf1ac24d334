import pytest
import torch

from seqspec.components.folder_tensors import from_folder, to_folder
from seqspec.components.search.greedy import Greedy
from seqspec.data.batching.batch import Batch
from seqspec.schema.config import Mismatch
from seqspec.schema.decoder.llama import _sizes as read_sizes
from seqspec.schema.pretrained import Settings
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import Logits, Tokens
from tests.components.building import build, faults, infer

VOCAB = 43
SIZES = {"num_layers": 2, "dim": 32, "num_heads": 4, "feed_forward_dim": 48, "std": 0.3}
"""Matrices of 0.3: at 0.02 every shape would give nearly the same."""


def built(**settings):
    decoder = {"type": "llama", **SIZES, **settings}
    data = {"type": "language_model", "decoder": decoder, "head": {"type": "linear", "bias": False}}
    return build(data, {"target": Tokens(VOCAB)}), infer(data, {"target": Tokens(VOCAB)})[0].model.decoder


SHAPES = {
    "plain": {},
    "grouped": {"num_kv_heads": 2, "rotary_base": 500.0, "norm_epsilon": 1e-5},
    "wide_heads": {"head_dim": 16, "num_kv_heads": 1, "attention_bias": "all", "feed_forward_bias": True},
    "mistral": {"num_kv_heads": 2, "window": 4},
    "qwen2": {"attention_bias": "inputs"},
    "qwen3": {"query_key_norm": True, "window": 3, "full_layers": [1]},
    "linear": {"rotary_scaling": {"method": "linear", "factor": 3.0}},
    "llama3": {
        "rotary_scaling": {
            "method": "llama3", "factor": 8.0, "original_length": 16, "low_frequency": 1.0, "high_frequency": 4.0,
        }
    },
    "yarn": {"rotary_scaling": {"method": "yarn", "factor": 4.0, "original_length": 16, "fast": 4.0}},
}  # fmt: skip


@pytest.fixture(scope="module", params=list(SHAPES))
def pair(request):
    """Our model and transformers' with the same weights."""
    transformers = pytest.importorskip("transformers")
    (model, _, _), config = built(**SHAPES[request.param])
    model.eval()
    torch.manual_seed(2)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, mean=0.8, std=0.3)
    settings = {**config.write_settings(), "vocab_size": VOCAB, "eos_token_id": 3, "bos_token_id": 2}
    theirs = transformers.AutoModelForCausalLM.from_config(
        transformers.AutoConfig.for_model(**settings), attn_implementation="eager"
    ).eval()
    tensors = to_folder(config.layout({}), model.decoder.state_dict())
    tensors |= to_folder(config.head_layout(), model.head.state_dict())
    lacking, extra = theirs.load_state_dict(tensors, strict=False)
    assert (lacking, extra) == ([], [])
    return model, theirs, config


@torch.no_grad()
def test_logits_equal_those_of_transformers(pair):
    model, theirs, _ = pair
    ids = torch.randint(4, VOCAB, (2, 21), generator=torch.Generator().manual_seed(1))

    ours = model.head(model.decoder(ids))

    torch.testing.assert_close(ours, theirs(ids).logits, atol=1e-5, rtol=0)
    assert ours.abs().max() > 1


@torch.no_grad()
def test_greedy_text_equals_that_of_transformers(pair):
    model, theirs, _ = pair
    prompt = torch.tensor([[2, 7, 8, 9, 10, 11]])
    lengths = torch.tensor([5])
    batch = Batch.pair(None, None, prompt[:, 1:], lengths, torch.arange(1), 0, 1.0)
    search = Greedy(GreedyConfig(max_tokens=9), Logits(VOCAB))

    (ours,), *_ = model.decode(batch, search)

    text = theirs.generate(prompt, max_new_tokens=9, do_sample=False, pad_token_id=0, suppress_tokens=[0, 2])[
        0, 6:
    ].tolist()
    assert list(ours.ids) == [id for id in text if id != 3]


def test_layout_there_and_back(pair):
    model, _, config = pair
    tensors = model.decoder.state_dict()
    layout = config.layout({})

    stored = to_folder(layout, tensors)
    again = from_folder(layout.weights, lambda weight: stored[layout.prefix + weight.there])

    assert again.keys() == tensors.keys()
    assert all(torch.equal(again[name], tensors[name]) for name in tensors)
    assert config.parameters({}) == sum(p.numel() for p in model.decoder.parameters()) - VOCAB * 32


@torch.no_grad()
@pytest.mark.parametrize("settings", [{}, {"window": 3, "full_layers": [0], "num_kv_heads": 2}])
def test_cached_steps_equal_the_whole_pass(settings):
    (model, _, _), _ = built(**settings)
    decoder = model.decoder.eval()
    ids = torch.randint(4, VOCAB, (3, 8), generator=torch.Generator().manual_seed(3))
    order = torch.tensor([2, 0, 1])

    state, steps = decoder.start(None, None, examples=3), []
    for index in range(8):
        state = state.select(order)
        hidden, state = decoder.step(ids[:, index], state)
        steps.append(hidden)

    whole = torch.stack([_history(ids, row, order) for row in range(3)])
    torch.testing.assert_close(steps[-1], decoder(whole)[:, -1])
    assert [len(past) for past in state.pasts] == ([8, 8] if not settings else [8, 2])


def _history(ids, row, order):
    """What the hypothesis in ``row`` has read: each step begins by moving the hypotheses."""
    read = []
    for index in range(ids.shape[1] - 1, -1, -1):
        read.append(ids[row, index])
        row = int(order[row])
    return torch.stack(read[::-1])


def test_packed_documents_stay_apart():
    (model, _, _), _ = built(window=4)
    decoder = model.decoder.eval()
    ids = torch.randint(4, VOCAB, (1, 9), generator=torch.Generator().manual_seed(3))
    segments = torch.tensor([[1, 1, 1, 1, 2, 2, 2, 2, 2]])

    hidden = decoder(ids, segments_BU=segments)

    changed = torch.cat([ids[:, :4] % 7 + 4, ids[:, 4:]], 1)
    torch.testing.assert_close(hidden[:, 4:], decoder(changed, segments_BU=segments)[:, 4:])
    assert not torch.allclose(hidden[:, :4], decoder(changed, segments_BU=segments)[:, :4])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_kv_heads": 3}, "3 heads of keys cannot serve 4 heads evenly"),
        ({"head_dim": 7}, "a head has 7"),
        ({"full_layers": [0]}, "without a `window` every layer sees everything"),
        ({"window": 4, "full_layers": [2]}, "there is no layer 2 among 2"),
        ({"rotary_scaling": {"method": "linear", "factor": 2.0, "fast": 3.0}}, "never reads `fast`"),
        ({"rotary_scaling": {"method": "llama3", "factor": 2.0}}, "needs `high_frequency`"),
    ],
)
def test_numbers_that_do_not_fit_are_told(settings, message):
    data = {"type": "language_model", "decoder": {"type": "llama", **SIZES, **settings}}

    (said,) = faults(data, {"target": Tokens(VOCAB)})

    assert message in said


def test_a_shape_that_transformers_lacks_is_told():
    _, config = built(window=4, full_layers=[0])

    with pytest.raises(Mismatch, match="no architecture of transformers has this window"):
        config.write_settings()


@pytest.mark.parametrize("shape", SHAPES)
def test_settings_there_and_back(shape):
    _, config = built(**SHAPES[shape])

    found = read_sizes(Settings(config.write_settings()))

    assert {name: value for name, value in found.items() if getattr(config, name) != value} == {}


@pytest.mark.parametrize(
    ("rope", "said"),
    [
        ({"rope_type": "dynamic", "factor": 2.0}, "scaled by `dynamic`"),
        ({"rope_type": "yarn"}, "`factor` of the folder's config.json is missing"),
        ({"rope_type": "linear", "factor": 0}, "`factor` of the folder's config.json is '0'"),
        ({"rope_type": ["x"]}, "a mapping of numbers and words is expected"),
        ({"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": float("inf")}, "is 'inf'"),
    ],
)
def test_scalings_that_are_none_are_told(rope, said):
    _, config = built()

    with pytest.raises(Mismatch) as raised:
        read_sizes(Settings({**config.write_settings(), "rope_parameters": rope}))

    assert said in raised.value.message
