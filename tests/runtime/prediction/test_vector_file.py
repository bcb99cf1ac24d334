"""Vectors of all inputs in one file, and their correlation with what people said."""

import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from seqspec.cli_results import results
from seqspec.compile.pipeline import compile
from seqspec.components.predictions import TextPrediction
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.input import of_text
from seqspec.runtime.prediction.predictor import Prediction
from seqspec.runtime.prediction.vector_file import stacked_in
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import RunError

SPEC = """
seqspec: 1
name: pairs
data:
  source: {{type: csv, root: "{place}", splits: {{train: a.csv, dev: b.csv}}, source: {{text: x, language: en}}, target: {{text: y, language: en}}, fields: {{similarity: {{number: s}}}}}}
  text: {{shared: {{tokenizer: characters}}}}
  batch: {{unit: examples, size: 4}}
model: {{type: dual_encoder, encoder: {{type: transformer, num_layers: 1, dim: 8, num_heads: 2}}}}
loss: contrastive
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [dev], metrics: [spearman]}}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    place = tmp_path_factory.mktemp("vectors")
    rows = [(f"ab{i}", f"cd{i * 3 % 7}", i % 4) for i in range(12)]
    for name in ("a.csv", "b.csv"):
        with open(place / name, "w", newline="") as file:
            csv.writer(file).writerows([("x", "y", "s"), *rows])
    (place / "spec.yaml").write_text(SPEC.format(place=place))
    return run(compile(place / "spec.yaml"), runs=place, launch=Launch(quiet=True, threads=1))


def test_pairs_are_judged_by_their_ranks(done):
    metrics = done.evaluated["dev"].metrics

    assert -1 <= metrics["spearman"] <= 1
    assert {"spearman", "pearson"} <= metrics.keys()


def predicted(done, text, file):
    source = file.parent / "in.txt"
    source.write_text(text)
    asked = ["predict", str(done.folder.path), str(source), "--vectors", str(file), "--device", "cpu"]
    found = CliRunner().invoke(results, asked)
    return found.exit_code, found


def test_rows_are_the_inputs_in_order(done, tmp_path):
    code, printed = predicted(done, "ab1\n\ncd2\nab1\n", tmp_path / "v.npy")

    table = np.load(tmp_path / "v.npy", allow_pickle=False)
    assert code == 0
    assert (table.dtype, table.shape) == (np.float32, (4, 8))
    np.testing.assert_allclose(np.linalg.norm(table[[0, 2, 3]], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(table[0], table[3], atol=1e-6)
    assert np.isnan(table[1]).all()
    assert printed.stdout.splitlines()[0] == "v.npy[0]"


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no \.npy file"):
        list(stacked_in(tmp_path / "v.txt", iter(())))


def test_texts_are_no_vectors(tmp_path):
    text = Prediction(of_text("a"), (TextPrediction("b", 0.0),))

    with pytest.raises(RunError, match="predicts no vectors") as raised:
        list(stacked_in(tmp_path / "v.npy", iter([text])))

    assert raised.value.exit == 2
    assert not (tmp_path / "v.npy").exists()
