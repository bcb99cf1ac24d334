"""A procedure as the runtime reads it."""

from __future__ import annotations

from collections.abc import Sequence

from seqspec.schema.procedure._procedure import Apart, Phase, ProcedureConfig
from seqspec.schema.types import Type


class Procedure:
    """Gives the phases that its config declares; the runtime carries them out."""

    def __init__(self, config: ProcedureConfig, source: Type) -> None:
        self._config = config

    def phases(self, optimizers: Sequence[str]) -> tuple[Phase, ...]:
        """The cycle of one training step."""
        return self._config.phases(optimizers)

    def apart(self) -> Apart | None:
        """Whether the repeats of the phase are replicas that train apart."""
        return self._config.apart()

    def told(self) -> dict[str, float]:
        """What it has learned, by the names of the journal."""
        return {}
