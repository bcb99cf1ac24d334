"""Peak memory and time of one self-attention, forwards and backwards, by the length of its input.

    python benchmarks/long_attention.py                      # a line of JSON for each attention and length
    python benchmarks/long_attention.py --svg FILE           # and the plot of docs/benchmarks.md

Every attention runs in a process of its own, one thread, a batch of one, 4 heads, width 256; windows of 256,
blocks of 64, segments and memories of 256.  Memory is the peak above what the process held before; time is
CPU time, the least of three.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import subprocess
import sys
import time
from pathlib import Path

LENGTHS = (512, 1024, 2048, 4096, 8192)
DIM, HEADS = 256, 4
HEADED = {"num_heads": HEADS, "bias": True, "dropout": 0.0, "rotary": False}
CASES: dict[str, tuple[str, bool, dict[str, object]]] = {
    "full": ("full", True, {}),
    "full_stored": ("full", True, {"dropout": 0.1}),
    "sliding_window": ("sliding_window", True, HEADED | {"window": 256}),
    "sliding_window_both_ways": ("sliding_window", False, HEADED | {"window": 256, "global_tokens": 8}),
    "bigbird": ("bigbird", False, HEADED),
    "linformer": ("linformer", False, HEADED | {"max_length": max(LENGTHS), "num_slots": 256}),
    "linear": ("linear", True, HEADED),
    "performer": ("performer", True, HEADED | {"num_features": 256}),
    "transformer_xl": ("transformer_xl", True, HEADED | {"segment": 256, "memory": 256}),
    "compressive": (
        "compressive",
        True,
        HEADED | {"segment": 256, "memory": 256, "compressed": 256, "rate": 4},
    ),
    "mamba2": ("mamba2", True, {}),
}
"""Name, component, whether it is causal, and its settings; ``full_stored`` drops probabilities, so that the matrix
of all pairs is stored, as every attention without a fused kernel does.
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--one", choices=CASES, help="measure one, in this process")
    parser.add_argument("--svg", type=Path, help="write the plot here")
    asked = parser.parse_args()
    if asked.one:
        measure(asked.one)
        return
    rows = []
    for name in CASES:
        done = subprocess.run(
            [sys.executable, __file__, "--one", name], check=True, capture_output=True, text=True
        )
        rows += [json.loads(line) for line in done.stdout.splitlines()]
        print(done.stdout, end="", flush=True)
    print(table(rows))
    if asked.svg:
        asked.svg.write_text(plot(rows), encoding="utf-8")


def measure(name: str) -> None:
    """Prints a line of JSON for each length."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    module, run = made(name)
    for length in LENGTHS:
        if name == "full_stored" and length > 4096:
            break
        x = torch.randn(1, length, DIM, requires_grad=True)
        least, peak = math.inf, 0.0
        for _ in range(3):
            module.zero_grad()
            before = forget_peak()
            start = time.process_time()
            run(x).square().mean().backward()
            least = min(least, time.process_time() - start)
            peak = max(peak, memory("VmHWM") - before)
        row = {"attention": name, "length": length, "MiB": round(peak, 1), "seconds": round(least, 3)}
        print(json.dumps(row), flush=True)


def made(name: str):
    """The module, and what runs it over a whole input."""
    import torch

    from seqspec.components._layers.attention import Attention
    from seqspec.schema.catalogue import Catalogue
    from seqspec.schema.types import States

    component, causal, settings = CASES[name]
    if component == "full":
        module = Attention(DIM, num_heads=HEADS, **settings)
        return module, lambda x: module(x, causal=causal)
    catalogue = Catalogue()
    config = catalogue.config("self_attention", component).model_validate(settings, context=catalogue)
    built = catalogue.module("self_attention", component)(config, States(DIM, causal=causal))
    real = None if causal else torch.ones(1, 1, dtype=torch.bool)
    return built, lambda x: built(x, real_BT=None if real is None else real.expand(1, x.shape[1]))


def forget_peak() -> float:
    """MiB held now; the peak begins here."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(field: str) -> float:
    """MiB of a field of this process's status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise AssertionError(field)


def table(rows: list[dict]) -> str:
    """Markdown: MiB and CPU seconds by length."""
    lines = ["| attention | " + " | ".join(f"{n:,}" for n in LENGTHS) + " |", "|---|" + "---|" * len(LENGTHS)]
    for name in CASES:
        held = {row["length"]: row for row in rows if row["attention"] == name}
        cells = [f"{held[n]['MiB']:,.0f} / {held[n]['seconds']:.2f}" if n in held else "" for n in LENGTHS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


COLOURS = ("#000000", "#888888", "#e41a1c", "#377eb8", "#4daf4a", "#984ea3", "#ff7f00", "#a65628", "#f781bf",
           "#17becf", "#bcbd22")  # fmt: skip
WIDE, HIGH, LEFT, TOP = 330, 300, 60, 30


def plot(rows: list[dict]) -> str:
    """Two panels, memory and time, both axes logarithmic."""
    panels = [
        panel(rows, "MiB", "peak memory, MiB", LEFT),
        panel(rows, "seconds", "CPU seconds", 2 * LEFT + WIDE),
    ]
    legend = [
        f'<text x="{2 * LEFT + 2 * WIDE + 20}" y="{TOP + 12 + 18 * i}" fill="{COLOURS[i]}">{name}</text>'
        for i, name in enumerate(CASES)
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * LEFT + 2 * WIDE + 200} {HIGH + 2 * TOP + 10}" '
        'font-family="sans-serif" font-size="12" role="img" aria-label="Memory and time by length">'
        '<rect width="100%" height="100%" fill="#ffffff"/>'
    )
    return "\n".join([head, *panels, *legend, "</svg>\n"])


def panel(rows: list[dict], field: str, title: str, left: float) -> str:
    """One panel from ``left`` on."""
    values = [max(row[field], 1e-3) for row in rows]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(length: int) -> float:
        return left + WIDE * math.log2(length / LENGTHS[0]) / math.log2(LENGTHS[-1] / LENGTHS[0])

    def y(value: float) -> float:
        return TOP + HIGH * (1 - (math.log10(max(value, 1e-3)) - low) / (high - low))

    parts = [f'<text x="{left}" y="{TOP - 12}" fill="#000">{title}</text>']
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M{left} {at:.1f}h{WIDE}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end" fill="#000">{10.0**power:g}</text>'
        )
    for n in LENGTHS:
        parts.append(
            f'<text x="{x(n):.1f}" y="{TOP + HIGH + 18}" text-anchor="middle" fill="#000">{n:,}</text>'
        )
    for colour, name in zip(COLOURS, CASES, strict=True):
        points = " ".join(f"{x(r['length']):.1f},{y(r[field]):.1f}" for r in rows if r["attention"] == name)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return "\n".join(parts)


if __name__ == "__main__":
    main()
