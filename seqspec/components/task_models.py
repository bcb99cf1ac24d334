"""The models of several tasks as one module, which is what an optimiser moves and a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn


class Together(nn.Module):
    """Holds ``shared`` parts, then the models of ``tasks``, by name: ``shared.body.…``, ``tasks.asr.…``.

    A weight that several tasks use stands under its first name, as every tied weight does.  It computes
    nothing itself.
    """

    def __init__(self, *, shared: Mapping[str, nn.Module], tasks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.shared = _Named(shared)
        self.tasks = _Named(tasks)


class _Named(nn.Module):
    """Modules by any name, one that is a method of modules too."""

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self._modules.update(modules)
