"""DiLoCo; the replicas themselves are in ``runtime/training/strategies/replicas.py``."""

from __future__ import annotations

from seqspec.components.procedure._procedure import Procedure


class Diloco(Procedure):
    """One phase, once for each replica."""
