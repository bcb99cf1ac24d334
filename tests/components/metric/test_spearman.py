import numpy as np
import pytest

from seqspec.components.metric.spearman import Spearman
from seqspec.schema.config import Mismatch
from seqspec.schema.metric.spearman import SpearmanConfig
from seqspec.schema.types import Logits, Pairs


def scores(pairs):
    metric = Spearman(SpearmanConfig(), {})
    for pair in pairs:
        metric.update(*pair)
    return metric.compute()


def test_correlations_equal_those_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    said = rng.integers(0, 6, 200).astype(float)  # many are equal
    cosines = np.round(said / 5 + rng.normal(size=200), 1)

    found = scores(zip(cosines.tolist(), said.tolist(), strict=True))

    assert found["spearman"] == pytest.approx(stats.spearmanr(cosines, said).statistic, abs=1e-12)
    assert found["pearson"] == pytest.approx(stats.pearsonr(cosines, said).statistic, abs=1e-12)


def test_what_does_not_vary_correlates_with_nothing():
    assert scores([(0.5, 1.0), (0.5, 2.0)]) == {"spearman": 0.0, "pearson": 0.0}
    assert scores([]) == {"spearman": 0.0, "pearson": 0.0}
    assert scores([(0.1, 1.0), (0.2, 3.0), (0.9, 2.0)])["spearman"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("given", "said"), [(Pairs(4), "no field `similarity`"), (Logits(4), "vectors of pairs")]
)
def test_a_corpus_without_numbers_is_told(given, said):
    with pytest.raises(Mismatch, match=said):
        SpearmanConfig().output({"given": given})
