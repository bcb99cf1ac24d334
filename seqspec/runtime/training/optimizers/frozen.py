"""Parts of the model that stand still, always or until a step.

What is frozen is a function of the step alone, so that nothing of it has to be saved.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from seqspec.compile.build.program import Program
from seqspec.compile.language.paths import parse_path
from seqspec.schema.sections.initialize import Freeze


class Frozen:
    """Holds the parts that ``freeze`` names.

    Made before the optimiser: what never moves is no parameter to it.  What moves later is one from the
    beginning, and has no gradient until then; optimisers pass over a parameter without a gradient, weight
    decay included.  A tied weight that stands in a frozen part stands still everywhere.
    """

    def __init__(self, program: Program) -> None:
        self._always: list[nn.Module] = []
        self._until: list[tuple[int, nn.Module]] = []
        for freeze in program.plan.experiment.freeze:
            for module in _modules(program, freeze):
                if freeze.until_step is None:
                    module.requires_grad_(False)
                    self._always.append(module)
                else:
                    self._until.append((freeze.until_step, module))

    def hold(self, step: int) -> None:
        """Before the passes of optimiser step ``step``, from 1: running statistics stand still too.

        Evaluation sets the mode of the whole model, so this is said at every step.
        """
        for until, module in self._until:
            _statistics(module, move=step > until)
        for module in self._always:
            _statistics(module, move=False)
        for until, module in self._until:
            if step <= until:
                _statistics(module, move=False)

    def drop_gradients(self, step: int) -> None:
        """Before the update of ``step``: what stands still has no gradient, so it enters no norm either."""
        for until, module in self._until:
            if step <= until:
                for parameter in module.parameters():
                    parameter.grad = None


def _modules(program: Program, freeze: Freeze) -> Iterator[nn.Module]:
    for part in freeze.parts:
        module = program.components[parse_path(part)]
        assert isinstance(module, nn.Module)
        yield module


def _statistics(module: nn.Module, *, move: bool) -> None:
    """Layers that gather running statistics keep them as buffers of their own."""
    for layer in module.modules():
        if layer._buffers.keys() - layer._non_persistent_buffers_set:
            layer.training = move
