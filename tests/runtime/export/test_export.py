"""Every export is run in its own runtime and gives the run's answers; one that does not is refused."""

import hashlib
import importlib.util
import json
import shutil

import numpy as np
import pytest
import torch

import seqspec
from seqspec.components.graphs import substituted
from seqspec.runtime.commands.export import Request, export
from seqspec.runtime.export.comparison import substitutes
from seqspec.runtime.export.onnx_session import runner
from seqspec.runtime.export.quantization import quantize
from seqspec.runtime.export.subject import open_subject
from seqspec.runtime.export.target import Check, difference, target_names
from seqspec.schema.diagnostic import Exit, RunError

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"
)


def driver(folder):
    spec = importlib.util.spec_from_file_location("driver", folder / "driver.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Exported(folder)


@pytest.fixture(scope="module")
def onnx_recogniser(recogniser, tmp_path_factory):
    output = tmp_path_factory.mktemp("onnx") / "recogniser"
    return seqspec.open_run(recogniser).export("onnx", output=output, quantize="int8_static")


@pytest.fixture(scope="module")
def onnx_translator(translator, tmp_path_factory):
    return seqspec.open_run(translator).export("onnx", output=tmp_path_factory.mktemp("onnx") / "translator")


def test_a_recogniser_is_quantised_and_measured(onnx_recogniser):
    assert [check.passed for check in onnx_recogniser.checks] == [True] * 3
    assert {"wer", "cer", "bytes", "milliseconds a batch"} <= onnx_recogniser.quantized.table.keys()
    before, after = onnx_recogniser.quantized.table["bytes"]
    assert int(before.replace(",", "")) > 2 * int(after.split()[0].replace(",", ""))
    assert "calibrated on train; LSTM dynamic" in onnx_recogniser.quantized.how
    error = [float(one) for one in onnx_recogniser.quantized.table["cer"]]
    assert abs(error[0] - error[1]) < 0.1


@pytest.fixture(scope="module")
def measured_translator(translator):
    return open_subject(translator, threads=1)


@pytest.mark.parametrize(
    ("method", "told", "operator", "apart"),
    [
        ("int8", "dynamic int8 of MatMul", "MatMulInteger", 0.03),
        ("int8_weights", "weights of MatMul in 8 bits, a scale for 32", "MatMulNBits", 0.02),
        ("int4_weights", "weights of MatMul in 4 bits, a scale for 32", "MatMulNBits", 0.25),
    ],
)
def test_what_quantisation_costs_is_stated(
    onnx_translator, measured_translator, tmp_path, method, told, operator, apart
):
    onnx = pytest.importorskip("onnx")
    for name in ("encode.onnx", "step.onnx"):
        shutil.copyfile(onnx_translator.folder / name, tmp_path / name)
    exact = runner(tmp_path / "encode.onnx")

    done = quantize(
        measured_translator, tmp_path, target="onnx", method=method, calibrate="train", split=None
    )

    before, after = (int(one.split()[0].replace(",", "")) for one in done.table["bytes"])
    encode = measured_translator.graphs()[0]
    given = list(encode.given.values())
    operators = [node.op_type for node in onnx.load(tmp_path / "encode.onnx").graph.node]
    assert before > after
    assert operators.count(operator) >= 4
    assert after == sum(path.stat().st_size for path in tmp_path.glob("*.onnx"))
    assert told in done.how
    assert {"bleu", "milliseconds a batch"} <= done.table.keys()
    found, expected = _first(runner(tmp_path / "encode.onnx"), given), _first(exact, given)
    assert 0 < np.abs(found - expected).mean() < apart * np.abs(expected).mean()


def _first(run, given):
    """The first result that is no mask."""
    return next(x for x in run(given) if x.is_floating_point()).numpy()


def test_everything_is_described(onnx_recogniser):
    folder = onnx_recogniser.folder
    about = json.loads((folder / "export.json").read_text())
    steps = json.loads((folder / "preprocessing.json").read_text())["fields"]["source"]

    assert about["opset"] == 20
    assert about["graphs"]["log_probs"]["inputs"]["source"] == {
        "dtype": "float32",
        "shape": ["batch", "length", 80],
    }
    assert steps["sample_rate"] == 16000
    assert steps["features"]["num_bins"] == 80
    assert "synthetic" in (folder / "README.md").read_text()
    for name, told in about["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == told["sha256"]


def test_numpy_alone_decodes_as_the_run_does(onnx_translator, translator):
    subject = open_subject(translator, threads=1)
    exported = driver(onnx_translator.folder)
    for batch in subject.batches:
        with torch.inference_mode():
            expected = subject.model.decode(batch, subject.opened.run.program.search)

        found = exported.predict(batch.source.numpy(), batch.source_lengths.numpy(), max_tokens=12)

        assert found == [list(map(int, hypotheses[0].ids)) for hypotheses in expected]
        assert any(found)


def test_any_length_and_number_of_inputs(onnx_translator):
    exported = driver(onnx_translator.folder)
    source = np.full((3, 7), 5, np.int64)
    lengths = np.array([7, 1, 4], np.int64)

    together = exported.predict(source, lengths, max_tokens=6)
    alone = [
        exported.predict(source[n : n + 1, :size], lengths[n : n + 1], max_tokens=6)[0]
        for n, size in enumerate(lengths)
    ]

    assert together == alone


@pytest.mark.parametrize("target", ["safetensors", "ctranslate2"])
def test_a_translator_goes_elsewhere(translator, tmp_path, target):
    done = seqspec.open_run(translator).export(target, output=tmp_path / target)

    assert done.checks
    assert all(check.passed for check in done.checks)


def test_torch_export_of_a_translator(translator, tmp_path):
    done = seqspec.open_run(translator).export("torch_export", output=tmp_path / "pt2")
    card = (done.folder / "README.md").read_text("utf-8")
    (call,) = (line for line in card.splitlines() if "torch.export.load('encode.pt2')" in line)
    named = {"torch": torch, "source": torch.full((2, 7), 5), "lengths": torch.tensor([7, 4])}
    exec(call.replace("'encode.pt2'", repr(str(done.folder / "encode.pt2"))), named)

    compared = [check.what for check in done.checks]
    assert named["memory_mask"].shape == (2, 1, 1, 7)
    assert "step: next_past_0" in compared
    assert compared[-1].startswith("best answers of ")


def test_what_differs_is_refused_and_leaves_nothing(translator, tmp_path, monkeypatch):
    from seqspec.runtime.export.targets import safetensors

    monkeypatch.setattr(safetensors, "compare", lambda subject, folder: [Check("weights", 0.5, 0.0)])

    outcome = export(Request(translator, "safetensors", output=tmp_path / "out"))

    assert outcome.exit == Exit.DRIFT
    assert "weights: 5.00e-01" in outcome.error
    assert list(tmp_path.iterdir()) == []


def test_the_search_really_runs_elsewhere(translator):
    subject = open_subject(translator, threads=1)
    called = []

    def refuse(given):
        called.append(len(given))
        raise RuntimeError("here")

    runners = {"encode": refuse, "step": refuse}
    with (
        substituted(subject.model, substitutes(subject.graphs(), runners)),
        pytest.raises(RuntimeError, match="here"),
    ):
        subject.answers(subject.batches[0])
    subject.answers(subject.batches[0])

    assert called == [2]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"target": "onyx"}, "there is no target `onyx`"),
        ({"target": "ctranslate2"}, "does not run models `ctc`"),
        ({"target": "safetensors", "quantize": "int8"}, "works on `--to onnx`"),
        ({"target": "safetensors", "checkpoint": "worst"}, "there is no checkpoint 'worst'"),
    ],
)
def test_a_mistake_is_one_message(recogniser, tmp_path, changes, told):
    outcome = export(Request(**{"run": recogniser, "output": tmp_path / "out", **changes}))

    assert outcome.exit == Exit.USAGE
    assert told in outcome.error
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_there_is_kept(recogniser, tmp_path):
    (tmp_path / "mine").write_text("x")

    with pytest.raises(RunError, match="is there already"):
        seqspec.open_run(recogniser).export("safetensors", output=tmp_path)

    assert (tmp_path / "mine").read_text() == "x"


def test_the_listing_is_the_targets():
    assert {"ctranslate2", "onnx", "safetensors", "torch_export"} <= set(target_names())


@pytest.mark.parametrize(
    ("a", "b", "apart"),
    [
        ([1.0, -np.inf], [1.0, -np.inf], 0.0),
        ([0.0], [np.nan], np.inf),
        ([1.5], [1.0], 0.25),
        ([1.0], [1.0, 2.0], np.inf),
    ],
)
def test_how_far_results_are_apart(a, b, apart):
    assert difference(np.array(a), np.array(b)) == apart
