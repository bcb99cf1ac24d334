"""The two loops that train one and the same model: ``seqspec run``'s, and a plain one tuned by hand."""

from __future__ import annotations

import tempfile
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from accelerator.cases import SPECS, Case
from accelerator.device import products
from accelerator.meter import Meter
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.data.batching.batch import Batch
from seqspec.data.progress import silent
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.lightning_import import Callback, lightning
from seqspec.runtime.training.losses.compiled_loss import CompiledLoss
from seqspec.runtime.training.streams import training_stream
from seqspec.runtime.training.trainer import make_trainer
from seqspec.runtime.training.training_module import Training


@dataclass(frozen=True)
class Setting:
    """How a model is trained."""

    loop: str
    """``seqspec`` or ``plain``."""
    precision: str = "float32"
    compile: bool = False
    channels_last: bool = False
    fused: bool = True
    """The update of all weights is one kernel; ``seqspec`` knows no other."""
    exact: bool = False
    """Kernels that give the same bits again."""

    @property
    def options(self) -> str:
        """In words."""
        named = {"compiled": self.compile, "channels last": self.channels_last, "not fused": not self.fused,
                 "exact": self.exact}  # fmt: skip
        return ", ".join(name for name, on in named.items() if on) or "plain"


@dataclass(frozen=True)
class Work:
    """A case on a device, with its data prepared."""

    case: Case
    device: str
    tiny: bool
    given: bool
    steps: int

    def assembled(self, setting: Setting) -> Assembled:
        """With fresh weights; the corpus is prepared once."""
        own = [f"train.max_steps={self.steps}", f"train.exact={str(setting.exact).lower()}",
               f"train.checkpoint_every_steps={self.steps}", "evaluate.every_steps=null"]  # fmt: skip
        if setting.channels_last and setting.loop == "seqspec":
            own.append("train.channels_last=true")
        sets = self.case.overlays(tiny=self.tiny, given=self.given, more=own)
        profile = [Overlay.profile("tiny")] if self.tiny else []
        overlays = [*profile, *(Overlay.set(text) for text in sets)]
        compiled = compile_spec(SPECS / f"{self.case.spec}.yaml", overlays=overlays)
        return assemble(compiled, splits=("train",), progress=silent)

    @cached_property
    def batches(self) -> list[Batch]:
        """Every batch of the steps, in order; read once."""
        return list(self._stream(self.assembled(Setting("plain")), workers=0))

    def _stream(self, assembled: Assembled, *, workers: int | None) -> Any:
        launch = Launch(device=self.device, workers=workers, quiet=True)  # type: ignore[arg-type]
        return training_stream(
            assembled, max_steps=self.steps, micro_batches=1, launch=launch, place=Place()
        )(0)  # fmt: skip

    def train(self, setting: Setting, meter: Meter) -> None:
        """Train to the end; ``meter`` hears of every update."""
        deterministic = torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(setting.exact, warn_only=True)
        try:
            with products(setting.precision):
                (self._seqspec if setting.loop == "seqspec" else self._plain)(setting, meter)
        finally:
            torch.use_deterministic_algorithms(deterministic)

    def _seqspec(self, setting: Setting, meter: Meter) -> None:
        """Data are loaded and moved as in a run."""
        assembled = self.assembled(setting)
        precision: Any = setting.precision.replace("tf32", "float32")
        module = Training(assembled.program, micro_batches=1, precision=precision,
                          wrap=CompiledLoss if setting.compile else None)  # fmt: skip
        module.objective = _Heard(module.objective, meter)  # type: ignore[assignment]
        launch = Launch(device=self.device, quiet=True)  # type: ignore[arg-type]
        with tempfile.TemporaryDirectory() as folder:
            trainer = make_trainer(launch, place=Place(), accumulate=1, callbacks=[_Ticks(meter)],
                                   folder=RunFolder(Path(folder)), precision=module.arithmetic)  # fmt: skip
            stream = self._stream(assembled, workers=None if self.device == "cuda" else 0)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", module=r"lightning\..*")
                trainer.fit(module, train_dataloaders=stream)

    def _plain(self, setting: Setting, meter: Meter) -> None:
        """Batches lie on the device before the first step."""
        assembled = self.assembled(setting)
        device = torch.device(self.device)
        model = assembled.program.model.to(device).train()
        if setting.channels_last:
            model = model.to(memory_format=torch.channels_last)
        batches = [batch.map(lambda x: x.to(device)) for batch in self.batches]
        loss = objective(assembled)
        forward = torch.compile(loss, dynamic=True) if setting.compile else loss
        optimizer, rate = _optimizer(assembled, fused=setting.fused)
        scaler = torch.amp.GradScaler(self.device, enabled=setting.precision == "float16")
        clip = assembled.compiled.plan.experiment.train.clip_norm
        for step, batch in enumerate(batches, start=1):
            with _arithmetic(self.device, setting.precision):
                value = forward(model, batch)
            scaler.scale(value).backward()
            meter.losses.append(value.detach())
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
            if clip is not None:
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip, foreach=True)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            meter.tick()


def objective(assembled: Assembled) -> Any:
    """What both loops make small, of a model and a batch."""
    losses = assembled.program.losses

    def of(model: Any, batch: Batch) -> Tensor:
        return losses.weigh(losses.sums(model, batch), batch, step=1).objective

    return of


def _optimizer(assembled: Assembled, *, fused: bool) -> tuple[torch.optim.Optimizer, Any]:
    claim = next(iter(assembled.program.optimizers.values()))
    named = dict(assembled.program.model.named_parameters())
    optimizer = claim.component.build([(name, named[name]) for name in claim.names])
    if not fused:
        optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]  # only what is fused unscales
        for group in optimizer.param_groups:
            group |= {"fused": False, "foreach": True}
    return optimizer, claim.config.schedule.rate


def _arithmetic(device: str, precision: str) -> AbstractContextManager[Any]:
    if precision in ("float32", "tf32"):
        return nullcontext()
    return torch.autocast(device, getattr(torch, precision))


class _Heard:
    """An objective whose values are kept."""

    def __init__(self, objective: Any, meter: Meter) -> None:
        self._objective, self._meter = objective, meter

    def __call__(self, *given: Any, **named: Any) -> Any:
        found = self._objective(*given, **named)
        if found is not None:
            self._meter.losses.append(found.objective.detach())
        return found

    def joins(self, task: str) -> bool:
        return bool(self._objective.joins(task))


class _Ticks(Callback):
    def __init__(self, meter: Meter) -> None:
        self.meter, self.seen = meter, 0

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object
    ) -> None:
        assert isinstance(pl_module, Training)
        if pl_module.step != self.seen:
            self.seen = pl_module.step
            self.meter.tick()
