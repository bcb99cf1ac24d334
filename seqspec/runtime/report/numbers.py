"""Metrics as people read them."""

from __future__ import annotations

from functools import cache

from seqspec.schema.catalogue import Catalogue


def shown(name: str, value: float) -> str:
    """A metric as people read it: a fraction in per cent where its config declares ``percent``; JSON always
    holds the fraction.
    """
    return f"{100 * value:.2f} %" if is_rate(name) else f"{value:.4f}"


@cache
def is_rate(name: str) -> bool:
    """Whether the metric behind ``name``, such as ``f1_macro`` or ``wer_deletions``, declares ``percent``."""
    catalogue = Catalogue()
    known = set(catalogue.names("metric"))
    words = name.split("_")
    types = ("_".join(words[:count]) for count in range(len(words), 0, -1))
    type_ = next((one for one in types if one in known), None)
    return type_ is not None and bool(getattr(catalogue.config("metric", type_), "percent", False))
