"""Weights of 8 or 4 bits in an export to ONNX, and what that costs and brings, measured.

Dynamic quantisation (scales of activations are found as they come) needs no data; static quantisation fixes
them from a named split; weights alone may be quantised, in blocks.  Jacob et al. (2018), "Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR, arXiv:1712.05877.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seqspec.components.graphs import replaced
from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.checkpoints.selection import use_weights
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.torch_compiler import quiet
from seqspec.runtime.evaluation.run_evaluation import evaluator_of
from seqspec.runtime.export.comparison import Runners, in_runtime, substitutes
from seqspec.runtime.export.learned_ranges import Overrides, learned_ranges
from seqspec.runtime.export.onnx_session import runner
from seqspec.runtime.export.subject import Subject, with_split
from seqspec.runtime.export.teacher_forced import perplexity
from seqspec.runtime.training.streams import evaluation_stream
from seqspec.schema.diagnostic import Exit, RunError

METHODS = ("int8", "int8_static", "int8_weights", "int4_weights")
BLOCK = 32
"""Weights that share a scale, where weights alone are quantised."""
OPERATORS = ["MatMul", "Gemm", "LSTM"]
"""What is quantised; convolutions whose scales are found as they come gain no time on a CPU."""
STATIC_OPERATORS = ["MatMul", "Gemm", "Conv"]
DYNAMIC_ONLY = ["LSTM"]
"""What onnxruntime has in 8 bits with scales found as inputs come, and not with fixed ones."""
CALIBRATION_EXAMPLES = 200
TIMED = 5
"""Passes over the timed batch; the fastest counts."""


@dataclass(frozen=True)
class Quantized:
    """What was lost and gained: ``float32`` before ``int8`` in every pair."""

    how: str
    split: str
    table: dict[str, tuple[str, str]]

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``export.json`` and the card."""
        return asdict(self)


def quantize(
    subject: Subject, folder: Path, *, target: str, method: str, calibrate: str, split: str | None
) -> Quantized:
    """Put quantised files in the place of those that were compared; raises ``RunError`` where it cannot."""
    if method not in METHODS:
        known = " and ".join(f"`{one}`" for one in METHODS)
        raise RunError(f"there is no quantisation `{method}`", exit=Exit.USAGE, help=f"there are {known}")
    if target != "onnx":
        raise RunError(
            f"`--quantize` works on `--to onnx`, not on `{target}`",
            exit=Exit.USAGE,
            help="for CTranslate2 `seqspec predict --engine ctranslate2-int8` quantises as it loads",
        )
    if subject.assembled is None:
        raise RunError("what quantisation costs is measured on a split, not on --inputs", exit=Exit.USAGE,
                       help="leave --inputs out; --split and --evaluate name splits")  # fmt: skip
    graphs = subject.graphs()
    plain = {graph.name: folder / f"{graph.name}.onnx" for graph in graphs}
    before = {name: runner(path) for name, path in plain.items()}
    small = {name: folder / f"{name}.int8.onnx" for name in plain}
    with quiet():
        if method == "int8":
            _dynamic(plain, small)
            how = f"dynamic int8 of {', '.join(OPERATORS)}, a scale a channel"
        elif method in ("int8_weights", "int4_weights"):
            bits = int(method[3])
            _weights_alone(plain, small, bits=bits)
            how = f"weights of MatMul in {bits} bits, a scale for {BLOCK} of them, arithmetic in float32"
        else:
            learned = {name: learned_ranges(subject.model, path) for name, path in plain.items()}
            _static(plain, small, _recorded(subject, before, calibrate), learned)
            how = f"static int8 of {', '.join(STATIC_OPERATORS)}, calibrated on {calibrate}"
            if _rest_dynamic(small):
                how += f"; {', '.join(DYNAMIC_ONLY)} dynamic"
            count = sum(map(len, learned.values()))
            if count:
                how += f"; {count} ranges as the run learned with them"
    after = {name: runner(path) for name, path in small.items()}
    measured = _measured(subject, before, after, split)
    sizes = [sum(path.stat().st_size for path in paths.values()) for paths in (plain, small)]
    for name, path in small.items():
        os.replace(path, plain[name])
    return Quantized(how, measured.split, {
        **measured.table,
        "bytes": (f"{sizes[0]:,}", f"{sizes[1]:,} ({sizes[0] / sizes[1]:.2f} times smaller)"),
    })  # fmt: skip


def _dynamic(plain: dict[str, Path], small: dict[str, Path]) -> None:
    for name, path in plain.items():
        _with_scales_as_inputs_come(path, small[name], OPERATORS)


def _weights_alone(plain: dict[str, Path], small: dict[str, Path], *, bits: int) -> None:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    for name, path in plain.items():
        quantizer = MatMulNBitsQuantizer(onnx.load(path), bits=bits, block_size=BLOCK, is_symmetric=True)
        quantizer.process()
        onnx.save(quantizer.model.model, small[name])


def _static(
    plain: dict[str, Path],
    small: dict[str, Path],
    calls: dict[str, list[list[Tensor]]],
    learned: dict[str, Overrides],
) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    for name, path in plain.items():
        quantize_static(
            path, small[name], _Reader(path, calls[name]), quant_format=QuantFormat.QDQ, per_channel=True,
            op_types_to_quantize=STATIC_OPERATORS, weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8, extra_options={"TensorQuantOverrides": learned[name]},
        )  # fmt: skip


def _rest_dynamic(small: dict[str, Path]) -> bool:
    """Quantises what has no static form, in place; true where there is any."""
    import onnx

    held = [
        path
        for path in small.values()
        if {node.op_type for node in onnx.load(path).graph.node} & {*DYNAMIC_ONLY}
    ]
    for path in held:
        _with_scales_as_inputs_come(path, path, DYNAMIC_ONLY)
    return bool(held)


def _with_scales_as_inputs_come(path: Path, to: Path, operators: list[str]) -> None:
    """Weights without a sign: with one, onnxruntime adds pairs of products in 16 bits on processors that have
    AVX2 and no VNNI, and sums that do not fit are cut.  The states of a small translator were 17 % off so,
    and 1 % off without.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(path, to, op_types_to_quantize=operators, per_channel=True, weight_type=QuantType.QUInt8)


class _Reader:
    """Calls of one graph, as onnxruntime reads them."""

    def __init__(self, path: Path, calls: Sequence[Sequence[Tensor]]) -> None:
        import onnx

        self.names = [port.name for port in onnx.load(path, load_external_data=False).graph.input]
        self._calls: Iterator[Sequence[Tensor]] = iter(calls)

    def get_next(self) -> dict[str, Any] | None:
        call = next(self._calls, None)
        return None if call is None else {n: x.numpy() for n, x in zip(self.names, call, strict=True)}


def _recorded(subject: Subject, runners: Runners, split: str) -> dict[str, list[list[Tensor]]]:
    """Every call of each graph while the split's first examples are searched."""
    calls: dict[str, list[list[Tensor]]] = {name: [] for name in runners}

    def recording(name: str) -> Any:
        def run(given: Sequence[Tensor]) -> Sequence[Tensor]:
            if all(x.numel() for x in given):
                calls[name].append([x.clone() for x in given])
            return runners[name](given)

        return run

    recorders = {name: recording(name) for name in runners}
    for batch in _batches(_split(subject, split), split, limit=CALIBRATION_EXAMPLES):
        with in_runtime(subject, recorders):
            subject.answers(batch)
        for graph in subject.graphs(batch):
            if not calls[graph.name]:
                recorders[graph.name](list(graph.given.values()))
    return calls


@dataclass(frozen=True)
class _Measured:
    split: str
    table: dict[str, tuple[str, str]]


def _measured(subject: Subject, before: Runners, after: Runners, split: str | None) -> _Measured:
    """Metrics of a whole split with both, and the time of the largest batch."""
    name = split or subject.split
    assert name is not None
    assembled = _split(subject, name)
    found = [_metrics(subject, assembled, name, runners) for runners in (before, after)]
    seconds = [_seconds(subject, runners) for runners in (before, after)]
    table = {key: (f"{value:.4f}", f"{found[1][key]:.4f}") for key, value in found[0].items()}
    table["milliseconds a batch"] = (f"{seconds[0] * 1e3:.2f}", f"{seconds[1] * 1e3:.2f}")
    return _Measured(name, table)


def _split(subject: Subject, name: str) -> Assembled:
    if subject.assembled is not None and name in subject.assembled.prepared.splits:
        return subject.assembled
    return with_split(subject.whole, subject.folder, name, subject.task)


def _batches(assembled: Assembled, split: str, *, limit: int | None = None) -> Iterator[Batch]:
    return iter(
        evaluation_stream(
            assembled.prepared,
            assembled.prepared.splits[split],
            micro_batches=1,
            launch=Launch(device="cpu", workers=0),
            place=Place(),
            limit=limit,
        )
    )


def _metrics(subject: Subject, assembled: Assembled, split: str, runners: Runners) -> dict[str, float]:
    """The run's metrics of answers; of a language model, its perplexity."""
    program = assembled.program
    answers = tuple(metric for metric in program.metrics if metric.reads != "teacher_forced")
    if not answers:
        return {"perplexity": perplexity(subject, runners, _batches(assembled, split))}
    if not replaced(subject.model, substitutes(subject.graphs(), runners)):
        raise RunError(
            "what quantisation costs cannot be measured: this model answers by more than its functions",
            exit=Exit.USAGE,
            help="leave --quantize out",
        )
    use_weights(program.trained, subject.weights.checkpoint)
    configs = subject.compiled.plan.experiment.evaluate.metrics
    kept = [c for c, m in zip(configs, program.metrics, strict=True) if m.reads != "teacher_forced"]
    evaluator = evaluator_of(assembled, Launch(device="cpu"))
    evaluator = replace(evaluator, program=replace(program, metrics=answers), metric_configs=tuple(kept))
    other = replace(subject, opened=replace(subject.opened, run=replace(subject.opened.run, program=program)))
    with in_runtime(other, runners):
        scored = evaluator.score(split, _batches(assembled, split))
    return {name: value for name, value in scored.metrics.items() if not name.startswith("loss")}


@torch.inference_mode()
def _seconds(subject: Subject, runners: Runners) -> float:
    """All graphs once on the largest batch, with the threads that torch has."""
    graphs = subject.graphs()
    times = []
    for _ in range(TIMED):
        begin = time.perf_counter()
        for graph in graphs:
            runners[graph.name](list(graph.given.values()))
        times.append(time.perf_counter() - begin)
    return min(times)
