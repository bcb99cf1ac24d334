"""Sentences of a tiny grammar, the same meaning in any language, so that a small model can learn to translate
them.

English, Japanese and German have real words and their own word order; other languages get made-up words.
Everything follows from the generator that is handed in, which is seeded by text so that it is the same on
every machine.
"""

from __future__ import annotations

import random
from typing import Literal, NamedTuple

_NOUNS = (
    ("dog", "犬", "Hund"), ("cat", "猫", "Kater"), ("bird", "鳥", "Vogel"),
    ("child", "子供", "Junge"), ("teacher", "先生", "Lehrer"), ("friend", "友達", "Freund"),
    ("doctor", "医者", "Arzt"), ("book", "本", "Roman"), ("letter", "手紙", "Brief"),
    ("apple", "りんご", "Apfel"), ("fish", "魚", "Fisch"), ("train", "電車", "Zug"),
    ("song", "歌", "Gesang"), ("picture", "絵", "Film"), ("camera", "カメラ", "Apparat"),
    ("garden", "庭", "Garten"), ("cake", "ケーキ", "Kuchen"), ("king", "王様", "König"),
)  # fmt: skip
_VERBS = (
    ("saw", "見た", "sah"), ("bought", "買った", "kaufte"),
    ("found", "見つけた", "fand"), ("liked", "好んだ", "mochte"),
    ("drew", "描いた", "malte"), ("forgot", "忘れた", "vergaß"),
    ("waited for", "待った", "erwartete"), ("chose", "選んだ", "wählte"),
)  # fmt: skip
_ADJECTIVES = (
    ("small", "小さい", "kleine"), ("big", "大きい", "große"), ("red", "赤い", "rote"),
    ("new", "新しい", "neue"), ("old", "古い", "alte"), ("kind", "優しい", "liebe"),
    ("quiet", "静かな", "stille"),
)  # fmt: skip
_TIMES = (
    ("yesterday", "昨日", "gestern"), ("this morning", "今朝", "heute früh"),
    ("last year", "去年", "letztes Jahr"), ("in the evening", "夕方", "am Abend"),
)  # fmt: skip
_LANGUAGES = {"en": 0, "ja": 1, "de": 2}
_SYLLABLES = ("ka", "lo", "mi", "su", "te", "ra", "no", "pi", "ve", "du", "sha", "gen")


class Meaning(NamedTuple):
    """What a sentence says: indices into the word lists; -1 where the part is absent."""

    subject: int
    verb: int
    thing: int
    subject_adjective: int
    thing_adjective: int
    time: int


def generator(*parts: object) -> random.Random:
    """A generator that depends on ``parts`` alone."""
    return random.Random("/".join(map(str, parts)))


def draw(rng: random.Random) -> Meaning:
    """A random meaning; adjectives and a time stand in some."""
    subject, thing = rng.sample(range(len(_NOUNS)), 2)
    verb = rng.randrange(len(_VERBS))
    return Meaning(
        subject, verb, thing, _maybe(rng, _ADJECTIVES), _maybe(rng, _ADJECTIVES), _maybe(rng, _TIMES)
    )


def render(meaning: Meaning, language: str) -> str:
    """The meaning as a sentence, lower-cased and with its final stop."""
    code = language.split("-")[0].lower()
    if code == "ja":
        return _japanese(meaning)
    subject = _phrase(meaning.subject_adjective, meaning.subject, code, article={"en": "the", "de": "der"})
    thing = _phrase(meaning.thing_adjective, meaning.thing, code, article={"en": "the", "de": "den"})
    time, verb = _word(_TIMES, meaning.time, code), _word(_VERBS, meaning.verb, code)
    inverted = code == "de" and meaning.time >= 0
    words = (time, verb, subject, thing) if inverted else (time, subject, verb, thing)
    return " ".join(word for word in words if word) + " ."


def sentence(rng: random.Random, language: str) -> str:
    """One random sentence."""
    return render(draw(rng), language)


def word(index: int, kind: Literal["noun", "verb", "adjective", "time"]) -> str:
    """An English word of a meaning; nothing where the part is absent."""
    lists = {"noun": _NOUNS, "verb": _VERBS, "adjective": _ADJECTIVES, "time": _TIMES}
    return lists[kind][index][0] if index >= 0 else ""


def phrase(rng: random.Random, *, words: int) -> str:
    """A few short English words, upper-cased: what the synthetic speakers of the English corpora say."""
    pool = [
        word[0]
        for group in (_NOUNS, _VERBS, _ADJECTIVES)
        for word in group
        if len(word[0]) <= 5 and " " not in word[0]
    ]
    return " ".join(rng.choice(pool) for _ in range(words)).upper()


def _maybe(rng: random.Random, words: tuple[tuple[str, str, str], ...]) -> int:
    return rng.randrange(len(words)) if rng.random() < 0.5 else -1


def _japanese(meaning: Meaning) -> str:
    subject = _word(_ADJECTIVES, meaning.subject_adjective, "ja") + _word(_NOUNS, meaning.subject, "ja")
    thing = _word(_ADJECTIVES, meaning.thing_adjective, "ja") + _word(_NOUNS, meaning.thing, "ja")
    return f"{_word(_TIMES, meaning.time, 'ja')}{subject}が{thing}を{_word(_VERBS, meaning.verb, 'ja')}。"


def _phrase(adjective: int, noun: int, code: str, *, article: dict[str, str]) -> str:
    words = (article.get(code, ""), _word(_ADJECTIVES, adjective, code), _word(_NOUNS, noun, code))
    return " ".join(word for word in words if word)


def _word(words: tuple[tuple[str, str, str], ...], index: int, code: str) -> str:
    if index < 0:
        return ""
    column = _LANGUAGES.get(code)
    if column is not None:
        return words[index][column]
    rng = generator(code, words[index][0])
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 3)))
