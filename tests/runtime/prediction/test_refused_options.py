"""Options of ``predict`` that a model cannot serve are refused before it is loaded."""

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.assembly.default_search import check_hypotheses, check_probabilities, search_config
from seqspec.schema.diagnostic import RunError

SPEC = """
seqspec: 1
name: small
data:
  source: {type: conll, synthetic: 20, language: en}
  text: {source: {tokenizer: characters}, target: {tokenizer: words}}
  batch: {unit: examples, size: 4}
model: {type: token_classifier, encoder: {type: transformer, dim: 8, num_layers: 1, num_heads: 2}}
loss: cross_entropy
optimizer: {type: adamw, schedule: {type: constant, peak: 1.0e-3}}
train: {max_steps: 2}
evaluate: {every_steps: 2, metrics: [span_f1]}
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    file = tmp_path_factory.mktemp("spec") / "small.yaml"
    file.write_text(SPEC)
    return compile_spec(file).plan


def test_what_fills_given_places_is_not_searched(plan):
    assert search_config(plan) is None

    with pytest.raises(RunError, match="one prediction for each input"):
        check_hypotheses(plan, 3)
    check_hypotheses(plan, 1)


def test_probabilities_need_classes(plan):
    with pytest.raises(RunError, match="no probability of each class"):
        check_probabilities(plan)
