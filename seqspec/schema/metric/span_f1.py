"""F1 of tagged spans: Tjong Kim Sang & De Meulder (2003), "Introduction to the CoNLL-2003 Shared Task", as
the own program of the task (and the package seqeval) counts.
"""

from collections.abc import Mapping
from typing import ClassVar

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_text
from seqspec.schema.types import Type


class SpanF1Config(Config):
    """A span counts where its type, first and last word are those of the reference.

    Tags are ``B-``, ``I-``, ``E-``, ``S-`` with a type, and ``O``.
    """

    percent: ClassVar[bool] = True

    strict: bool = False
    """A span that no ``B-`` or ``S-`` begins is none; otherwise a first ``I-`` begins one, as in the task."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_text(source, metric="span_f1")
