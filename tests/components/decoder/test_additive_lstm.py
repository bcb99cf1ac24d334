"""The attention decoder of "Listen, Attend and Spell"."""

import pytest
import torch

from seqspec.components.decoder.additive_lstm import AdditiveLstm
from seqspec.components.embedding.lookup import Lookup
from seqspec.components.stepped_graphs import step_graph, stepper
from seqspec.schema.config import Mismatch
from seqspec.schema.decoder.additive_lstm import AdditiveLstmConfig
from seqspec.schema.embedding.lookup import LookupConfig
from seqspec.schema.types import Frames, States, Tokens

TARGET, MEMORY = Tokens(7), States(dim=6, stride=4)
TAKES = {"target": TARGET, "memory": MEMORY}


def decoder(**changes):
    embedding = LookupConfig(dim=5, scale=False)
    settings = {"dim": 4, "attention_dim": 3, "dropout": 0.0, **changes}
    config = AdditiveLstmConfig.model_construct(**{**defaults(), **settings, "embedding": embedding})
    return AdditiveLstm(config, TAKES, lambda name: Lookup(embedding, TARGET))


def defaults():
    return {name: field.default for name, field in AdditiveLstmConfig.model_fields.items()}


def example(*, batch=2, states=5):
    torch.manual_seed(0)
    return (
        torch.randint(4, 7, (batch, 3)),
        torch.randn(batch, states, 6),
        torch.tensor([states, states - 2][:batch]),
    )


@pytest.mark.parametrize("location", [{}, {"location_filters": 2, "location_width": 3}])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_steps_equal_teacher_forcing(num_layers, location):
    torch.manual_seed(1)
    model = decoder(num_layers=num_layers, cell_cap=0.2, **location).eval()
    ids, memory, lengths = example()

    whole = model(ids, memory, lengths)
    state, steps, looked = model.start(memory, lengths, examples=2), [], []
    for u in range(ids.shape[1]):
        hidden, state = model.step(ids[:, u], state, look=True)
        steps.append(hidden)
        looked.append(state.attention)

    torch.testing.assert_close(torch.stack(steps, 1), whole)
    torch.testing.assert_close(torch.stack(looked, 1), model.weights(ids, memory, lengths))
    assert whole.shape == (2, 3, 4 + 6)


def test_padding_of_the_memory_does_not_leak():
    model = decoder().eval()
    ids, memory, lengths = example()
    longer = torch.cat([memory, torch.full((2, 4, 6), 1e4)], dim=1)

    torch.testing.assert_close(model(ids, longer, lengths), model(ids, memory, lengths))


def test_later_ids_change_nothing_before_them():
    model = decoder().eval()
    ids, memory, lengths = example()
    changed = ids.clone()
    changed[:, 2] = 4 + (ids[:, 2] - 3) % 3

    torch.testing.assert_close(model(changed, memory, lengths)[:, :2], model(ids, memory, lengths)[:, :2])


def test_hypotheses_are_chosen_and_examples_forgotten():
    model = decoder(location_filters=2, location_width=3).eval()
    ids, memory, lengths = example()
    rows = torch.tensor([1, 1])

    _, state = model.step(ids[:, 0], model.start(memory, lengths, examples=2))
    chosen = state.select(rows).keep(torch.tensor([1]))
    hidden, _ = model.step(ids[:, 1][rows], chosen)

    expected, _ = model.step(ids[:, 1], state)
    torch.testing.assert_close(hidden, expected[rows])


def test_attention_is_a_distribution_over_real_states():
    weights = decoder()(*example()), decoder().weights(*example())

    torch.testing.assert_close(weights[1].sum(-1), torch.ones(2, 3))
    assert (weights[1][1, :, 3:] == 0).all()


def test_every_parameter_gets_a_finite_gradient():
    model = decoder(location_filters=2, location_width=3)

    model(*example()).square().sum().backward()

    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in model.parameters())


class Given:
    """A flow that notes what is derived."""

    def __init__(self):
        self.derived = {}

    def derive(self, field, value, reason):
        self.derived[field] = value
        return value

    def node(self, name, source, **derived):
        self.derived.update({f"{name}.{field}": value for field, (value, _) in derived.items()})
        return Frames(1)


def config(**settings):
    return AdditiveLstmConfig.model_construct(**{**defaults(), "embedding": LookupConfig(), **settings})


def test_declared_type_and_what_follows():
    flow = Given()

    given = config(dim=4, location_filters=2).wire(TAKES, flow)

    assert given == States(dim=10, causal=True)
    assert flow.derived == {"dropout": 0.0, "location_width": 31, "embedding.dim": 4}


@pytest.mark.parametrize(
    ("settings", "takes", "words"),
    [
        ({}, {"target": TARGET}, "no encoder"),
        ({}, {"target": MEMORY, "memory": MEMORY}, "writes tokens"),
        ({"location_width": 5}, TAKES, "no meaning"),
        ({"location_filters": 2, "location_width": 4}, TAKES, "no middle"),
    ],
)
def test_what_does_not_fit_is_refused(settings, takes, words):
    with pytest.raises(Mismatch, match=words):
        config(**settings).wire(takes, Given())


@torch.no_grad()
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_an_exported_step_equals_its_own():
    model, head = decoder(num_layers=2).eval(), torch.nn.Linear(10, 7)
    _, memory, lengths = example(batch=2)
    stepping = stepper(model, head, memory, lengths, 2)
    graph = step_graph(torch.nn.ModuleList([model, head]), stepping, torch.tensor([[2, 4, 5]] * 2))
    vary = torch.export.Dim.DYNAMIC
    shapes = tuple({n: vary for n, axis in enumerate(axes) if axis} for axes in graph.inputs.values())
    program = torch.export.export(
        graph.function, tuple(x.detach() for x in graph.given.values()), dynamic_shapes=(shapes,)
    )

    state = model.start(memory, lengths, examples=2)
    tensors = {**stepping.state.fixed, **stepping.state.moving}
    for ids in ([2, 2], [4, 5], [6, 4]):
        hidden, state = model.step(torch.tensor(ids), state)
        log_probs, *moving = program.module()(torch.tensor(ids), *tensors.values())
        tensors |= dict(zip(stepping.state.moving, moving, strict=True))

        torch.testing.assert_close(log_probs, head(hidden).log_softmax(-1), atol=1e-6, rtol=1e-6)
