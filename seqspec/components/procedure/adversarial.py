"""Adversarial training."""

from __future__ import annotations

from seqspec.components.procedure._procedure import Procedure


class Adversarial(Procedure):
    """The critic's phase, then the generator's."""
