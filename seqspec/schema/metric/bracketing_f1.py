"""Labelled bracketing F1 of parse trees: Black et al. (1991), "A Procedure for Quantitatively Comparing the
Syntactic Coverage of English Grammars", DARPA workshop; as the evalb program counts with its usual settings.

Trees are linearised as in Vinyals et al. (2015), "Grammar as a Foreign Language", arXiv:1412.7449: ``(S (NP
XX )NP )S``.
"""

from collections.abc import Mapping
from typing import ClassVar

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_text
from seqspec.schema.types import Type


class BracketingF1Config(Config):
    """Brackets are compared by label, first word and last word; brackets over one part of speech do not
    count.
    """

    percent: ClassVar[bool] = True

    ignore: list[str] = ["TOP", "ROOT", "S1"]
    """Labels that do not count."""
    punctuation: list[str] = [",", ":", "``", "''", "."]
    """Parts of speech that are no words when places are counted."""
    equal: dict[str, str] = {"PRT": "ADVP"}
    """Labels that count as another."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_text(source, metric="bracketing_f1")
