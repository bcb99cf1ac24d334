"""ROUGE-N, ROUGE-L and ROUGE-Lsum: F1, averaged over examples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import Compared, segmenter_name, signature
from seqspec.schema.metric.rouge import RougeConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type

_NOT_WORD = re.compile(r"[^a-z0-9]+")
Words = Sequence[str]


class Rouge:
    """Mean F1 over examples, as fractions."""

    reads = "text"
    better = "higher"

    def __init__(self, config: RougeConfig, takes: Mapping[str, Type], parts: Any) -> None:
        self._compared = Compared(tuple(parts.list("normalize")))
        self._segmenter = parts("segment")
        self._variants = tuple(config.variants)
        self._sums = dict.fromkeys(self._variants, 0.0)
        self._examples = 0

    def update(self, hypothesis: str, reference: str) -> None:
        """Score one pair."""
        hypotheses, references = self._sentences(hypothesis), self._sentences(reference)
        for variant in self._variants:
            self._sums[variant] += _score(variant, hypotheses, references)
        self._examples += 1

    def compute(self) -> dict[str, float]:
        """``rouge`` is the first variant; every variant stands under its own name, such as ``rouge_1``."""
        means = {f"rouge_{v}": self._sums[v] / max(self._examples, 1) for v in self._variants}
        return {"rouge": means[f"rouge_{self._variants[0]}"], **means}

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> list[tuple[float, int]]:
        """The first variant's F1 of each example, and one."""
        pairs = zip(hypotheses, references, strict=True)
        first = self._variants[0]
        return [(_score(first, self._sentences(one), self._sentences(other)), 1) for one, other in pairs]

    def score_of(self, sums: Sequence[float]) -> float:
        """``rouge`` of summed scores."""
        total, examples = sums
        return float(total) / max(float(examples), 1.0)

    def signature(self) -> str:
        """What decides the score."""
        words = "a-z0-9" if self._segmenter is None else segmenter_name(self._segmenter)
        variants = "+".join(self._variants)
        named = (("metric", f"rouge-{variants}"), ("words", words), ("normalize", self._compared.names()))
        return signature([*named, ("stemmer", "no"), ("mean", "f1")])

    def _sentences(self, text: str) -> list[list[str]]:
        return [self._words(self._compared(line)) for line in text.split("\n") if line.strip()]

    def _words(self, text: str) -> list[str]:
        if self._segmenter is not None:
            return list(self._segmenter.words(text))
        return _NOT_WORD.sub(" ", text.lower()).split()


def _score(variant: str, hypotheses: list[list[str]], references: list[list[str]]) -> float:
    hypothesis = [word for sentence in hypotheses for word in sentence]
    reference = [word for sentence in references for word in sentence]
    match variant:
        case "L":
            return _f1(len(_common(reference, hypothesis)), len(hypothesis), len(reference))
        case "Lsum":
            return _f1(_union(hypotheses, references), len(hypothesis), len(reference))
        case _:
            mine, theirs = _ngrams(hypothesis, int(variant)), _ngrams(reference, int(variant))
            return _f1((mine & theirs).total(), mine.total(), theirs.total())


def _f1(shared: int, hypothesis: int, reference: int) -> float:
    return 2 * shared / (hypothesis + reference) if shared else 0.0


def _ngrams(words: Words, order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))


def _union(hypotheses: list[list[str]], references: list[list[str]]) -> int:
    """Section 3.2: words of each reference sentence that lie on its longest common subsequence with any
    hypothesis sentence.
    """
    left_hypothesis = Counter(word for sentence in hypotheses for word in sentence)
    left_reference = Counter(word for sentence in references for word in sentence)
    hits = 0
    for reference in references:
        covered = set().union(*(_common(reference, hypothesis) for hypothesis in hypotheses))
        for word in (reference[i] for i in sorted(covered)):
            if left_hypothesis[word] > 0 and left_reference[word] > 0:
                left_hypothesis[word] -= 1
                left_reference[word] -= 1
                hits += 1
    return hits


def _common(reference: Words, hypothesis: Words) -> list[int]:
    """Places in ``reference`` of one longest common subsequence."""
    rows, columns = len(reference), len(hypothesis)
    length = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows):
        for j in range(columns):
            same = reference[i] == hypothesis[j]
            length[i + 1][j + 1] = length[i][j] + 1 if same else max(length[i][j + 1], length[i + 1][j])
    found: list[int] = []
    i, j = rows, columns
    while i and j:
        if reference[i - 1] == hypothesis[j - 1]:
            i, j = i - 1, j - 1
            found.append(i)
        elif length[i - 1][j] > length[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return found[::-1]
