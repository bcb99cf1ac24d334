"""Adversarial training: Goodfellow et al. (2014), "Generative Adversarial Nets", arXiv:1406.2661,
algorithm 1.
"""

from collections.abc import Sequence

from seqspec.schema.procedure._procedure import Phase, ProcedureConfig
from seqspec.schema.units import Positive


class AdversarialConfig(ProcedureConfig):
    """A critic learns to tell data from what a generator makes, then the generator learns to mislead it.

    One training step takes ``critic_steps`` batches for the critic and one for the generator.
    """

    critic_steps: Positive = 1
    """Updates of the critic before each update of the generator."""
    critic: str = "critic"
    """Name of the critic's optimiser."""
    generator: str = "generator"
    """Name of the generator's optimiser."""
    critic_losses: list[str] = ["critic"]
    """Losses that the critic makes small."""
    generator_losses: list[str] = ["generator"]
    """Losses that the generator makes small."""

    def phases(self, optimizers: Sequence[str]) -> tuple[Phase, ...]:
        return (
            Phase("critic", self.critic, tuple(self.critic_losses), repeats=self.critic_steps),
            Phase("generator", self.generator, tuple(self.generator_losses)),
        )
