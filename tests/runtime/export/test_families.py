"""What goes where: the table of the documentation is what models declare, and some of it is really run."""

import json
import re

import pytest
import torch

from seqspec.components.graphs import Function, Substitute, substituted
from seqspec.components.stepped_graphs import begin_by
from seqspec.data.store.durable import json_bytes
from seqspec.runtime.export import driver
from seqspec.runtime.export.answers import answers_apart
from seqspec.runtime.export.comparison import compare_graphs
from seqspec.runtime.export.onnx_session import runner
from seqspec.runtime.export.targets import onnx, torch_export
from seqspec.runtime.export.tracing import described
from seqspec.schema.catalogue import Catalogue
from tests.runtime.export.families import FAMILIES, ROOT, table, tried

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"
)
PAGE = ROOT / "docs" / "export.md"
TABLE = re.compile(r"(?<=<!-- functions -->\n\n).*?(?=\n<!-- end of functions -->)", re.DOTALL)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_the_page_says_what_models_declare(cache, update):
    wanted = table(cache)
    if update:
        PAGE.write_text(TABLE.sub(lambda _: wanted, PAGE.read_text("utf-8")), "utf-8")

    assert TABLE.search(PAGE.read_text("utf-8")).group() == wanted, "write it with `pytest --update`"


def test_every_type_of_model_has_a_row():
    specs = [(ROOT / "specs" / f"{spec}.yaml").read_text("utf-8") for spec in FAMILIES.values()]
    shown = {name for name in Catalogue().names("model") if any(f"type: {name}" in text for text in specs)}

    assert shown == set(Catalogue().names("model"))


@pytest.mark.parametrize(
    ("spec", "target"),
    [
        ("vae_mnist", "torch_export"),
        ("gan_mnist", "onnx"),
        ("tts_digits", "torch_export"),
        ("point_modelnet40", "torch_export"),
    ],
)
def test_functions_give_the_same_elsewhere(spec, target, cache, tmp_path):
    subject = tried(spec, cache)
    for_target = {"torch_export": torch_export, "onnx": onnx}[target]
    told = for_target.write(subject, tmp_path)["graphs"]

    files = {name: tmp_path / graph["file"] for name, graph in told.items()}
    opened = {
        name: (runner if target == "onnx" else torch_export._runner)(file) for name, file in files.items()
    }
    checks = compare_graphs(subject, opened)

    assert checks
    assert [check.line() for check in checks if not check.passed] == []
    assert all(isinstance(graph.function, Function) for graph in subject.graphs())
    assert all(
        x.abs().sum() > 0 for graph in subject.graphs() for x in graph.results() if x.is_floating_point()
    )


@pytest.mark.parametrize("spec", ["text_vae_ptb", "asr_librispeech", "mt_tanaka_jaen"])
def test_a_driver_begins_with_the_state_that_a_step_takes(spec, cache):
    graphs = {graph.name: graph for graph in tried(spec, cache).graphs()}
    step, before = graphs["step"], graphs["begin" if "begin" in graphs else "encode"]
    exported = object.__new__(driver.Exported)
    exported.about = json.loads(json_bytes({"graphs": {"step": described(step, "step.onnx")}}))

    fixed = {name: x.numpy() for name, x in list(step.given.items())[1 : 1 + len(before.outputs)]}

    state = exported._zeros(len(next(iter(fixed.values()))), fixed)

    moving = list(step.inputs)[1 + len(fixed) :]
    assert [f"next_{name}" for name in moving] == [one for one in step.outputs if one.startswith("next_")]
    assert list(state) == moving
    assert [list(x.shape) for x in state.values()] == [
        [0 if axis == "position" else size for axis, size in zip(step.inputs[name], x.shape, strict=True)]
        for name, x in list(step.given.items())[1 + len(fixed) :]
    ]


def test_a_search_elsewhere_begins_at_each_sources_length(cache):
    subject = tried("asr_librispeech", cache)
    step = {graph.name: graph for graph in subject.graphs()}["step"]
    fixed = [step.given[name][:1, :7] for name in ("memory_keys", "memory_values", "memory_mask")]

    begun = begin_by(step, fixed, 1)

    assert begun.moving["before"].shape == (1, 7)
    assert begun.moving["context"].shape == (1, *step.given["context"].shape[1:])


def test_a_batch_of_one_is_no_constant(cache):
    subject = tried("vq_vae_cifar10", cache)
    whole, single = ({graph.name: graph for graph in subject.graphs(batch)} for batch in subject.batches)

    for name, graph in whole.items():
        for many, one in zip(graph.results(), single[name].results(), strict=True):
            torch.testing.assert_close(many[:1], one, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("spec", "search"),
    [("tts_ljspeech_vits", "synthesis"), ("text_vae_ptb", "{type: greedy, max_tokens: 6}")],
)
def test_what_is_drawn_is_an_argument(spec, search, cache):
    subject = tried(spec, cache, sets=(f"evaluate.search={search}",))
    model, batch = subject.model, subject.batches[0]
    search = subject.opened.run.program.search
    called = []

    def by(graph):
        def run(*given):
            called.append(graph.name)
            return graph.function(*given)

        return run

    with torch.inference_mode():
        functions = {graph.name: Substitute(graph, by(graph)) for graph in subject.graphs()}
        expected = model.decode(batch, search)
        again = model.decode(batch, search)
        with substituted(model, functions):
            found = model.decode(batch, search)

    assert set(called) == set(functions)
    best, other, same = ([getattr(one[0], "ids", one[0]) for one in x] for x in (expected, found, again))
    apart, tolerance = answers_apart(other, best)
    assert apart <= tolerance
    assert answers_apart(same, best)[0] == 0.0
