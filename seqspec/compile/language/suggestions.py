"""Did you mean: the nearest valid name, and what other frameworks call our settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The one choice that ``word`` is most likely a slip of, or ``None``.

    At most a third of the letters may differ; exchanged neighbours count once.  Ties go to the
    choice with the same letters, then to the one that starts alike.
    """
    best: tuple[int, bool, int, str] | None = None
    for choice in choices:
        most = max(1, max(len(word), len(choice)) // 3)
        away = distance(word.lower(), choice.lower(), most)
        if away <= most:
            rank = (away, sorted(word) != sorted(choice), -_common_start(word, choice), choice)
            best = rank if best is None else min(best, rank)
    return best[3] if best else None


def which(word: str, choices: Sequence[str], *, there: str) -> str:
    """A remedy for a word that is none of few choices: the nearest, and all; ``there`` begins their list."""
    close = nearest(word, choices)
    listed = f"{there} {', '.join(f'`{one}`' for one in choices)}"
    return f"did you mean `{close}`?   ({listed})" if close else listed


def nearest_or_listed(
    word: str, choices: Sequence[str], *, there: str, most: int | None = None, empty: str = ""
) -> str:
    """A remedy for a word that is none of the choices: the nearest, else a list of ``most`` of them that
    ``there`` begins; ``empty`` where there is no choice.
    """
    close = nearest(word, choices)
    if close:
        return f"did you mean `{close}`?"
    return f"{there} {', '.join(f'`{one}`' for one in choices[:most])}" if choices else empty


def distance(left: str, right: str, most: int) -> int:
    """Edits that turn one word into the other, an exchange of neighbours as one; at most ``most + 1``.

    Optimal string alignment: Damerau (1964), "A technique for computer detection and correction of spelling
    errors".
    """
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def _common_start(left: str, right: str) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
    )
