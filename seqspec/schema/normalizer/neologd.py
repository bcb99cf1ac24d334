"""The clean-up of the mecab-ipadic-NEologd project: for noisy text of the web, never for references or
speech.

Sato, Hashimoto and Okumura (2017), "Implementation of a word segmentation dictionary called
mecab-ipadic-NEologd and study on how to use it effectively for information retrieval", NLP (in Japanese); the
rules are on the project's page "Regexp.ja".

It loses text for good: tildes vanish, so ``1467〜1487年`` becomes ``14671487年``; ``すごーーーい`` becomes
``すごーい``; spaces next to Japanese letters vanish, so ``ハロー　ジャパン`` becomes one word.  It does not
touch ``㍿`` or ``①``.
"""

from typing import Literal

from seqspec.schema.config import Config


class NeologdConfig(Config):
    """The losses are these settings' to soften."""

    tildes: Literal["remove", "keep", "wave"] = "remove"
    """Tildes and wave dashes: gone, left alone, or all of them ``〜``."""
    spaces: Literal["remove", "keep"] = "remove"
    """Spaces next to Japanese letters: gone, or left alone."""
