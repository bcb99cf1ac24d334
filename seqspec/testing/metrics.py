"""What metrics of texts and labels promise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from seqspec.schema.types import Classes, Logits, Tokens
from seqspec.testing.construction import Source, Written, built

_TAKES: tuple[Source, ...] = (
    {"target": Tokens(19), "given": Logits(19)},
    {"target": Classes(5), "given": Logits(5, stride=0)},
)
_PAIRS = (("a cat sat", "a cat sat"), ("a dog", "a dog ran"), ("birds sing", "the birds sang"))


def check_metric(
    plugin: str, written: Written, *, pairs: Sequence[tuple[str, str]] = _PAIRS, takes: Source | None = None
) -> None:
    """What a metric that reads texts or labels promises of ``pairs``, each a hypothesis and its reference,
    of which not all are right.

    Finite numbers under the same names at every call, the order of examples is of no consequence,
    hypotheses that are their references are ``better``, no examples are no error, the signature stays,
    and statistics of examples, where it has them, add up to its score.
    """
    sources = _TAKES if takes is None else (takes,)

    def fresh() -> Any:
        return built(plugin, "metric", written, sources).part

    one = fresh()
    assert one.reads in ("text", "labels"), (
        f"`check_metric` is for texts and labels, and it reads {one.reads}"
    )
    assert one.better in ("lower", "higher"), f"`better` is {one.better!r}, not `lower` or `higher`"
    empty = one.compute()
    scores = _scores(one, pairs)
    assert list(empty) == list(scores), "without examples it gives other names"
    assert one.compute() == scores, "a second `compute` gives other numbers"
    turned = _scores(fresh(), tuple(reversed(pairs)))
    differ = [name for name in scores if not math.isclose(scores[name], turned[name], abs_tol=1e-9)]
    assert not differ, f"the order of the examples changes {', '.join(differ)}"
    _check_best(one, scores, _scores(fresh(), [(reference, reference) for _, reference in pairs]))
    signature = one.signature()
    assert isinstance(signature, str), "its signature is no text"
    assert signature == fresh().signature() != "", "its signature depends on what it has seen"
    if hasattr(one, "statistics"):
        _check_statistics(one, pairs, scores)


def _scores(metric: Any, pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    for hypothesis, reference in pairs:
        metric.update(hypothesis, reference)
    scores: dict[str, float] = metric.compute()
    assert scores, "`compute` gives nothing"
    wild = [name for name, value in scores.items() if not math.isfinite(value)]
    assert not wild, f"{', '.join(wild)} is no finite number"
    return scores


def _check_best(metric: Any, scores: dict[str, float], best: dict[str, float]) -> None:
    name = next(iter(scores))
    right, found = best[name], scores[name]
    is_better = right > found if metric.better == "higher" else right < found
    assert is_better, (
        f"{metric.better} is better, and references as hypotheses take `{name}` from {found:g} to {right:g}"
    )


def _check_statistics(metric: Any, pairs: Sequence[tuple[str, str]], scores: dict[str, float]) -> None:
    hypotheses, references = zip(*pairs, strict=True)
    rows = metric.statistics(list(hypotheses), list(references))
    assert len(rows) == len(pairs), f"{len(rows)} statistics of {len(pairs)} examples"
    told = metric.score_of([sum(column) for column in zip(*rows, strict=True)])
    name = next(iter(scores))
    assert math.isclose(told, scores[name], rel_tol=1e-6, abs_tol=1e-9), (
        f"its statistics add up to {told:g}, and `{name}` is {scores[name]:g}"
    )
