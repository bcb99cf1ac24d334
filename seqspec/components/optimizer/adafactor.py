"""Adafactor with Tensor2Tensor's formulas: Shazeer and Stern (2018), arXiv:1804.04235.

torch's own Adafactor differs: its epsilon enters elsewhere, its defaults are others, and it has no momentum.
"""

# R rows, C columns: the two widest axes of a parameter; every other axis is kept.

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seqspec.components.optimizer._groups import NamedParameters, trainable
from seqspec.schema.optimizer.adafactor import AdafactorConfig
from seqspec.schema.types import Type


class Adafactor:
    def __init__(self, config: AdafactorConfig, source: Type, parts: object) -> None:
        power = config.decay_rate == "power"
        self._settings = {
            "lr": config.schedule.rate(1),
            "beta1": config.beta1,
            "exponent": config.exponent if power else None,
            "beta2": None if power else config.beta2,
            "clip_rms": config.clip_rms,
            "scale_by_parameter": config.scale_by_parameter,
            "factored": config.factored,
            "epsilon1": config.epsilon1,
            "epsilon2": config.epsilon2 if config.scale_by_parameter else None,
        }

    def build(self, named_parameters: NamedParameters) -> torch.optim.Optimizer:
        return _Adafactor(trainable(named_parameters), self._settings)


class _Adafactor(torch.optim.Optimizer):
    @torch.no_grad()
    def begun(self, parameter: Tensor) -> dict[str, Tensor]:
        """State of one of its parameters that has not moved yet; where processes share it, all must ask."""
        (group,) = (g for g in self.param_groups if any(parameter is one for one in g["params"]))
        return _begun(parameter, group)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    _update(parameter, self.state[parameter], group)
        return loss


def _update(parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    gradient = parameter.grad
    assert gradient is not None
    if not state:
        state.update(_begun(parameter, group))
    state["step"] += 1
    squares = gradient.square().add_(group["epsilon1"])
    decay = _decay(int(state["step"]), group)
    if "rows" in state:
        rows, columns = _axes(parameter)
        state["rows"].mul_(decay).add_(_mean(squares, columns), alpha=1 - decay)
        state["columns"].mul_(decay).add_(_mean(squares, rows), alpha=1 - decay)
        row_R, column_C = state["rows"], state["columns"]
        whole = row_R.mean(rows if rows < columns else rows - 1, keepdim=True)
        update = gradient * (row_R / whole).rsqrt().unsqueeze(columns) * column_C.rsqrt().unsqueeze(rows)
    else:
        state["squares"].mul_(decay).add_(squares, alpha=1 - decay)
        update = gradient * state["squares"].rsqrt()
    if group["clip_rms"] is not None:
        update /= (_rms(update) / group["clip_rms"]).clamp_(min=1.0)
    scale: Any = group["lr"]
    if group["scale_by_parameter"]:
        scale = scale * _rms(parameter).clamp_(min=group["epsilon2"])
    update *= scale
    if group["beta1"]:
        update = state["mean"].mul_(group["beta1"]).add_(update, alpha=1 - group["beta1"])
    parameter.sub_(update)


def _begun(parameter: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
    state = {"step": torch.zeros((), dtype=torch.int64)}
    if group["factored"] and parameter.ndim >= 2:
        rows, columns = _axes(parameter)
        state["rows"] = torch.zeros_like(_mean(parameter, columns))
        state["columns"] = torch.zeros_like(_mean(parameter, rows))
    else:
        state["squares"] = torch.zeros_like(parameter)
    if group["beta1"]:
        state["mean"] = torch.zeros_like(parameter)
    return state


def _mean(x: Tensor, axis: int) -> Tensor:
    """Where processes hold parts of ``x``, each has the mean of all along what was cut, not its share of it:
    a factor is what a checkpoint holds of it.
    """
    given: Any = x.mean(axis)
    if hasattr(given, "placements") and any(one.is_partial() for one in given.placements):
        from torch.distributed.tensor import Replicate

        whole = [Replicate() if one.is_partial() else one for one in given.placements]
        return given.redistribute(placements=whole)
    return given


def _axes(parameter: Tensor) -> tuple[int, int]:
    """The two last axes, as Tensor2Tensor factors them."""
    return parameter.ndim - 2, parameter.ndim - 1


def _decay(step: int, group: dict[str, Any]) -> float:
    """Decay of the second moment at ``step``, from 1."""
    if group["exponent"] is not None:
        return 1.0 - float(step) ** -group["exponent"]
    beta2: float = group["beta2"]
    return beta2 * (1 - beta2 ** (step - 1)) / (1 - beta2**step)


def _rms(x: Tensor) -> Tensor:
    return x.square().mean().sqrt()
