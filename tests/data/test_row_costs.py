"""What a row costs where a corpus is prepared and where it is opened, in calls of functions and of the system: the
same on every machine.
"""

import csv
import os
import sys
from collections import Counter

import pytest

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.data.stages.prepare import prepare

SPEC = """
seqspec: 1
name: rows
data:
  source: {type: csv, root: ROOT, splits: {train: train.csv}, source: {text: text, language: en}, target: {text: answer, language: en}}
  text: {source: {tokenizer: {type: characters}}, target: {tokenizer: words}}
  batch: {unit: examples, size: 16}
model: {type: encoder_decoder, encoder: {type: transformer, dim: 16, num_heads: 2, num_layers: 1}, decoder: {type: transformer, num_layers: 1}}
loss: cross_entropy
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-3}}
train: {max_steps: 1, checkpoint_every_steps: 1}
evaluate: {splits: [train], metrics: [perplexity]}
"""
SYSTEM = {"open", "lstat", "scandir", "listdir"}
"""Functions that ask the system of files; Python looks for modules by ``stat``."""


def counted(work):
    """Calls of Python's functions, and of the system by name."""
    seen = Counter()

    def see(frame, event, argument):
        if event == "call":
            seen["python"] += 1
        elif event == "c_call" and argument.__name__ in SYSTEM:
            seen[argument.__name__] += 1

    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """What is counted while 1,000 and 2,000 rows are prepared, and opened afterwards."""
    found = {}
    for rows in (100, 1_000, 2_000):  # the first loads what is loaded once
        root = tmp_path_factory.mktemp(f"rows{rows}")
        with (root / "train.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["text", "answer"])
            table.writerows([f"text {n} of some words", f"answer {n % 7}"] for n in range(rows))
        os.utime(root / "train.csv", (1e9, 1e9))  # what is young is hashed again
        (root / "spec.yaml").write_text(SPEC.replace("ROOT", str(root)))
        plan = compile_spec(root / "spec.yaml").plan

        def go(plan=plan, root=root):
            assert prepare(build_data(plan), cache=root / "cache", processes=1).files

        found[rows] = (counted(go), counted(go))
    return found


def test_a_row_is_prepared_by_no_more_calls_than_it_was(counts):
    (longer, _), (shorter, _) = counts[2_000], counts[1_000]

    a_row = {name: (longer[name] - shorter[name]) / 1_000 for name in longer}

    assert 40 <= a_row.pop("python") <= 47
    assert not any(a_row.values()), a_row


def test_opening_costs_no_more_than_it_did_however_many_rows_there_are(counts):
    (_, longer), (_, shorter) = counts[2_000], counts[1_000]

    assert abs(longer["python"] - shorter["python"]) <= 20
    assert 14_000 <= longer["python"] <= 18_500, longer
    assert longer["open"] <= 15
    assert longer.total() - longer["python"] <= 51, longer
