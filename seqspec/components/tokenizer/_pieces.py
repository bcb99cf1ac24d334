"""What SentencePiece is trained on: distinct words with their counts, and the substrings that unigram
training starts from.

Left to itself, the library starts from the branching nodes of a suffix tree over whole lines.  A word that is
always followed by a space is none of them (its node is the word with that space, which is no legal piece), so
most words of text that was cut into words are spelt by their letters.  Here every substring of a word is
counted.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SPACE = "▁"
"""U+2581, the library's mark for a space."""
LONGEST_LINE = 4192
"""Bytes: the library skips longer training lines in silence, so they are cut."""
_MOST_LETTERS = 2_000_000
"""Letters of distinct words, the most frequent ones, whose substrings are counted: some 200,000 words."""
_MOST_SEEDS = 1_000_000
"""Substrings that training starts from, as in the library."""
_SURROGATES = {code: "\ufffd" for code in range(0xD800, 0xE000)}


@dataclass(frozen=True)
class TrainingText:
    """Lines of text without what the library cannot take."""

    lines: tuple[str, ...]
    num_lines: int
    """Lines that there were, before some were drawn."""

    def words(self, *, prefix_space: bool) -> Counter[str]:
        """Each word, with the space before it, and how often it stands."""
        words: Counter[str] = Counter()
        for line in self.lines:
            words.update(_words(line, prefix_space=prefix_space))
        return words


def training_text(texts: Iterable[str], *, max_lines: int, seed: int) -> TrainingText:
    """Lines that hold more than white space; of more than ``max_lines``, as many drawn at random (Vitter
    1985, algorithm R).
    """
    chooser = random.Random(seed)
    kept: list[str] = []
    count = 0
    for text in texts:
        if not text.strip():
            continue
        count += 1
        if len(kept) < max_lines:
            kept.append(text)
        elif (place := chooser.randrange(count)) < max_lines:
            kept[place] = text
    return TrainingText(tuple(line for text in kept for line in _lines(text)), count)


def repeats(words: Counter[str]) -> bool:
    """Whether words stand twice or more on average; else they are lines of a script without spaces."""
    return words.total() >= 2 * len(words)


def weighted(words: Counter[str]) -> Iterator[str]:
    """Words with their counts as the library reads them, in an order of their own."""
    for word in sorted(words):
        yield f"{word.replace(SPACE, ' ')}\t{words[word]}"


def seeds(words: Counter[str], *, longest: int) -> list[tuple[str, int]]:
    """Substrings of two letters and more with their counts, the best first: by count times length."""
    found: Counter[str] = Counter()
    letters = 0
    for word, count in sorted(words.items(), key=lambda item: (-item[1], item[0])):
        letters += len(word)
        if letters > _MOST_LETTERS:
            break
        for start in range(len(word) - 1):
            for end in range(start + 2, min(len(word), start + longest) + 1):
                found[word[start:end]] += count
    kept = [(piece, count) for piece, count in found.items() if count >= 2 and SPACE not in piece[1:]]
    kept.sort(key=lambda item: (-item[1] * len(item[0]), item[0]))
    return kept[:_MOST_SEEDS]


def encodable(text: str) -> str:
    """``text`` with lone surrogates, which UTF-8 cannot hold, as U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.translate(_SURROGATES)
    return text


def _words(line: str, *, prefix_space: bool) -> Sequence[str]:
    first, *rest = line.split(" ")
    return [SPACE + first if prefix_space else first, *(SPACE + word for word in rest)]


def _lines(text: str) -> Iterator[str]:
    """A line short enough for the library; a cut never falls inside a code point."""
    step = LONGEST_LINE // 4
    clean = encodable(text).replace("\0", " ").replace("\n", " ").replace("\t", " ")
    if len(clean) <= step:
        yield clean
    else:
        yield from (clean[i : i + step] for i in range(0, len(clean), step))
