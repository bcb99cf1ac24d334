"""What is told of the section `sweep`; it is no part of the experiment."""

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.schema.diagnostic import SpecError
from tests.compile.experiments import spec

PEAK = "optimizer.schedule.peak"


def compiled(folder, **sweep):
    change = {"sweep": {"space": {PEAK: {"log_uniform": [1e-4, 1e-3]}}} | sweep} if sweep else {}
    return compile_spec(spec(folder, task="mt", change=change))


def test_no_digest_depends_on_it(tmp_path):
    plain = compiled(tmp_path).plan.digests

    assert compiled(tmp_path, trials=7, repeat={"best": 2}, budget=10**6).plan.digests == plain


@pytest.mark.parametrize(
    ("sweep", "code", "words"),
    [
        ({"space": {PEAK: {"log_uniform": [0, 1e-3]}}}, "SQ385", "starts above 0"),
        ({"space": {PEAK: {"uniform": [1e-3, 1e-4]}}}, "SQ385", "a lower and a higher bound"),
        ({"space": {PEAK: {"uniform": [0, 1], "choice": [1]}}}, "SQ385", "no kind of range"),
        ({"space": {"seed": [1, 2]}}, "SQ385", "no setting to search"),
        ({"metric": "test.bleu"}, "SQ386", "must not choose by `test`"),
        ({"metric": "bluo"}, "SQ386", "does not measure `bluo`"),
        ({"metric": "dev_other.bleu"}, "SQ386", "does not evaluate on `dev_other`"),
        ({"halving": {"rungs": [7]}}, "SQ387", "no evaluation at step 7"),
        ({"halving": {"rungs": [10**9]}}, "SQ387", "the run ends at step"),
    ],
)
def test_a_mistake_is_told_once(sweep, code, words, tmp_path):
    with pytest.raises(SpecError) as caught:
        compiled(tmp_path, **sweep)

    [told] = caught.value.diagnostics
    assert told.code == code
    assert words in told.message
