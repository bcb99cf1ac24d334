"""Functions that are lowered to other kernels or compiled give in their own runtime what the run gives."""

import shutil

import pytest
import torch

from seqspec.runtime.devices.recurrence_sizes import bind_sizes
from seqspec.runtime.export.comparison import compare_graphs
from seqspec.runtime.export.target import target_of
from seqspec.runtime.export.targets import aot_inductor, executorch
from seqspec.runtime.export.tracing import arguments, dynamic_shapes
from seqspec.schema.diagnostic import Exit, RunError
from tests.runtime.export.families import tried

pytestmark = pytest.mark.filterwarnings("ignore")
COMPILER = next(filter(None, map(shutil.which, ("g++", "clang++"))), None)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def different(subject, runners):
    checks = compare_graphs(subject, runners)
    assert checks
    return [check.line() for check in checks if not check.passed]


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["image_mnist_lenet5", "lm_shakespeare_char", "vae_mnist"])
def test_executorch_runs_what_it_is_given(spec, cache, tmp_path):
    pytest.importorskip("executorch.exir", reason="executorch is not installed")
    subject = tried(spec, cache)

    told = executorch.write(subject, tmp_path)
    runners = {
        graph.name: executorch.runner(graph, tmp_path / f"{graph.name}.pte") for graph in subject.graphs()
    }

    assert {path.suffix for path in tmp_path.iterdir()} == {".pte"}
    assert set(told["graphs"]) == set(runners)
    assert different(subject, runners) == []


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler on this machine")
def test_compiled_code_runs_batches_of_any_size(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    subject = tried("gan_mnist", cache)

    told = aot_inductor.write(subject, tmp_path)
    runners = {name: aot_inductor.runner(tmp_path / one["file"]) for name, one in told["graphs"].items()}

    assert different(subject, runners) == []
    noise = torch.randn(7, *subject.graphs()[0].given["noise"].shape[1:])
    whole = runners["generate"]([noise])[0]
    torch.testing.assert_close(whole[:2], runners["generate"]([noise[:2]])[0], atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler on this machine")
def test_compiled_recurrences_run_sequences_of_any_length(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    subject = tried("asr_librispeech_ctc", cache)

    told = aot_inductor.write(subject, tmp_path)
    runners = {name: aot_inductor.runner(tmp_path / one["file"]) for name, one in told["graphs"].items()}

    assert different(subject, runners) == []
    graph = subject.graphs()[0]
    source, lengths = graph.given.values()
    shorter = source[:2, :37], lengths[:2].clamp(max=37)
    for found, expected in zip(runners["log_probs"](shorter), graph.function(*shorter), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_recurrence_is_handed_the_sizes_that_its_length_is_made_of(cache):
    (graph,) = tried("asr_librispeech_ctc", cache).graphs()
    given = arguments(graph)
    program = torch.export.export(graph.function.eval(), given, dynamic_shapes=dynamic_shapes(graph))

    bind_sizes(program)

    nodes = program.graph.find_nodes(op="call_function", target=torch.ops.higher_order.scan)
    assert len(nodes) == 2
    for node in nodes:
        sizes = [one for one in node.args[3] if one.target is torch.ops.aten.sym_size.int]
        assert [one.args[1] for one in sizes] == [0, 1]
    for found, expected in zip(program.module()(*given), graph.function(*given), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_missing_compiler_is_told(monkeypatch):
    from torch._inductor import cpp_builder, exc

    def none():
        raise exc.InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none)

    with pytest.raises(RunError, match="needs a C\\+\\+ compiler") as told:
        target_of("aot_inductor").require()

    assert told.value.exit == Exit.USAGE
