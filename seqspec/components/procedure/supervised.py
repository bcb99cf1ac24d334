"""Supervised training."""

from __future__ import annotations

from seqspec.components.procedure._procedure import Procedure


class Supervised(Procedure):
    """One phase."""
