"""Torch's compiler, ``torch._dynamo``, left out of a process until something is compiled.

Loading it costs as much as loading torch itself.  Two things load it that compile nothing: Lightning, which
asks whether a model is a compiled one, and torch's optimisers, which are kept from being compiled.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch.optim import optimizer as of_all

NAME = "torch._dynamo"
BOOKKEEPING = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
"""Methods of torch's optimiser that it keeps from being compiled (``torch._disable_dynamo``)."""


@contextmanager
def deferred() -> Iterator[None]:
    """Within it ``from torch._dynamo import OptimizedModule`` loads nothing; whatever else is asked of the
    compiler loads it.
    """
    if NAME in sys.modules:
        yield
        return
    sys.modules[NAME] = _Deferred(NAME)
    try:
        yield
    finally:
        if isinstance(sys.modules.get(NAME), _Deferred):
            del sys.modules[NAME]


@contextmanager
def quiet() -> Iterator[None]:
    """Holds back what a package says of its own imports and passes, where nothing is wrong."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def cpp_compiler() -> str | None:
    """The C++ compiler that torch's takes on this machine, where there is one."""
    with quiet():
        from torch._inductor.cpp_builder import get_cpp_compiler
        from torch._inductor.exc import InvalidCxxCompiler

        try:
            return str(get_cpp_compiler())
        except (InvalidCxxCompiler, OSError):  # CXX may name what cannot be run.
            return None


def plain_bookkeeping() -> None:
    """Let optimisers do their bookkeeping without the compiler for as long as nobody has loaded it."""
    for name in BOOKKEEPING:
        plain = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
        if plain is not None and not hasattr(plain, "__dynamo_disable"):
            plain.__dynamo_disable = _kept_from_compiling(plain)


def update(optimizer: torch.optim.Optimizer) -> None:
    """``optimizer.step()``; without the compiler, the profiler's record and hooks where there are none."""
    written = type(optimizer).step
    plain = _unwrapped(written)
    own = (
        "step" in vars(optimizer)
        or optimizer._optimizer_step_pre_hooks
        or optimizer._optimizer_step_post_hooks
        or of_all._global_optimizer_pre_hooks
        or of_all._global_optimizer_post_hooks
    )
    if own or optimizer.defaults.get("differentiable") or plain is written:
        optimizer.step()
        return
    with torch.no_grad():
        plain(optimizer)


_unwrapped = functools.cache(inspect.unwrap)


def clear_gradients(optimizer: torch.optim.Optimizer) -> None:
    """``optimizer.zero_grad()``, without the profiler's record where it is torch's own."""
    if type(optimizer).zero_grad is not torch.optim.Optimizer.zero_grad:
        optimizer.zero_grad()
        return
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None


class _IsCompiled(type):
    """What torch calls a compiled module is one only after the compiler was loaded."""

    def __instancecheck__(cls, value: object) -> bool:
        compiler = sys.modules.get("torch._dynamo.eval_frame")
        return compiler is not None and isinstance(value, compiler.OptimizedModule)


class _OptimizedModule(metaclass=_IsCompiled):
    """Stands for ``torch._dynamo.OptimizedModule`` in ``isinstance``."""


class _Deferred(ModuleType):
    OptimizedModule = _OptimizedModule

    @staticmethod
    def disable(function: Callable[..., Any], recursive: bool = True, **_: Any) -> Callable[..., Any]:
        return functools.wraps(function)(_kept_from_compiling(function, recursive=recursive))

    def __getattr__(self, name: str) -> Any:
        # ``from`` asks whether this is a package; whoever imports a module inside it needs the real one.
        if name == "__path__" and sys._getframe(1).f_globals.get("__name__") != "importlib._bootstrap":
            raise AttributeError(name)
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
        return getattr(importlib.import_module(NAME), name)


def _kept_from_compiling(plain: Callable[..., Any], *, recursive: bool = True) -> Callable[..., Any]:
    """``torch._dynamo.disable``, asked for when the compiler is there to be kept away."""
    disabled: list[Callable[..., Any]] = []

    def called(*arguments: Any, **keywords: Any) -> Any:
        if NAME not in sys.modules:
            return plain(*arguments, **keywords)
        if not disabled:
            compiler = importlib.import_module(NAME)
            disabled.append(compiler.disable(plain, recursive, wrapping=False))
        return disabled[0](*arguments, **keywords)

    return called
